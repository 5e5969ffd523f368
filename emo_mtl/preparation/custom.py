"""A classification task of your own, for `emo-mtl prepare --custom NAME=FOLDER`.

FOLDER holds, for each of train, valid and test, either the table `SPLIT.tsv` (text<TAB>label) or the
two files `SPLIT.input` and `SPLIT.label` (what the corpus scripts write). The labels are numbered in
alphabetical order, or in that of `labels.txt` (one a line) if FOLDER has one.

A text may have several labels: between commas in a table (`joy,relief`), between spaces in `SPLIT.label`. If
one of train has, the task's head may give several too.

A first row `text<TAB>label`, or the like, is a header and left out. A table may be quoted, as pandas,
Excel and Python's csv write it, and its lines may end in CRLF.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import text_lines
from emo_mtl.preparation.corpus import SPLITS, Dataset, clean, join_labels, read_filled, shown

RESERVED = ("<s>", "<pad>", "</s>", "<unk>")  # fairseq puts them into every dictionary

# Names of the two columns in a header, in small letters.
TEXT_NAMES = {"text", "texts", "sentence", "sentences", "utterance", "tweet", "content"} | {
    *("input", "message", "comment", "review", "document", "post", "dialogue", "x")
}
LABEL_NAMES = {"label", "labels", "emotion", "emotions", "sentiment", "class", "category"} | {
    *("target", "tag", "intent", "polarity", "y")
}

# Which fields a program puts into quotes: pandas and Python's csv, Excel, and whoever quotes all.
QUOTING: tuple[Callable[[str], bool], ...] = (
    lambda field: any(char in field for char in '"\t\r\n'),
    lambda field: any(char in field for char in '",\t\r\n'),
    lambda field: True,
)


@dataclass(frozen=True)
class Example:
    """A row of a table: its text and label, and where it stands (`FILE:LINE`, for messages)."""

    text: str
    label: str
    labels: tuple[str, ...]  # the parts of `label`, where it is several
    where: str


def make_example(text: str, label: str, separator: str, where: str) -> Example:
    """Return a row, cleaned; `UserError` where its text is empty."""
    label = label.strip()
    labels = tuple(part.strip() for part in label.split(separator))
    return Example(clean(text, where), label, labels, where)


def read_table(path: Path) -> list[tuple[int, list[str]]]:
    """Return the rows of a tab-separated table: the line that each begins at (from 1), its columns.

    Quotes are undone only where the whole table is, byte for byte, what one of `QUOTING` writes:
    otherwise they belong to the texts, in which quotes are common.
    """
    content = read_filled(path).replace("\r\n", "\n").removesuffix("\n")
    plain = [line.split("\t") for line in content.split("\n")]
    if '"' in content:
        reader = csv.reader(io.StringIO(content, newline=""), delimiter="\t", strict=True)
        rows, lines = [], [1]
        try:
            for row in reader:
                rows.append(row)
                lines.append(reader.line_num + 1)
        except csv.Error:  # no quoting at all, or one that is broken
            rows = plain
        for quoted in QUOTING:
            if rows != plain and content == "\n".join(write_row(row, quoted) for row in rows):
                print(
                    f"{path}: the quotes around fields, as pandas and Excel write them, are undone"
                )
                return list(zip(lines, rows, strict=False))
    return list(enumerate(plain, start=1))


def write_row(row: list[str], quoted: Callable[[str], bool]) -> str:
    """Return a row of a tab-separated table in which the fields that are `quoted` have quotes."""
    return "\t".join(
        '"' + field.replace('"', '""') + '"' if quoted(field) else field for field in row
    )


def read_examples(folder: Path, split: str) -> tuple[list[Example], list[Path]]:
    """Return the rows of a split, a header included, and the files read.

    Raises:
        UserError: no file, not two columns, unequal numbers of lines, or an empty text.
    """
    table = folder / f"{split}.tsv"
    inputs, labels = folder / f"{split}.input", folder / f"{split}.label"
    if not table.exists() and inputs.is_file() and labels.is_file():
        columns = text_lines(read_filled(inputs)), text_lines(read_filled(labels))
        if len(columns[0]) != len(columns[1]):
            raise UserError.at(
                labels,
                found=f"{len(columns[1])} lines",
                expected=f"{len(columns[0])}, as in {inputs.name}",
                fix="give every line of the input file one label",
            )
        pairs = enumerate(zip(*columns, strict=True), start=1)
        return [
            make_example(text, label, " ", f"{inputs}, {labels.name}:{line}")
            for line, (text, label) in pairs
        ], [inputs, labels]
    if not table.is_file():
        there = ", ".join(sorted(path.name for path in folder.glob("*"))[:6])
        raise UserError.at(
            table,
            found=f"no such file, but {there}" if there else "no such file",
            expected=f"{table.name}, or {inputs.name} and {labels.name}",
            fix="write the examples as text<TAB>label into train.tsv, valid.tsv and test.tsv; from a "
            "CSV file with pandas: table[['text', 'label']].to_csv('train.tsv', sep='\\t', index=False)",
        )
    examples = []
    for line, row in read_table(table):
        where = f"{table}:{line}"
        if len(row) != 2:
            raise UserError.at(
                where,
                found=f"{len(row)} tab-separated columns",
                expected="2: text<TAB>label",
                fix="write one text, one tab and one label (pandas: to_csv with sep='\\t', index=False)",
            )
        text, label = row
        examples.append(make_example(text, label, ",", where))
    return examples, [table]


def without_headers(
    tables: dict[str, list[Example]], labels: tuple[str, ...]
) -> dict[str, list[Example]]:
    """Return the splits without their headers.

    A first row is no example if its columns have names of columns, or if no other row has its labels;
    the headers of several splits are the same.

    Args:
        tables: the rows of each split.
        labels: those of labels.txt, which are labels whatever they look like; or none.

    Raises:
        UserError: a row that may be a header or an example, or a header of other columns.
    """
    examples = {label for rows in tables.values() for row in rows[1:] for label in row.labels}
    examples |= set(labels)
    first = {(rows[0].text, rows[0].label) for rows in tables.values()}
    result = {}
    for split, rows in tables.items():
        head = rows[0]
        names = head.text.lower(), head.label.lower()
        if names[0] in LABEL_NAMES and names[1] in TEXT_NAMES:
            raise UserError.at(
                head.where,
                found=f"a header of the columns {names[0]}, {names[1]}",
                expected="first the text, then the label",
                fix="swap the two columns",
            )
        if set(head.labels) <= set(labels):
            result[split] = rows
        elif names[0] in TEXT_NAMES and names[1] in LABEL_NAMES:
            if len(rows) == 1:
                raise UserError.at(
                    head.where, found="only a header", expected="examples", fix="add examples"
                )
            print(f"{head.where}: left out as a header: {shown(head.text)}, {shown(head.label)}")
            result[split] = rows[1:]
        elif (
            len(rows) > 1
            and not set(head.labels) <= examples
            and all(text == head.text for text, label in first if label == head.label)
        ):
            raise UserError.at(
                head.where,
                found=f"{shown(head.text)} with label {shown(head.label)}, which no other row has",
                expected="an example",
                fix="remove the line if it is a header; if it is an example, write all labels into "
                "labels.txt, one a line",
            )
        else:
            result[split] = rows
    return result


def check_names(labels: tuple[str, ...], path: object) -> None:
    """Check that `labels` can be the entries of a fairseq dictionary.

    Raises:
        UserError: fewer than two, one twice, one with a space or a comma in it, an empty or a reserved one.
    """
    expected = "two or more different labels, each a word without spaces and commas"
    fix = "rename the labels, for example with _ in place of a space"
    for label in labels:
        is_word = label.split() == [label] and "," not in label
        if not is_word or label in RESERVED or labels.count(label) > 1:
            raise UserError.at(path, found=f"label {shown(label)}", expected=expected, fix=fix)
    if len(labels) < 2:
        raise UserError.at(
            path,
            found=f"only {shown(labels[0])}",
            expected=expected,
            fix="add examples of other labels",
        )


def read(folder: Path) -> Dataset:
    """Read a folder of three splits.

    Raises:
        UserError: a file is missing or bad (see `read_examples`, `without_headers` and
            `check_names`), has a label that is not in `labels.txt` or, without that file, not
            in train, or several labels where every text of train has one.
    """
    tables: dict[str, list[Example]] = {}
    files: list[Path] = []
    for split in SPLITS:
        tables[split], read_files = read_examples(folder, split)
        files += read_files
    order = folder / "labels.txt"
    labels: tuple[str, ...] = ()
    if order.exists():
        labels = tuple(label.strip() for label in text_lines(read_filled(order)))
        files.append(order)
    tables = without_headers(tables, labels)
    labels = labels or tuple(sorted({label for row in tables["train"] for label in row.labels}))
    check_names(labels, order if order.exists() else files[0])
    fix = (
        f"correct the label, or add it to {order}"
        if order.exists()
        else f"correct the label, or, if train has no example of it, write all labels into {order}, "
        "one a line"
    )
    splits = {
        split: [(row.text, join_labels(row.labels, labels, row.where, fix)) for row in rows]
        for split, rows in tables.items()
    }
    dataset = Dataset(name=folder.name, files=tuple(files), splits=splits, labels=labels)
    for row in (row for split in SPLITS for row in tables[split]):
        if len(row.labels) > 1 and not dataset.multi_label:
            raise UserError.at(
                row.where,
                found=f"several labels {shown(row.label)}",
                expected="one, as of every text of train",
                fix="correct the label, or give a text of train all its labels too",
            )
    return dataset
