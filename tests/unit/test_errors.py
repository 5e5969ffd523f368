"""fairseq's own commands say in one line what is wrong with a file."""

import pickle

import pytest
from torch.utils.data import DataLoader, Dataset

from emo_mtl.errors import UserError, file_message, user_message


class TestUserError:
    def test_is_an_ordinary_exception(self):
        """A notebook goes on after `except Exception`."""
        assert issubclass(UserError, Exception)

    def test_place(self):
        error = UserError.at("f:1", found="x", expected="y", fix="z")
        assert str(error) == "f:1: found x, expected y: z"


class TestUserMessage:
    def test_itself(self):
        assert user_message(UserError("a: b")) == "a: b"
        assert user_message(ValueError("a: b")) is None

    def test_fairseq_raises_another_one(self):
        """As its `checkpoint_utils` and trainer do where a model cannot be loaded."""
        error = ValueError("please ensure that the architectures match")
        error.__context__ = UserError("a: b")
        assert user_message(error) == "a: b"
        error.__suppress_context__ = True  # raise ... from None
        assert user_message(error) is None
        error.__cause__ = UserError("a: b")
        assert user_message(error) == "a: b"

    def test_worker_of_a_data_loader(self):
        loader = DataLoader(Unusable(), num_workers=1)
        with pytest.raises(UserError) as caught:
            list(loader)
        assert user_message(caught.value) == "line 3: bad"


class Unusable(Dataset):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int):
        raise UserError("line 3: bad")


def test_what_is_about_no_file():
    assert file_message(ValueError("a")) is file_message(OSError("no file is named")) is None
    assert "a checkpoint" in file_message(pickle.UnpicklingError())
