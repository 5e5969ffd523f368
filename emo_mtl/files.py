"""Reading text and JSON of the user: what is wrong with a file is said with its line."""

import hashlib
import json
from pathlib import Path
from typing import Any

from emo_mtl.errors import UserError


def decode(raw: bytes, where: object) -> str:
    """UTF-8, with or without a byte order mark.

    Args:
        where: what an error message names: a path, or `standard input`

    Raises:
        UserError: the bytes are not UTF-8
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(
            f"{where}, line {line}: found the byte 0x{error.object[error.start]:02x}, expected UTF-8; "
            "convert it, e.g. with iconv -f LATIN1 -t UTF-8"
        ) from error


def read_text(path: Path) -> str:
    """The whole of a UTF-8 file.

    Raises:
        UserError: the file cannot be read, or is not UTF-8
    """
    try:
        return decode(path.read_bytes(), path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        UserError: as `read_text`, or the text is not JSON
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}, line {error.lineno}: found no JSON ({error.msg}, column {error.colno}); "
            "was the file cut off or edited? make it again"
        ) from error


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content.

    Raises:
        UserError: the file cannot be read
    """
    try:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
