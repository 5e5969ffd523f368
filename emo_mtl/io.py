"""Reading and writing files.

Of those of the user, what is wrong is said with its line. Nothing is replaced unasked, and all is written or
nothing.
"""

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
        column = error.start - error.object.rfind(b"\n", 0, error.start)
        raise UserError(
            f"{where}, line {line}: found the byte 0x{error.object[error.start]:02x}, expected UTF-8 "
            f"(byte {column} of the line); convert it, e.g. with iconv -f LATIN1 -t UTF-8"
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


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file, of :func:`text_lines`.

    Raises:
        UserError: the file cannot be read, is empty or not UTF-8
    """
    text = read_text(path)
    if not text:
        raise UserError(f"{path}: found an empty file, expected one text a line")
    return text_lines(text)


def read_utterances(source: str) -> list[str]:
    """The utterances of a UTF-8 file or of standard input (`-`), one a line, of :func:`text_lines`.

    Raises:
        UserError: the file is missing, empty or not UTF-8, or a line holds no text
    """
    where = "standard input" if source == "-" else source
    text = decode(sys.stdin.buffer.read(), where) if source == "-" else read_text(Path(source))
    lines = text_lines(text)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise UserError(f"{where}, line {number}: found no text, expected an utterance")
    return lines


def text_lines(text: str) -> list[str]:
    """The lines of a text.

    Only a line feed ends one, with or without a carriage return before it: U+2028 in a response does not.
    """
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


def check_output(path: Path | None, overwrite: bool) -> None:
    """Raise `UserError` before any work is done if a file could not, or must not, be written."""
    if path is None:
        return
    if path.is_dir() or not path.parent.is_dir():
        raise UserError(f"{path}: cannot be written; expected a file in an existing folder")
    if path.exists() and not overwrite:
        raise UserError(f"{path}: exists already; choose another file or add --overwrite")


def check_output_folder(path: Path, overwrite: bool, mark: str) -> None:
    """Raise `UserError` if a folder could not, or must not, be written or replaced.

    Args:
        mark: a file that tells a folder of this kind from others, which are never replaced
    """
    if not path.parent.is_dir():
        raise UserError(f"{path}: cannot be written; expected a name in an existing folder")
    if path.exists() and not overwrite:
        raise UserError(f"{path}: exists already; choose another folder or add --overwrite")
    if path.exists() and not (path / mark).is_file():
        raise UserError(
            f"{path}: found no {mark} in it, expected an earlier output, which --overwrite replaces with "
            "everything in it; choose another folder"
        )


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place if all went well."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        yield draft
        draft.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path` to write to, which takes its place if all went well."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    old = path.with_name(f"{path.name}.{os.getpid()}.old")
    try:
        draft.mkdir()
        yield draft
        if path.exists():
            path.replace(old)  # a folder that is not empty cannot be replaced at once
        draft.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        if old.exists() and not path.exists():
            old.replace(path)
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(draft, ignore_errors=True)


def write_atomically(path: Path, text: str) -> None:
    """Write the whole file or nothing."""
    with atomic_file(path) as draft:
        draft.write_text(text, encoding="utf-8")
