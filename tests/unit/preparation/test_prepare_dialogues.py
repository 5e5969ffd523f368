"""Preparing dialogues of one's own: responses, and classification tasks of their columns."""

import json
from pathlib import Path

import pytest
from helpers.raw_files import write

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.preparation.corpus import SPLITS


def run(*arguments: object) -> None:
    """Call the command line in this process."""
    main(["prepare", *map(str, arguments)])


class TestDialogues:
    """Responses, and labels, of dialogues of one's own."""

    @pytest.fixture
    def talks(self, tmp_path: Path) -> Path:
        lines = [
            f'{{"turns": [{{"text": "Hi {i}", "mood": "up"}}, {{"text": "Hello", "mood": "down"}}, '
            f'{{"text": "So {i} ?", "mood": "up"}}]}}\n'
            for i in range(3)
        ]
        for split in SPLITS:
            write(tmp_path / "talks" / f"{split}.jsonl", "".join(lines))
        return tmp_path / "talks"

    def options(self, talks: Path, *flags: object) -> list[object]:
        out = ["--out-dir", talks.parent / "data", "--bpe", "sentencepiece", "--vocab-size", "300"]
        return [*out, "--responses", talks, *flags]

    def test_contexts_and_labels(self, talks: Path, capsys: pytest.CaptureFixture[str]) -> None:
        labels = ["--utterance-labels", "mood=mood", "--reply-labels", "next=mood"]
        run(*self.options(talks, "--context-turns", "2", *labels))
        shown = capsys.readouterr().out
        assert "train: 3 dialogues, 9 turns, 6 responses" in shown
        text = talks.parent / "data" / "text"
        lines = (text / "response" / "train.source").read_text().splitlines()
        assert lines[:2] == ["Hi 0", "Hi 0 __eou__ Hello"]
        assert (text / "mood" / "train.input").read_text().splitlines()[2] == "Hello __eou__ So 0 ?"
        assert (text / "next" / "train.input").read_text().splitlines() == lines
        assert (text / "next" / "train.label").read_text().splitlines()[:2] == ["down", "up"]
        tasks = json.loads((talks.parent / "data" / "manifest.json").read_text())["tasks"]
        (corpus,) = tasks["response"]["made"]["corpora"]
        assert corpus == {
            "name": "talks",
            "format": "JSON Lines",
            "terms": "not known",
            "dialogues": dict.fromkeys(SPLITS, 3),
        }
        assert tasks["next"]["made"]["reply-labels"] == "mood"

    def test_the_number_of_turns_changes_neither_bpe_nor_responses(self, talks: Path) -> None:
        run(*self.options(talks))
        out = talks.parent / "data"
        before = {path: path.read_bytes() for path in out.rglob("*.target*")}
        model = (out / "spm.model").read_bytes()
        run(*self.options(talks, "--context-turns", "3", "--overwrite"))
        assert (out / "spm.model").read_bytes() == model
        assert {path: path.read_bytes() for path in before} == before
        assert "__eou__" in (out / "text" / "response" / "train.source").read_text()

    def test_other_turns_are_built_again(
        self, talks: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for turns in ("2", "2", "3"):
            run(*self.options(talks, "--context-turns", turns, "--overwrite"))
        shown = capsys.readouterr().out
        assert shown.count("nothing to do") == 1
        assert shown.count("built response") == 2

    def test_several_are_joined(self, talks: Path) -> None:
        for split in SPLITS:
            write(talks.parent / "pairs" / f"{split}.tsv", "Bye\tSee you\n")
        run(*self.options(talks, "--responses", talks.parent / "pairs"))
        data = talks.parent / "data"
        lines = (data / "text" / "response" / "train.source").read_text().splitlines()
        assert (len(lines), lines[-1]) == (7, "Bye")
        manifest = json.loads((data / "manifest.json").read_text())
        assert manifest["tasks"]["response"]["corpus"] == "talks + pairs"
        assert len(manifest["tasks"]["response"]["raw"]) == 6

    def test_twice_the_same(self, talks: Path) -> None:
        with pytest.raises(UserError, match=r"--responses: found .*talks twice"):
            run(*self.options(talks, "--responses", talks))

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (["--utterance-labels", "mood"], "found the name 'mood' without a column"),
            (["--reply-labels", "response=mood"], "which is the generation task"),
            (["--utterance-labels", "m=feeling"], "found no label of that name in train, but mood"),
            (["--tasks", "response", "--raw-dir", "x"], "response beside --responses"),
        ],
    )
    def test_refused(self, talks: Path, flags: list[str], message: str) -> None:
        with pytest.raises(UserError, match=message):
            run(*self.options(talks, *flags))

    def test_labels_need_dialogues(self, tmp_path: Path) -> None:
        flags = ["--out-dir", tmp_path / "out", "--bpe", "sentencepiece"]
        with pytest.raises(UserError, match="found no --responses"):
            run(*flags, "--reply-labels", "next=mood")
