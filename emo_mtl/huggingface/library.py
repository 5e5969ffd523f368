"""Importing transformers, which is an optional package (extra `hf`)."""

import importlib
import sys
from types import ModuleType

from emo_mtl.errors import UserError


def import_transformers() -> ModuleType:
    """The module `transformers`.

    Raises:
        UserError: it is not installed
    """
    hide_broken_torchaudio()
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise UserError(
            f"found no transformers ({error}), expected the package: install the extra emo-mtl[hf]"
        ) from error


def hide_broken_torchaudio() -> None:
    """Make an installed torchaudio that cannot be loaded look as if it were not installed.

    fairseq-fixed demands torchaudio, which PyPI has for CUDA only: beside a CPU build of torch it
    cannot be loaded, and transformers loads it wherever it is installed, even for text.
    """
    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError):
        sys.modules["torchaudio"] = None  # type: ignore[assignment]  # Python's own way to say "there is no such module"
