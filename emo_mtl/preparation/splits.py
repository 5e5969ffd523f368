"""The texts of tasks in files, one example a line: written by prepare into `text/`, read by the commands."""

import os
from pathlib import Path
from typing import NamedTuple

from emo_mtl.errors import UserError
from emo_mtl.inference.turns import last_turn
from emo_mtl.io import read_lines
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.corpus import SPLITS, Dataset


class Split(NamedTuple):
    """A split of a task: N utterances or texts, which may be contexts, and the response or label of each."""

    inputs: list[str]
    answers: list[str]

    @property
    def utterances(self) -> list[str]:
        """The inputs without what was said before: the same for any number of turns in the data."""
        return [last_turn(line) for line in self.inputs]

    @property
    def has_several_labels(self) -> bool:
        """Whether an answer is several labels (of a training split: `Dataset.multi_label`)."""
        return any(" " in answer for answer in self.answers)


def write_splits(dataset: Dataset, folder: Path) -> None:
    """Write `folder/{train,valid,test}.SUFFIX`: UTF-8, one example a line, lines end in a line feed.

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


def text_folder(data: Path) -> Path:
    """The folder of the texts of prepared data, of which `data` may be the `data-bin`."""
    is_data_bin = any((data / RESPONSE).glob("dict.*.txt"))
    return (data.parent if is_data_bin else data) / "text"


def text_tasks(data: Path) -> list[str]:
    """The tasks whose text a prepared folder holds, `response` first.

    Raises:
        UserError: there are none
    """
    tasks = sorted(path.name for path in text_folder(data).glob("*/") if path.is_dir())
    if not tasks:
        raise UserError(
            f"{data}: found no text/TASK/ in it, expected the --out-dir of emo-mtl prepare, "
            "or its data-bin"
        )
    return sorted(tasks, key=lambda task: (task != RESPONSE, task))


def read_labelled(data: Path, task: str, split: str) -> Split:
    """The text of a classification task's split.

    Raises:
        UserError: there is no such task, or as of :func:`read_split`
    """
    there = [name for name in text_tasks(data) if name != RESPONSE]
    if task not in there:
        raise UserError(
            f"--task {task}: found the text of {', '.join(there) or 'no task'} in {text_folder(data)}, "
            "expected one of them"
        )
    return read_split(data, task, split)


def read_split(data: Path, task: str, split: str) -> Split:
    """The text of a task's split: `source` and `target` of `response`, `input` and `label` of others.

    Raises:
        UserError: a file is missing or empty, or the two differ in length
    """
    suffixes = ("source", "target") if task == RESPONSE else ("input", "label")
    paths = [text_folder(data) / task / f"{split}.{suffix}" for suffix in suffixes]
    inputs, answers = map(read_lines, paths)
    if len(inputs) != len(answers):
        raise UserError(
            f"{paths[1]}: found {len(answers):,} lines, expected {len(inputs):,} as in {paths[0]}; "
            "prepare the data again"
        )
    return Split(inputs, answers)
