"""What every corpus script shares: strict reading, one kind of error, and writing of splits.

A corpus becomes a ``Dataset``: three splits of (utterance, answer) pairs, where the answer is a
response (DailyDialog) or a label (all others). Nothing here knows a corpus.
"""

from __future__ import annotations

import argparse
import codecs
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "valid", "test")

# All that str.splitlines() takes for a line end. A run of them inside a text becomes one space, so
# that no reader of the written files sees more lines than there are examples.
LINE_ENDS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")

Pairs = list[tuple[str, str]]


class CorpusError(ValueError):
    """Input that is not what was expected. Says where, what was found, and what to do.

    Args:
        where: a file, ``FILE:LINE`` (lines count from 1), or a command-line option.
        found: what stands there.
        expected: what should stand there.
        fix: what the user can do about it.
    """

    def __init__(self, where: object, *, found: str, expected: str, fix: str) -> None:
        super().__init__(f"{where}: found {found}; expected {expected}. Fix: {fix}.")


@dataclass(frozen=True)
class Dataset:
    """One corpus, read, cleaned and split.

    Attributes:
        name: the corpus's name, for messages.
        files: the raw files that were read.
        splits: for each of ``SPLITS`` its (utterance, response or label) pairs, in order.
        labels: all labels in their fixed order; empty where the answers are responses.
        paper: sizes of train, valid and test in the paper's Table 1; none for a custom corpus.
        title: the task's name for people, who talk to a model; none for a custom corpus.
    """

    name: str
    files: tuple[Path, ...]
    splits: dict[str, Pairs]
    labels: tuple[str, ...] = ()
    paper: tuple[int, ...] = ()
    title: str = ""

    @property
    def suffixes(self) -> tuple[str, str]:
        """Endings of the two files that ``write_splits`` writes for a split."""
        return ("input", "label") if self.labels else ("source", "target")

    def summary(self) -> str:
        """Sizes of the splits beside the paper's, in one line."""
        sizes = tuple(len(self.splits[split]) for split in SPLITS)
        line = f"{self.name}: " + ", ".join(
            f"{split} {size}" for split, size in zip(SPLITS, sizes, strict=True)
        )
        if self.paper:
            verdict = "match" if sizes == self.paper else "DIFFERENT, not the paper's data"
            line += f" (paper's Table 1: {'/'.join(map(str, self.paper))}: {verdict})"
        return line


def shown(text: str) -> str:
    """Quote a text for an error message, cut after 60 characters."""
    return repr(text if len(text) <= 60 else text[:60] + "...")


def read_text(path: Path) -> str:
    """Return the content of a UTF-8 file, line ends untouched, without a byte order mark.

    Raises:
        CorpusError: the file is missing, empty or not UTF-8 (names the line and the byte).
    """
    if not path.is_file():
        raise CorpusError(
            path,
            found="no such file",
            expected="a file of the corpus",
            fix="check the folder given, or get the corpus with emo-mtl download",
        )
    data = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        raise CorpusError(
            path,
            found="an empty file",
            expected="at least one line",
            fix="write its examples into it, or restore the file",
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise CorpusError(
            f"{path}:{line}",
            found=f"byte 0x{data[error.start]:02x} at byte {column} of the line",
            expected="UTF-8 text",
            fix="restore the file, or convert it with iconv -f ITS_ENCODING -t UTF-8",
        ) from error


def read_lines(path: Path) -> list[str]:
    """Return the lines of a UTF-8 file, without their ends.

    Only ``\\n`` and ``\\r\\n`` end a line: unlike ``str.splitlines`` this keeps a text with U+2028
    or U+0085 in one piece, and the line numbers are those of an editor.

    Raises:
        CorpusError: as ``read_text``.
    """
    return [line.removesuffix("\r") for line in read_text(path).removesuffix("\n").split("\n")]


def clean(text: str, where: object) -> str:
    """Return ``text`` stripped and on one line, otherwise untouched.

    Raises:
        CorpusError: nothing is left of it.
    """
    text = LINE_ENDS.sub(" ", text).strip()
    if not text:
        raise CorpusError(
            where, found="an empty text", expected="some words", fix="remove this example"
        )
    return text


def check_label(
    label: str,
    labels: Iterable[str],
    where: object,
    fix: str = "correct the label, or restore the file from the original release",
) -> str:
    """Return ``label`` if it is one of ``labels``.

    Raises:
        CorpusError: it is not; ``fix`` says what to do.
    """
    if label not in labels:
        raise CorpusError(
            where,
            found=f"label {shown(label)}",
            expected=f"one of {', '.join(labels)}",
            fix=fix,
        )
    return label


def cut_8_1_1(pairs: Pairs, path: Path) -> dict[str, Pairs]:
    """Cut ``pairs`` in file order: valid and test get a tenth each (rounded down), train the rest.

    Raises:
        CorpusError: there are fewer than 10 pairs, so that valid and test would be empty.
    """
    tenth = len(pairs) // 10
    if not tenth:
        raise CorpusError(
            path, found=f"{len(pairs)} usable examples", expected="10 or more", fix="add examples"
        )
    return {
        "train": pairs[: -2 * tenth],
        "valid": pairs[-2 * tenth : -tenth],
        "test": pairs[-tenth:],
    }


def write_splits(dataset: Dataset, folder: Path) -> None:
    """Write ``folder/{train,valid,test}.SUFFIX``: UTF-8, one example a line, lines end in ``\\n``.

    All six are written under temporary names first: a failure leaves older files as they were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{split}.{suffix}" for split in SPLITS for suffix in dataset.suffixes]
    parts = [file.with_name(file.name + ".part") for file in files]
    try:
        columns = (
            column for split in SPLITS for column in zip(*dataset.splits[split], strict=True)
        )
        for part, column in zip(parts, columns, strict=True):
            part.write_text("".join(f"{text}\n" for text in column), encoding="utf-8", newline="\n")
        for part, file in zip(parts, files, strict=True):
            os.replace(part, file)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def exit_on_error(main: Callable[[], None]) -> None:
    """Run ``main``; an expected failure ends in one line on stderr and status 1, no traceback."""
    try:
        main()
    except (CorpusError, OSError) as error:
        sys.exit(f"error: {error}")


def run_script(read: Callable[[Path], Dataset], description: str | None) -> None:
    """Be the command line ``SCRIPT RAW OUT`` of a corpus module."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("raw", type=Path, metavar="RAW", help="folder with the raw corpus")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the text splits")
    args = parser.parse_args()

    def main() -> None:
        dataset = read(args.raw)
        write_splits(dataset, args.out)
        print(dataset.summary())

    exit_on_error(main)
