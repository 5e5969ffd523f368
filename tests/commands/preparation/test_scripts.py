"""The four corpus scripts: counts of the real corpora, exact lines of small ones, bad files."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.commands import REPOSITORY

from emo_mtl.preparation import crowdflower, dailydialog, sst2, tec
from emo_mtl.preparation.corpus import Dataset

Read = Callable[[Path], Dataset]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("dailydialog", dailydialog.read),
        ("tec", tec.read),
        ("sst2", sst2.read),
        ("crowdflower", crowdflower.read),
    ],
)
class TestEveryCorpus:
    def test_script(self, raw: Path, tmp_path: Path, name: str, read: Read) -> None:
        script = REPOSITORY / "preprocess" / f"{name}.py"
        command = [sys.executable, "-B", script, raw / name, tmp_path / "out"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "DIFFERENT, not the paper's data" in done.stdout
        dataset = read(raw / name)
        for split, pairs in dataset.splits.items():
            for column, suffix in enumerate(dataset.suffixes):
                lines = (tmp_path / "out" / f"{split}.{suffix}").read_bytes().decode()
                assert lines == "".join(f"{pair[column]}\n" for pair in pairs)

    def test_script_fails_with_one_line(self, tmp_path: Path, name: str, read: Read) -> None:
        script = REPOSITORY / "preprocess" / f"{name}.py"
        command = [sys.executable, "-B", script, tmp_path / name, tmp_path / "out"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr.startswith("emo_mtl: error: ")
        assert "no such file" in done.stderr
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "out").exists()


class TestMultireference:
    """The references of DailyDialog's test set, a file each."""

    def test_files(self, tmp_path: Path) -> None:
        turns = [{"text": "Hi .", "responses": ["a", "b"]}, {"text": "?", "responses": ["c", "d"]}]
        path, out = tmp_path / "file.json", tmp_path / "out"
        path.write_text(json.dumps({"dialogue": turns}) + "\n", encoding="utf-8")
        command = [sys.executable, "-B", REPOSITORY / "preprocess" / "multireference.py", path, out]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "2 lines with 2 references each" in done.stdout
        found = {file.name: file.read_text("utf-8") for file in out.iterdir()}
        assert found == {"reference-1.txt": "a\nc\n", "reference-2.txt": "b\nd\n"}
        again = subprocess.run(command, capture_output=True, text=True)
        assert again.returncode == 1
        assert "exists already" in again.stderr
