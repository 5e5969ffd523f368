"""Reading text and JSON of the user: what is wrong with a file is said with its line."""

import hashlib
import json
import re
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


def text_lines(text: str) -> list[str]:
    """The lines of a text. Only a line feed ends one, with or without a carriage return before it: U+2028
    in a response does not."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        UserError: as `read_text` and `parse_json`
    """
    return parse_json(read_text(path), path)


def parse_json(text: str, where: object) -> Any:
    """What a text in JSON says.

    Args:
        where: what an error message names: a path, with or without a line

    Raises:
        UserError: the text is not JSON, is nested too deeply, or holds what Python cannot read or write
    """
    try:
        content = json.loads(text)
        if re.search(r"\\u[dD]", text):  # half of a surrogate pair can be read, but not be written
            json.dumps(content, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise UserError(
            f"{where}, line {error.lineno}: found no JSON ({error.msg}, column {error.colno}); "
            "was the file cut off or edited? make it again"
        ) from error
    except (RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
        raise UserError(
            f"{where}: found JSON that cannot be used ({error}), expected a file that emo-mtl wrote"
        ) from error
    return content


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
