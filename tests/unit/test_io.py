"""Reading of files."""

from pathlib import Path

import pytest

from emo_mtl.errors import UserError
from emo_mtl.io import read_lines


class TestReadLines:
    def test_only_line_feeds_end_a_line(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes("a\u2028b\x85c\r\nd\re\n\nf".encode())
        assert read_lines(path) == ["a\u2028b\x85c", "d\re", "", "f"]

    def test_byte_order_mark_is_no_text(self, tmp_path: Path) -> None:
        path = tmp_path / "labels"
        path.write_text("\ufeffup\ndown\n", encoding="utf-8")
        assert read_lines(path) == ["up", "down"]
        path.write_bytes(b"\xef\xbb\xbfab\xff")
        with pytest.raises(
            UserError, match=r"labels, line 1: found the byte 0xff.*byte 3 of the line"
        ):
            read_lines(path)

    def test_bad_byte_is_named_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"fine\ncaf\xe9 au lait\n")
        with pytest.raises(
            UserError, match=r"file, line 2: found the byte 0xe9, .*UTF-8 \(byte 4 "
        ):
            read_lines(path)

    def test_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(UserError, match="found an empty file"):
            read_lines(tmp_path / "file")

    def test_blank_lines_are_lines(self, tmp_path: Path) -> None:
        """A system may answer nothing."""
        (tmp_path / "file").write_text("\n \n", encoding="utf-8")
        assert read_lines(tmp_path / "file") == ["", " "]

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"nothing: cannot be read \(No such file"):
            read_lines(tmp_path / "nothing")
