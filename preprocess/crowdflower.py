"""CrowdFlower "Emotion in Text" -> twelve emotions (task `e12`).

A CSV file with the columns tweet_id, sentiment, author, content. Rows labelled `empty` are dropped,
the others shuffled with seed 0, the first half is kept and cut 8:1:1.
"""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

from corpus import (
    CorpusError,
    Dataset,
    Pairs,
    check_label,
    clean,
    cut_8_1_1,
    read_text,
    run_script,
    shown,
)

FILE = "text_emotion.csv"
HEADER = ["tweet_id", "sentiment", "author", "content"]
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
    """Return all (content, label) pairs but those labelled ``empty``, in file order.

    Raises:
        CorpusError: another header, a row that is not CSV of four columns, an unknown label, or an
            empty text. A row may span lines; the line named is its first.
    """
    fix = "restore the file from the original release"
    pairs: Pairs = []
    rows = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    number = 1
    try:
        header = next(rows)
        if header != HEADER:
            raise CorpusError(
                f"{path}:1",
                found=shown(",".join(header)),
                expected=f"header {','.join(HEADER)!r}",
                fix=fix,
            )
        number = rows.line_num + 1
        for row in rows:
            where = f"{path}:{number}"
            if len(row) != len(HEADER):
                raise CorpusError(
                    where, found=f"{len(row)} columns", expected=f"{len(HEADER)}", fix=fix
                )
            _, label, _, content = row
            check_label(label, (*LABELS, DROPPED), where)
            if label != DROPPED:
                pairs.append((clean(content, where), label))
            number = rows.line_num + 1
    except csv.Error as error:
        raise CorpusError(f"{path}:{number}", found=str(error), expected="CSV", fix=fix) from error
    return pairs


def read(raw: Path) -> Dataset:
    """Read ``raw/text_emotion.csv``.

    Raises:
        CorpusError: the file is missing or changed (see ``read_pairs``), or has fewer than 20 rows.
    """
    path = raw / FILE
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


if __name__ == "__main__":
    run_script(read, __doc__)
