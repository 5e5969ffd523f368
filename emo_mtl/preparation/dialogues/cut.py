"""Cutting dialogues that have no split of their own."""

import hashlib
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.preparation.corpus import SPLITS
from emo_mtl.preparation.dialogues.dialogue import Dialogue


def cut(dialogues: list[Dialogue], path: Path) -> dict[str, list[Dialogue]]:
    """Cut dialogues: valid and test get a tenth each (rounded down) of the different ones, train the rest.

    Which split a dialogue goes to depends on texts alone, so that the same dialogues are always cut alike,
    in whatever order they stand, and equal ones stay together. File order is kept.

    Args:
        path: where they are from, for messages

    Raises:
        UserError: there are fewer than 10 different ones, so that valid and test would be empty
    """
    digests = [digest(dialogue) for dialogue in dialogues]
    ranked = sorted(set(digests))
    tenth = len(ranked) // 10
    if not tenth:
        raise UserError.at(
            path,
            found=f"{len(ranked)} different dialogues",
            expected="10 or more",
            fix="add dialogues",
        )
    split_of = dict.fromkeys(ranked, "train")
    split_of |= dict.fromkeys(ranked[:tenth], "valid")
    split_of |= dict.fromkeys(ranked[tenth : 2 * tenth], "test")
    splits: dict[str, list[Dialogue]] = {split: [] for split in SPLITS}
    for dialogue, key in zip(dialogues, digests, strict=True):
        splits[split_of[key]].append(dialogue)
    return splits


def digest(dialogue: Dialogue) -> str:
    """Hexadecimal SHA-256 of a dialogue's texts, none of which has a line end in it."""
    return hashlib.sha256("\n".join(turn.text for turn in dialogue).encode()).hexdigest()
