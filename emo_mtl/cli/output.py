"""Files that a subcommand writes: never over an existing one unasked, and whole or not at all."""

import os
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


def write_atomically(path: Path, text: str) -> None:
    """Write the whole file or nothing, by way of a second file beside it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        draft.unlink(missing_ok=True)
