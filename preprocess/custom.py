"""A classification task of your own, for `prepare.py --custom NAME=FOLDER`.

FOLDER holds, for each of train, valid and test, either `SPLIT.tsv` (text<TAB>label, no header) or
the two files `SPLIT.input` and `SPLIT.label` (what the corpus scripts write). The labels are
numbered in alphabetical order, or in that of `labels.txt` (one a line) if FOLDER has one.
"""

from __future__ import annotations

from pathlib import Path

from corpus import SPLITS, CorpusError, Dataset, Pairs, check_label, clean, read_lines, shown

RESERVED = ("<s>", "<pad>", "</s>", "<unk>")  # fairseq puts them into every dictionary


def read_pairs(folder: Path, split: str) -> tuple[Pairs, list[Path]]:
    """Return the (text, label) pairs of a split, one a line of its file, and the files read.

    Raises:
        CorpusError: no file, not two columns, unequal numbers of lines, or an empty text.
    """
    table = folder / f"{split}.tsv"
    inputs, labels = folder / f"{split}.input", folder / f"{split}.label"
    rows: list[list[str]]
    if not table.exists() and inputs.exists():
        columns = read_lines(inputs), read_lines(labels)
        if len(columns[0]) != len(columns[1]):
            raise CorpusError(
                labels,
                found=f"{len(columns[1])} lines",
                expected=f"{len(columns[0])}, as in {inputs.name}",
                fix="give every line of the input file one label",
            )
        files, texts_from = [inputs, labels], inputs
        rows = [list(row) for row in zip(*columns, strict=True)]
    else:
        files, texts_from = [table], table
        rows = [line.split("\t") for line in read_lines(table)]
    pairs: Pairs = []
    for number, row in enumerate(rows, start=1):
        where = f"{texts_from}:{number}"
        if len(row) != 2:
            raise CorpusError(
                where,
                found=f"{len(row)} tab-separated columns",
                expected="2: text<TAB>label",
                fix="write one text, one tab and one label",
            )
        pairs.append((clean(row[0], where), row[1].strip()))
    return pairs, files


def check_names(labels: tuple[str, ...], path: Path) -> None:
    """Check that ``labels`` can be the entries of a fairseq dictionary.

    Raises:
        CorpusError: fewer than two, one twice, one with a space in it, an empty or a reserved one.
    """
    expected = "two or more different labels, each a word without spaces"
    fix = "rename the labels, for example with _ in place of a space"
    for label in labels:
        if label.split() != [label] or label in RESERVED or labels.count(label) > 1:
            raise CorpusError(path, found=f"label {shown(label)}", expected=expected, fix=fix)
    if len(labels) < 2:
        raise CorpusError(path, found=f"only {shown(labels[0])}", expected=expected, fix=fix)


def read(folder: Path) -> Dataset:
    """Read a folder of three splits.

    Raises:
        CorpusError: a file is missing or bad (see ``read_pairs`` and ``check_names``), or has a
            label that is not in ``labels.txt`` or, without that file, not in train.
    """
    splits: dict[str, Pairs] = {}
    files: list[Path] = []
    for split in SPLITS:
        splits[split], read_files = read_pairs(folder, split)
        files += read_files
    order = folder / "labels.txt"
    if order.exists():
        labels = tuple(label.strip() for label in read_lines(order))
        files.append(order)
    else:
        order = files[0]
        labels = tuple(sorted({label for _, label in splits["train"]}))
    check_names(labels, order)
    for split, pairs in splits.items():
        path = next(file for file in reversed(files) if file.stem == split)  # .tsv or .label
        for number, (_, label) in enumerate(pairs, start=1):
            check_label(label, labels, f"{path}:{number}")
    return Dataset(name=folder.name, files=tuple(files), splits=splits, labels=labels)
