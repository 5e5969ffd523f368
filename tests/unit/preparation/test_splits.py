"""The files of texts."""

from pathlib import Path

import pytest

from emo_mtl.preparation.corpus import SPLITS, Dataset
from emo_mtl.preparation.splits import write_splits


class TestWriteSplits:
    dataset = Dataset("name", (), {s: [(f"{s} é", "joy")] for s in SPLITS}, ("joy",))

    def test_files(self, tmp_path: Path) -> None:
        write_splits(self.dataset, tmp_path / "out")
        assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
            f"{split}.{suffix}"
            for split in ("test", "train", "valid")
            for suffix in ("input", "label")
        ]
        assert (tmp_path / "out" / "valid.input").read_bytes() == "valid é\n".encode()

    def test_failure_leaves_old_files(self, tmp_path: Path) -> None:
        write_splits(self.dataset, tmp_path)
        splits = {split: [("new", "joy")] for split in SPLITS} | {"test": [("\ud800", "x")]}
        with pytest.raises(UnicodeEncodeError):
            write_splits(Dataset("name", (), splits, ("joy",)), tmp_path)
        assert (tmp_path / "train.input").read_text("utf-8") == "train é\n"
        assert not list(tmp_path.glob("*.part"))
