"""The recipes of conversations: the control of shuffled history, and the table of peers."""

import importlib.util
from itertools import pairwise

import pytest
from helpers.commands import REPOSITORY
from helpers.raw_files import write

from emo_mtl.errors import UserError


def load(name: str):
    """A script of examples/conversations as a module."""
    path = REPOSITORY / "examples" / "conversations" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"conversations_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestShuffledHistory:
    def contexts(self) -> list[list[str]]:
        """Of 12 dialogues of five turns: contexts of one to four turns."""
        talks = [[f"{i}{turn}" for turn in "abcde"] for i in range(12)]
        return [talk[:end] for talk in talks for end in range(1, 5)]

    def test_history_is_of_another_dialogue(self):
        before = self.contexts()
        after = load("shuffle_history").shuffled(before, seed=1)
        for old, new in zip(before, after, strict=True):
            assert new[-1] == old[-1]
            assert len(new) == len(old)
            assert all(turn[:-1] != old[0][:-1] for turn in new[:-1])
            assert len({turn[:-1] for turn in new[:-1]}) <= 1  # one dialogue's, in its order
            assert all(a < b for a, b in pairwise(new[:-1]))

    def test_every_history_is_given_away_once(self):
        before = self.contexts()
        after = load("shuffle_history").shuffled(before, seed=1)
        assert sorted(c[:-1] for c in before) == sorted(c[:-1] for c in after)

    def test_no_other_history(self):
        contexts = [["a", "b"], ["a", "b"], ["x"]]
        assert load("shuffle_history").shuffled(contexts, seed=1) == contexts

    def test_files(self, tmp_path, capsys):
        for split in ("train", "valid", "test"):
            text = tmp_path / "data" / "text" / "response"
            write(text / f"{split}.source", "a __eou__ b\nc __eou__ d\ne\n")
            write(text / f"{split}.target", "x\ny\nz\n")
        load("shuffle_history").main(tmp_path / "data", tmp_path / "out")
        assert (tmp_path / "out" / "test.tsv").read_text() == (
            "c __eou__ b\tx\na __eou__ d\ty\ne\tz\n"
        )
        assert "test: 3 pairs, 0 with the history that they had" in capsys.readouterr().out


class TestPeers:
    def test_alignment(self):
        references = ["Hi!", "I'm fine.", "odd", "It's cold.", "Bye", "So?"]
        wanted = ["hi !", "i am fine .", "it 's cold .", "bye", "so ?"]
        assert load("peers").in_order(references, wanted) == [0, 1, 3, 4, 5]

    def test_other_references(self):
        with pytest.raises(UserError, match="are not those of the peers"):
            load("peers").in_order(["a", "b"], ["x", "y"])

    def test_table(self, tmp_path, capsys):
        write(tmp_path / "peers" / "Some.tsv", "ok ok\thi !\nok ok\tbye .\n")
        write(tmp_path / "gold", "Hi!\nNo one has this.\nBye.\n")
        write(tmp_path / "ours", "Hi!\nSo?\nOK.\n")
        files = ["--references", str(tmp_path / "gold"), "--hypotheses", str(tmp_path / "ours")]
        load("peers").main(["--peers", str(tmp_path / "peers"), *files])
        lines = capsys.readouterr().out.splitlines()
        assert lines[2].startswith("| Some | 25.00 | 25.00 | ")
        assert lines[2].endswith("| 2.0 | 2 | 1 | 100.0 |")
        assert lines[3].endswith("| 2.0 | 2 | 2 | 50.0 |")
        assert lines[4].startswith("| gold | 100.00 | 50.00 | - |")
