"""GoEmotions (Demszky et al. 2020) -> 27 emotions and neutral, several an utterance (task `goemotions`).

Comments from Reddit in the authors' files train.tsv, dev.tsv and test.tsv: `text<TAB>numbers<TAB>id`, where
the numbers, with commas between, are positions in emotions.txt (or labels.txt, as some copies call it). The
splits are the authors'; names and religions are masked (`[NAME]`) already.
"""

from collections.abc import Sequence
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import text_lines
from emo_mtl.preparation.corpus import Dataset, Pairs, clean, join_labels, read_filled, shown
from emo_mtl.preparation.custom import check_names

FILES = {"train": "train.tsv", "valid": "dev.tsv", "test": "test.tsv"}


def read(raw: Path) -> Dataset:
    """Read the three splits and the names of the labels.

    Raises:
        UserError: a file is missing, a row has another form or number, or a text is empty.
    """
    other = raw / "labels.txt"
    names = other if other.exists() else raw / "emotions.txt"
    labels = tuple(text_lines(read_filled(names)))
    check_names(labels, names)
    files = {split: raw / file for split, file in FILES.items()}
    return Dataset(
        name="GoEmotions",
        files=(*files.values(), names),
        splits={split: read_pairs(path, labels) for split, path in files.items()},
        labels=labels,
        title="Emotions",
    )


def read_pairs(path: Path, labels: Sequence[str]) -> Pairs:
    """Read the texts of a split and their labels; `UserError` as of `read`."""
    by_number = {str(number): label for number, label in enumerate(labels)}
    pairs: Pairs = []
    for line, row in enumerate(text_lines(read_filled(path)), start=1):
        where = f"{path}:{line}"
        columns = row.split("\t")
        numbers = columns[1].split(",") if len(columns) == 3 else []
        if not numbers or any(number not in by_number for number in numbers):
            raise UserError.at(
                where,
                found=shown(row),
                expected=f"text<TAB>numbers<TAB>id, numbers up to {len(labels) - 1} with commas between",
                fix="restore the file from the original release",
            )
        given = join_labels((by_number[number] for number in numbers), labels, where)
        pairs.append((clean(columns[0], where), given))
    return pairs
