"""Checkpoints on disk: telling whole ones from damaged ones, and reading them without running anything."""

import zipfile
import zlib
from argparse import Namespace
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from emo_mtl.errors import UserError, unpickling_fault


def damage(path: Path) -> str | None:
    """What is wrong with a checkpoint's file, None if nothing is; reads all of it, once.

    torch.save writes a zip archive with a CRC-32 of each tensor, which torch.load does not compare. Files of
    torch < 1.6 (such as bart.large/model.pt) have none, and count as whole.
    """
    status = path.stat()
    return damage_of_content(path, status.st_mtime_ns, status.st_size)


@lru_cache
def damage_of_content(path: Path, _changed: int, _size: int) -> str | None:
    """As :func:`damage`, of a file that was last changed at a time and has a size."""
    with path.open("rb") as file:
        start = file.read(2)
    if start == b"\x80\x02":  # a pickle
        return None
    if start != b"PK":
        return "no checkpoint of torch" if start else "empty"
    try:
        with zipfile.ZipFile(path) as archive:
            if not any(name.endswith("/data.pkl") for name in archive.namelist()):
                return "a zip archive, but no checkpoint of torch"
            wrong = archive.testzip()
    except zipfile.BadZipFile:
        return "cut off"
    except (zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        return f"damaged: {error}"
    return f"damaged: the checksum of {wrong} differs" if wrong else None


def newest_whole(folder: Path, but: Path) -> Path | None:
    """The newest undamaged checkpoint of a folder, other than `but`."""
    files = [file for file in folder.glob("checkpoint*.pt") if file != but]
    newest_first = sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)
    return next((file for file in newest_first if damage(file) is None), None)


def read(path: Path) -> dict[str, Any]:
    """The content of a checkpoint; nothing of it is run. Tensors are read when they are used, if torch can.

    Raises:
        UserError: a damaged file, no checkpoint of fairseq, or one that would run code when it is loaded
    """
    if found := damage(path):
        raise UserError(f"{path}: cannot be read as a checkpoint ({found})")
    try:  # torch < 2.6 protects fairseq's own call only if asked
        content = torch.load(
            path, map_location="cpu", mmap=zipfile.is_zipfile(path), weights_only=True
        )
    except Exception as error:  # torch raises many kinds
        raise UserError(
            f"{path}: {unpickling_fault(error)}: use a file that fairseq-train wrote"
        ) from error
    # The second name of each is that of fairseq's oldest checkpoints.
    needed = (("model",), ("extra_state", "epoch"), ("optimizer_history", "optimizer"))
    if not (
        isinstance(content, dict)
        and all(any(name in content for name in names) for names in needed)
        and isinstance(content["model"], dict)
    ):
        raise UserError(
            f"{path}: found something else, expected the model, extra_state and optimizer_history of a "
            "checkpoint that fairseq-train wrote (a folder of Hugging Face: emo-mtl import-hf makes one)"
        )
    return content


def saved_flags(content: Mapping[str, Any], group: str) -> dict[str, Any]:
    """The flags of a checkpoint's training, of one group of fairseq's config; {} where there are none.

    Args:
        content: of :func:`read`
        group: such as `task`; old files have all flags in one
    """
    flags = (content.get("cfg") or {}).get(group) or content.get("args") or {}
    return vars(flags) if isinstance(flags, Namespace) else dict(flags)
