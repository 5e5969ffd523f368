"""SST-2 as in GLUE -> negative or positive (task `e2`).

`train.tsv` and `dev.tsv` have the header `sentence<TAB>label`, label 0 or 1. With n examples in
GLUE's train part: train is its first quarter (n // 4), test its last 1,822 examples, since GLUE's
own test part has no labels; of a small sample the last n // 10. Valid is GLUE's dev part.
"""

from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import text_lines
from emo_mtl.preparation.corpus import Dataset, Pairs, check_label, clean, read_filled, shown

HEADER = "sentence\tlabel"
LABELS = ("negative", "positive")  # GLUE writes 0 and 1
TEST_SIZE = 1822


def read_pairs(path: Path) -> Pairs:
    """Return the (sentence, label) pairs of one file.

    Raises:
        UserError: another header, a line that has not two columns, or a label not 0 or 1.
    """
    fix = "restore the file from GLUE's SST-2.zip"
    header, *lines = text_lines(read_filled(path))
    if header != HEADER:
        raise UserError.at(f"{path}:1", found=shown(header), expected=f"header {HEADER!r}", fix=fix)
    pairs: Pairs = []
    for number, line in enumerate(lines, start=2):
        where = f"{path}:{number}"
        columns = line.split("\t")
        if len(columns) != 2:
            raise UserError.at(
                where, found=f"{len(columns)} columns", expected="2: sentence<TAB>label", fix=fix
            )
        text, label = columns
        pairs.append((clean(text, where), LABELS[int(check_label(label, ("0", "1"), where))]))
    return pairs


def read(raw: Path) -> Dataset:
    """Read `raw/train.tsv` and `raw/dev.tsv`.

    Raises:
        UserError: a file is missing, changed (see `read_pairs`) or too small to be cut.
    """
    files = (raw / "train.tsv", raw / "dev.tsv")
    pairs, valid = map(read_pairs, files)
    test_size = min(TEST_SIZE, len(pairs) // 10)
    for path, size, needed in ((files[0], len(pairs), 10), (files[1], len(valid), 1)):
        if size < needed:
            raise UserError.at(
                path, found=f"{size} examples", expected=f"{needed} or more", fix="add examples"
            )
    return Dataset(
        name="SST-2",
        files=files,
        splits={"train": pairs[: len(pairs) // 4], "valid": valid, "test": pairs[-test_size:]},
        labels=LABELS,
        paper=(16837, 872, 1822),
        title="Positive or negative",
    )
