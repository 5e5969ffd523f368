"""fairseq's own commands say in one line what is wrong with a file."""

import pickle
import subprocess
import sys

import pytest
import torch
from helpers.checkpoints import RunsCode
from helpers.commands import REPOSITORY, TASK, TRAIN, run_command
from torch.multiprocessing import ProcessRaisedException
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

    def test_process_that_torch_spawned(self):
        with pytest.raises(ProcessRaisedException) as caught:
            torch.multiprocessing.spawn(raise_user_error, nprocs=1)
        assert user_message(caught.value) == "rank 0: bad"


class Unusable(Dataset):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int):
        raise UserError("line 3: bad")


def raise_user_error(rank: int) -> None:
    raise UserError(f"rank {rank}: bad")


def test_what_is_about_no_file():
    assert file_message(ValueError("a")) is file_message(OSError("no file is named")) is None
    assert "a checkpoint" in file_message(pickle.UnpicklingError())


class TestPrograms:
    """What a program shows that ends with an exception."""

    RUN = "import emo_mtl.errors, sys; sys.argv[0] = {program!r}; {statement}"

    @pytest.mark.parametrize(
        ("program", "statement", "shown"),
        [
            ("notebook.py", "raise emo_mtl.errors.UserError('a: b')", "emo_mtl: error: a: b\n"),
            ("notebook.py", "open('/no/file')", None),
            ("/home/fairseq/train.py", "open('/no/file')", None),
            (
                "/env/bin/fairseq-train",
                "open('/no/file')",
                "emo_mtl: error: /no/file: No such file ",
            ),
            ("/env/fairseq_cli/train.py", "open('/no/file')", "emo_mtl: error: /no/file: No such "),
            ("/env/bin/fairseq-train", "1 / 0", None),
        ],
    )
    def test_program(self, program, statement, shown):
        program = self.RUN.format(program=program, statement=statement)
        result = subprocess.run(
            [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True
        )
        assert result.returncode == 1
        assert result.stderr.startswith(shown or "Traceback"), result.stderr
        assert (len(result.stderr.splitlines()) == 1) == bool(shown)


@pytest.mark.parametrize("kind", ["file", "below a file"])
def test_save_dir_that_cannot_be_made(sample, tmp_path, kind):
    (tmp_path / "taken").touch()
    folder = tmp_path / "taken" / ("x" if kind == "below a file" else "")
    command = ["fairseq-train", sample / "data-bin", *TRAIN, "--save-dir", folder]
    result = run_command(*command, check=False)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "taken" in result.stderr.strip().splitlines()[-1]
    assert result.stderr.strip().splitlines()[-1].startswith("emo_mtl: error: ")


def test_validation_of_a_checkpoint_that_would_run_code(sample, tmp_path):
    torch.save({"surprise": RunsCode(tmp_path / "ran")}, tmp_path / "evil.pt")
    command = ["fairseq-validate", sample / "data-bin", *TASK, "--path", tmp_path / "evil.pt"]
    result = run_command(*command, "--max-tokens", "512", check=False)
    assert result.returncode == 1
    assert not (tmp_path / "ran").exists()
    assert "Traceback" not in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith("emo_mtl: error: ")
    assert "found posix.mkdir, which could run code" in result.stderr
