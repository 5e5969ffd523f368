"""Which file a training starts from, or a command reads: by fairseq's rules, but whole, and not by mistake.

fairseq starts with random weights where a file is missing.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fairseq.utils import split_paths

from emo_mtl.errors import UserError
from emo_mtl.training.checkpoints import damage, newest_whole, read

logger = logging.getLogger(__name__)

LAST = "checkpoint_last.pt"  # default of --restore-file
RESETS = ("reset_optimizer", "reset_lr_scheduler", "reset_meters", "reset_dataloader")


class Start(NamedTuple):
    """The file that a training takes parameters from, and what else of it."""

    path: Path
    with_optimizer: bool  # and its state, where the file has one
    with_position: bool  # in the training data


def choose_start(cfg: Any) -> Start | None:
    """The file that fairseq-train is about to load, by fairseq's rules; None for random weights.

    fairseq writes a checkpoint under another name first, but then copies it onto `checkpoint_last.pt`: killed
    in between, or with a full disk, it leaves a part of that file, beside the one that was copied. Training
    goes on from the newest whole one then.

    Args:
        cfg: fairseq's `CheckpointConfig`, which is changed: all ranks read the file, and `restore_file` and
            `finetune_from_model` may name another

    Raises:
        UserError: a file that was named is missing or damaged, as are all checkpoints of `--save-dir`, or the
            flags contradict each other
    """
    # By default rank 0 sends it to the others as a pickle with fairseq's config, which torch >= 2.6 refuses.
    cfg.load_checkpoint_on_all_dp_ranks = True
    save_dir = Path(cfg.save_dir)
    last = save_dir / LAST
    is_named = cfg.restore_file != LAST and Path(cfg.restore_file).resolve() != last.resolve()
    others = [name for name in RESETS if cfg[name]] + ["restore_file"] * is_named
    if cfg.finetune_from_model is not None and others:
        raise UserError(
            f"--finetune-from-model {cfg.finetune_from_model}: found --{others[0].replace('_', '-')} beside "
            "it, expected one of the two: it starts anew by itself the first time, and resumes afterwards"
        )
    if is_named:
        path = existing("--restore-file", cfg.restore_file, save_dir)
        if last.is_file():
            logger.warning(
                f"{last}: will be overwritten, since --restore-file {path} starts from another checkpoint. "
                "To go on from it, leave out --restore-file and the --reset-* flags; --finetune-from-model "
                "starts from a file the first time only"
            )
    elif last.exists():
        path = whole_one(existing("--save-dir", last, save_dir))
        if path != last:
            cfg.restore_file = str(path)
            cfg.finetune_from_model = None  # fairseq refuses it beside a restore file
    elif cfg.get("continue_once"):  # fairseq 0.12.2 has no such flag
        path = existing("--continue-once", cfg.continue_once, save_dir)
    elif cfg.finetune_from_model:
        path = existing("--finetune-from-model", cfg.finetune_from_model, save_dir)
        return Start(path, with_optimizer=False, with_position=False)
    else:
        return None
    return Start(path, not cfg.reset_optimizer, not cfg.reset_dataloader)


def existing(flag: str, name: str | Path, save_dir: Path) -> Path:
    """The file that a flag names; one that is not the last checkpoint must be whole.

    Raises:
        UserError: it is no file, or damaged; with the file that was meant, where there is one
    """
    path = Path(name)
    if not path.is_file():
        meant = [path / "model.pt", path / "checkpoint_best.pt", save_dir / path]
        hint = next((f": give {flag} {file}" for file in meant if file.is_file()), "")
        kind = "is a folder" if path.is_dir() else "no such file"
        raise UserError(f"{flag} {path}: {kind}, expected a checkpoint{hint}")
    if path != save_dir / LAST and (found := damage(path)):
        other = newest_whole(path.parent, but=path)
        hint = f": use the newest one beside it, {flag} {other}" if other else ": get it again"
        raise UserError(f"{path}: {found}, expected a whole checkpoint{hint}")
    return path


def whole_one(last: Path) -> Path:
    """The last checkpoint of a training, or the newest whole one beside it where it is damaged.

    Raises:
        UserError: there is none
    """
    if not (found := damage(last)):
        return last
    other = newest_whole(last.parent, but=last)
    if other is None:
        raise UserError(
            f"{last}: {found}, and no whole checkpoint lies beside it: remove it to start anew, or name "
            "another with --restore-file"
        )
    logger.warning(f"{last}: {found}: going on from {other}, the newest whole checkpoint")
    return other


def check_models(cfg: Mapping[str, Any]) -> None:
    """Raise `UserError` where `--path` names something else than checkpoints, before fairseq loads them.

    Args:
        cfg: the config of a whole command, or a part of it; the several files that FSDP makes of one
            checkpoint are left to fairseq
    """
    paths = (cfg.get("common_eval") or {}).get("path")
    files = cfg.get("checkpoint") or {}
    if paths and not files.get("checkpoint_suffix") and files.get("checkpoint_shard_count", 1) == 1:
        for path in map(Path, split_paths(paths)):
            read(existing("--path", path, path.parent))
