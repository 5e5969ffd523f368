"""CrowdFlower "Emotion in Text" -> twelve emotions (task `e12`).

A CSV file with the columns tweet_id, sentiment, author, content, or Kaggle's `tweet_emotions.csv`, whose
first 40,000 rows are the same without the author. Rows labelled `empty` are dropped, the others shuffled
with seed 0, the first half is kept and cut 8:1:1.
"""

import csv
import io
import random
from itertools import islice
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.preparation.corpus import (
    Dataset,
    Pairs,
    check_label,
    clean,
    cut_8_1_1,
    read_filled,
    shown,
)

FILE = "text_emotion.csv"
KAGGLE_FILE = "tweet_emotions.csv"
HEADER = ["tweet_id", "sentiment", "author", "content"]
KAGGLE_HEADER = ["tweet_id", "sentiment", "content"]
ORIGINAL_ROWS = 40_000  # what follows them in Kaggle's file is not of the original
DROPPED = "empty"
LABELS = (
    "anger",
    "boredom",
    "enthusiasm",
    "fun",
    "happiness",
    "hate",
    "love",
    "neutral",
    "relief",
    "sadness",
    "surprise",
    "worry",
)


def read_pairs(path: Path) -> Pairs:
    """Return all (content, label) pairs but those labelled `empty`, in file order.

    Raises:
        UserError: another header, a row that is not CSV of its columns, an unknown label, or an
            empty text. A row may span lines; the line named is its first.
    """
    fix = "restore the file from the original release"
    pairs: Pairs = []
    rows = csv.reader(io.StringIO(read_filled(path), newline=""), strict=True)
    number = 1
    try:
        header = next(rows)
        if header not in (HEADER, KAGGLE_HEADER):
            raise UserError.at(
                f"{path}:1",
                found=shown(",".join(header)),
                expected=f"header {','.join(HEADER)!r}, or Kaggle's {','.join(KAGGLE_HEADER)!r}",
                fix=fix,
            )
        number = rows.line_num + 1
        for row in islice(rows, ORIGINAL_ROWS if header == KAGGLE_HEADER else None):
            where = f"{path}:{number}"
            if len(row) != len(header):
                raise UserError.at(
                    where, found=f"{len(row)} columns", expected=f"{len(header)}", fix=fix
                )
            label, content = row[1], row[-1]
            check_label(label, (*LABELS, DROPPED), where)
            if label != DROPPED:
                pairs.append((clean(content, where), label))
            number = rows.line_num + 1
        if more := sum(1 for _ in rows):
            print(f"{path}: read its first {ORIGINAL_ROWS:,} rows, and left out {more:,} more")
    except csv.Error as error:
        raise UserError.at(f"{path}:{number}", found=str(error), expected="CSV", fix=fix) from error
    return pairs


def read(raw: Path) -> Dataset:
    """Read `raw/text_emotion.csv`, or Kaggle's `raw/tweet_emotions.csv` where that is there alone.

    Raises:
        UserError: the file is missing or changed (see `read_pairs`), or has fewer than 20 rows.
    """
    path = raw / FILE
    if not path.exists() and (raw / KAGGLE_FILE).exists():
        path = raw / KAGGLE_FILE
    pairs = read_pairs(path)
    random.Random(0).shuffle(pairs)
    return Dataset(
        name="CrowdFlower",
        files=(path,),
        splits=cut_8_1_1(pairs[: len(pairs) // 2], path),
        labels=LABELS,
        paper=(15670, 1958, 1958),
        title="Feeling",
    )
