"""`emo-mtl overlap` through its entry point, and the parts that others read from its file."""

import json
import os
from pathlib import Path

import pytest

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.evaluation.parts import read_parts
from emo_mtl.preparation import dailydialog
from emo_mtl.preparation.splits import write_splits

TEXT = {
    "response/train.source": ["Hi .", "Why ?"],
    "response/train.target": ["Hello .", "Why not ?"],
    "response/valid.source": ["Why ?"],
    "response/valid.target": ["why NOT ?"],
    "response/test.source": ["hi .", "Hi .", "Where ?"],
    "response/test.target": ["Fine .", "Hello .", "There ."],
    "e6/train.input": ["so happy", "so sad", "good"],
    "e6/train.label": ["joy", "sadness", "joy"],
    "e6/valid.input": ["bad"],
    "e6/valid.label": ["anger"],
    "e6/test.input": ["so sad", "So  happy"],
    "e6/test.label": ["anger", "joy"],
}

EXPECTED = {
    "response": {
        "valid": {
            "examples": 1,
            "exact": [],
            "normalised": [0],
            "clean": [],
            "utterance_exact": [0],
            "utterance_normalised": [0],
        },
        "test": {
            "examples": 3,
            "exact": [1],
            "normalised": [1],
            "clean": [0, 2],
            "utterance_exact": [1],
            "utterance_normalised": [0, 1],
        },
    },
    "e6": {
        "valid": {"examples": 1, "exact": [], "normalised": [], "clean": [0], "other_label": []},
        "test": {
            "examples": 2,
            "exact": [0],
            "normalised": [0, 1],
            "clean": [],
            "other_label": [0],
        },
    },
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A prepared folder with the text of two tasks."""
    for name, lines in TEXT.items():
        path = tmp_path / "data" / "text" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return tmp_path / "data"


def refused(*argv: object) -> str:
    with pytest.raises(UserError) as error:
        main([str(argument) for argument in argv])
    return str(error.value)


class TestCommand:
    def test_hand_made(self, data, tmp_path, capsys):
        out = tmp_path / "overlap.json"
        main(["overlap", "--data", str(data), "--json", str(out)])
        assert json.loads(out.read_text("utf-8")) == EXPECTED
        rows = capsys.readouterr().out.splitlines()
        assert "| response | test | 3 | 1 (33.3 %) | 1 (33.3 %) | 2 (66.7 %) |" in rows[3]
        assert rows[3].endswith("| 1 (33.3 %) | 2 (66.7 %) | |")
        assert rows[5].endswith("| 1 (50.0 %) | 2 (100.0 %) | 0 (0.0 %) | | | 1 (50.0 %) |")
        assert {path.name for path in tmp_path.iterdir()} == {"data", "overlap.json"}

    def test_is_not_overwritten(self, data, tmp_path):
        out = tmp_path / "overlap.json"
        out.write_text("kept", encoding="utf-8")
        assert "add --overwrite" in refused("overlap", "--data", data, "--json", out)
        assert out.read_text("utf-8") == "kept"
        main(["overlap", "--data", str(data), "--json", str(out), "--overwrite"])
        assert json.loads(out.read_text("utf-8")) == EXPECTED

    @pytest.mark.slow
    @pytest.mark.skipif("EMO_MTL_DATA" not in os.environ, reason="needs the real corpora")
    def test_real_dialogues(self, tmp_path, capsys):
        write_splits(
            dailydialog.read(Path(os.environ["EMO_MTL_DATA"]) / "dailydialog"),
            tmp_path / "text" / "response",
        )
        main(["overlap", "--data", str(tmp_path)])
        valid, test = capsys.readouterr().out.splitlines()[2:4]
        assert valid.startswith("| response | valid | 7,069 | 1,048 (14.8 %) |")
        assert test.startswith("| response | test | 6,740 | 1,083 (16.1 %) |")
        assert "| 1,706 (25.3 %) |" in test


class TestErrors:
    def test_folder_without_text(self, data):
        assert "or its data-bin" in refused("overlap", "--data", data / "text")

    def test_missing_split(self, data):
        (data / "text/e6/valid.label").unlink()
        assert "valid.label: cannot be read" in refused("overlap", "--data", data)

    def test_lengths_differ(self, data):
        (data / "text/e6/test.label").write_text("joy\n", encoding="utf-8")
        message = refused("overlap", "--data", data)
        assert "test.label: found 1 lines, expected 2" in message


class TestParts:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "overlap.json"
        path.write_text(json.dumps(EXPECTED), encoding="utf-8")
        return path

    def test_without_a_file(self):
        assert read_parts(None, "e6", "test", 2) == {"all": range(2)}

    def test_clean_and_seen(self, file):
        parts = read_parts(file, "response", "test", 3)
        assert parts == {"all": range(3), "clean": [0, 2], "seen": [1]}

    def test_without_empty_parts(self, file):
        assert read_parts(file, "e6", "test", 2) == {"all": range(2), "seen": [0, 1]}
        assert read_parts(file, "e6", "valid", 1) == {"all": range(1), "clean": [0]}

    @pytest.mark.parametrize(
        ("task", "subset", "examples", "message"),
        [
            ("e2", "test", 2, "of e2 on test: found no 'e2', expected an object"),
            ("e6", "dev", 2, "of e6 on dev: found no 'dev', expected an object"),
            ("e6", "test", 3, "found 2 examples of e6 on test, expected 3"),
        ],
    )
    def test_other_data(self, task, subset, examples, message, file):
        with pytest.raises(UserError, match=message):
            read_parts(file, task, subset, examples)

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "[]",
            '{"e6": {"test": {"examples": 2}}}',
            '{"e6": {"test": {"examples": 2, "clean": [2]}}}',
            '{"e6": {"test": {"examples": 2, "clean": ["0"]}}}',
            '{"e6": {"test": {"examples": 2, "clean": [[]]}}}',
            b"\xff",
        ],
    )
    def test_other_files(self, content, file):
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(UserError, match=r"overlap\.json.*: found"):
            read_parts(file, "e6", "test", 2)

    def test_missing_file(self, tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_parts(tmp_path / "nowhere.json", "e6", "test", 2)
