"""Reading, cleaning, cutting and writing, apart from any corpus."""

from __future__ import annotations

import sys
from pathlib import Path

import corpus
import pytest


class TestReadLines:
    def test_only_line_feeds_end_a_line(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes("a\u2028b\x85c\r\nd\re\n\nf".encode())
        assert corpus.read_lines(path) == ["a\u2028b\x85c", "d\re", "", "f"]

    def test_byte_order_mark_is_no_text(self, tmp_path: Path) -> None:
        path = tmp_path / "labels"
        path.write_text("\ufeffup\ndown\n", encoding="utf-8")
        assert corpus.read_lines(path) == ["up", "down"]
        path.write_bytes(b"\xef\xbb\xbfab\xff")
        with pytest.raises(corpus.CorpusError, match=r"labels:1: found byte 0xff at byte 3 "):
            corpus.read_lines(path)

    def test_bad_byte_is_named_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"fine\ncaf\xe9 au lait\n")
        with pytest.raises(corpus.CorpusError, match=r"file:2: found byte 0xe9 at byte 4 .*UTF-8"):
            corpus.read_lines(path)

    @pytest.mark.parametrize("content", [b"", b"\n \n"])
    def test_empty_file(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(corpus.CorpusError, match="found an empty file"):
            corpus.read_lines(tmp_path / "file")

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(corpus.CorpusError, match=r"nothing: found no such file.*Fix: "):
            corpus.read_lines(tmp_path / "nothing")


class TestClean:
    def test_every_line_end_becomes_one_space_and_the_rest_stays(self) -> None:
        text = " \ta\r\nb\x0bc\x0cd\x1ce\x85f\u2028\u2029g  h\ti\u00a0j \n"
        cleaned = corpus.clean(text, "here")
        assert cleaned == "a b c d e f g  h\ti\u00a0j"
        assert cleaned.splitlines() == [cleaned]

    def test_empty(self) -> None:
        with pytest.raises(corpus.CorpusError, match="file:3: found an empty text"):
            corpus.clean(" \u00a0\n", "file:3")


class TestCut:
    @pytest.mark.parametrize(("size", "sizes"), [(10, (8, 1, 1)), (29, (25, 2, 2))])
    def test_sizes_and_order(self, size: int, sizes: tuple[int, ...]) -> None:
        pairs = [(str(i), "x") for i in range(size)]
        cut = corpus.cut_8_1_1(pairs, Path("file"))
        assert tuple(len(cut[split]) for split in corpus.SPLITS) == sizes
        assert [pair for split in corpus.SPLITS for pair in cut[split]] == pairs

    def test_too_few(self) -> None:
        with pytest.raises(corpus.CorpusError, match="found 9 usable examples; expected 10"):
            corpus.cut_8_1_1([("a", "b")] * 9, Path("file"))


class TestWriteSplits:
    dataset = corpus.Dataset("name", (), {s: [(f"{s} é", "joy")] for s in corpus.SPLITS}, ("joy",))

    def test_files(self, tmp_path: Path) -> None:
        corpus.write_splits(self.dataset, tmp_path / "out")
        assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
            f"{split}.{suffix}"
            for split in ("test", "train", "valid")
            for suffix in ("input", "label")
        ]
        assert (tmp_path / "out" / "valid.input").read_bytes() == "valid é\n".encode()

    def test_failure_leaves_old_files(self, tmp_path: Path) -> None:
        corpus.write_splits(self.dataset, tmp_path)
        splits = {split: [("new", "joy")] for split in corpus.SPLITS} | {"test": [("\ud800", "x")]}
        with pytest.raises(UnicodeEncodeError):
            corpus.write_splits(corpus.Dataset("name", (), splits, ("joy",)), tmp_path)
        assert (tmp_path / "train.input").read_text("utf-8") == "train é\n"
        assert not list(tmp_path.glob("*.part"))


def test_summary_tells_whether_the_sizes_are_the_papers() -> None:
    splits = {split: [("a", "b")] for split in corpus.SPLITS}
    same = corpus.Dataset("X", (), splits, paper=(1, 1, 1))
    other = corpus.Dataset("X", (), splits, paper=(2, 1, 1))
    assert same.summary() == "X: train 1, valid 1, test 1 (paper's Table 1: 1/1/1: match)"
    assert "DIFFERENT" in other.summary()


def test_error_ends_in_status_1_without_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise corpus.CorpusError("f:1", found="x", expected="y", fix="z")

    with pytest.raises(SystemExit) as caught:
        corpus.exit_on_error(fail)
    assert caught.value.code == "error: f:1: found x; expected y. Fix: z."
    assert sys.exc_info() == (None, None, None)
