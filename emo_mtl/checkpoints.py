"""Checkpoints on disk: telling whole ones from damaged ones, and resuming from the newest whole one."""

import logging
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

import torch

from emo_mtl.errors import UserError

logger = logging.getLogger(__name__)

LAST = "checkpoint_last.pt"  # default of --restore-file


def damage(path: Path) -> str | None:
    """What is wrong with a checkpoint's file, None if nothing is; reads all of it.

    torch.save writes a zip archive with a CRC-32 of each tensor, which torch.load does not compare. Files of
    torch < 1.6 (such as bart.large/model.pt) have none, and count as whole.
    """
    with path.open("rb") as file:
        start = file.read(2)
    if start == b"\x80\x02":  # a pickle
        return None
    if start != b"PK":
        return "no checkpoint of torch" if start else "empty"
    try:
        with zipfile.ZipFile(path) as archive:
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


def choose_restore_file(cfg: Any) -> Path | None:
    """Check what fairseq-train is about to load; resume from another checkpoint if the last one is damaged.

    fairseq writes a checkpoint under another name first, but then copies it onto `checkpoint_last.pt`: killed
    in between, or with a full disk, it leaves a part of that file, beside the one that was copied.

    Args:
        cfg: fairseq's `CheckpointConfig`; its `restore_file` and `finetune_from_model` may be changed

    Returns:
        the file that training goes on from; None if there is none yet

    Raises:
        UserError: the file of `--restore-file` is damaged, or all checkpoints of `--save-dir` are
    """
    is_default = cfg.restore_file == LAST
    last = Path(cfg.save_dir, LAST)
    path = last if is_default else Path(cfg.restore_file)
    if last.is_file() and path.resolve() != last.resolve():
        logger.warning(
            f"{last}: will be overwritten, since --restore-file {path} starts from another checkpoint. To go "
            "on from it, leave out --restore-file and the --reset-* flags; --finetune-from-model starts from "
            "a file the first time only"
        )
    if not path.is_file():
        return None
    if (found := damage(path)) is None:
        return path
    other = newest_whole(path.parent, but=path)
    if other is None:
        raise UserError(
            f"{path}: {found}, and no whole checkpoint lies beside it: remove it to start anew, or name "
            "another with --restore-file"
        )
    if not is_default:
        raise UserError(
            f"{path}: {found}, expected a whole checkpoint: use the newest one beside it, "
            f"--restore-file {other}"
        )
    logger.warning(f"{path}: {found}: going on from {other}, the newest whole checkpoint")
    cfg.restore_file = str(other)
    cfg.finetune_from_model = None  # fairseq refuses it beside a restore file
    return other


def task_settings(path: Path) -> dict[str, Any]:
    """The flags of the task that a checkpoint was trained with; none where they cannot be told.

    That is in old files (`bart.large/model.pt`), and in those that torch refuses: loading says why.
    """
    if not zipfile.is_zipfile(path):
        return {}
    try:  # mapped: this reads no weights
        state = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except pickle.UnpicklingError:
        return {}
    return (state.get("cfg") or {}).get("task", {})
