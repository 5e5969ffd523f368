"""What a subcommand writes: never over something that exists unasked, and whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emo_mtl.errors import UserError


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
