"""What the modules of all corpora share.

A corpus becomes a `Dataset`: three splits of (utterance, answer) pairs, where the answer is a
response (DailyDialog) or a label (all others). Nothing here knows a corpus.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import read_text

SPLITS = ("train", "valid", "test")

# All that str.splitlines() takes for a line end. A run of them inside a text becomes one space, so
# that no reader of the written files sees more lines than there are examples.
LINE_ENDS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Dataset:
    """One corpus, read, cleaned and split.

    Attributes:
        name: the corpus's name, for messages.
        files: the raw files that were read.
        splits: for each of `SPLITS` its (utterance, response or label) pairs, in order; several labels of an
            utterance have spaces between, in the order of `labels`.
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
        """Endings of the two files that `write_splits` writes for a split."""
        return ("input", "label") if self.labels else ("source", "target")

    @property
    def multi_label(self) -> bool:
        """Whether an utterance of train has several labels: then the task's head may give several."""
        return bool(self.labels) and any(" " in label for _, label in self.splits["train"])

    def summary(self) -> str:
        """Sizes of the splits beside the paper's, in one line; how many of train have several labels."""
        sizes = tuple(len(self.splits[split]) for split in SPLITS)
        line = f"{self.name}: " + ", ".join(
            f"{split} {size}" for split, size in zip(SPLITS, sizes, strict=True)
        )
        if self.paper:
            verdict = "match" if sizes == self.paper else "DIFFERENT, not the paper's data"
            line += f" (paper's Table 1: {'/'.join(map(str, self.paper))}: {verdict})"
        if self.multi_label:
            numbers = [len(label.split(" ")) for _, label in self.splits["train"]]
            share = 100 * sum(number > 1 for number in numbers) / len(numbers)
            line += (
                f"; several labels an utterance: up to {max(numbers)} of {len(self.labels)}, "
                f"{share:.1f} % of train have more than one"
            )
        return line


def shown(text: str) -> str:
    """Quote a text for an error message, cut after 60 characters."""
    return repr(text if len(text) <= 60 else text[:60] + "...")


def read_filled(path: Path) -> str:
    """Return the whole of a UTF-8 file of a corpus.

    Raises:
        UserError: the file is missing or cannot be read, is not UTF-8, or holds white space only.
    """
    if not path.is_file():
        raise UserError.at(
            path,
            found="no such file",
            expected="a file of the corpus",
            fix="check the folder given, or get the corpus with emo-mtl download",
        )
    text = read_text(path)
    if not text.strip():
        raise UserError.at(
            path,
            found="an empty file",
            expected="at least one line",
            fix="write its examples into it, or restore the file",
        )
    return text


def clean(text: str, where: object) -> str:
    """Return `text` stripped and on one line, otherwise untouched.

    Raises:
        UserError: nothing is left of it.
    """
    text = LINE_ENDS.sub(" ", text).strip()
    if not text:
        raise UserError.at(
            where, found="an empty text", expected="some words", fix="remove this example"
        )
    return text


def check_label(
    label: str,
    labels: Iterable[str],
    where: object,
    fix: str = "correct the label, or restore the file from the original release",
) -> str:
    """Return `label` if it is one of `labels`.

    Raises:
        UserError: it is not; `fix` says what to do.
    """
    if label not in labels:
        raise UserError.at(
            where,
            found=f"label {shown(label)}",
            expected=f"one of {', '.join(labels)}",
            fix=fix,
        )
    return label


def join_labels(
    found: Iterable[str], labels: Sequence[str], where: object, fix: str | None = None
) -> str:
    """Return the labels of an utterance as a line: each once, in the order of `labels`.

    Raises:
        UserError: one is not of `labels`; `fix` says what to do.
    """
    given = {
        check_label(label, labels, where, fix) if fix else check_label(label, labels, where)
        for label in found
    }
    return " ".join(label for label in labels if label in given)


def cut_8_1_1(pairs: Pairs, path: Path) -> dict[str, Pairs]:
    """Cut `pairs` in file order: valid and test get a tenth each (rounded down), train the rest.

    Raises:
        UserError: there are fewer than 10 pairs, so that valid and test would be empty.
    """
    tenth = len(pairs) // 10
    if not tenth:
        raise UserError.at(
            path, found=f"{len(pairs)} usable examples", expected="10 or more", fix="add examples"
        )
    return {
        "train": pairs[: -2 * tenth],
        "valid": pairs[-2 * tenth : -tenth],
        "test": pairs[-tenth:],
    }
