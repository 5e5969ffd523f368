"""Reading text: one example a line, and the folder `text/` that preprocess/prepare.py writes."""

import argparse
from pathlib import Path
from typing import NamedTuple

from emo_mtl.errors import UserError
from emo_mtl.io import read_lines


class Split(NamedTuple):
    """A split of a task: N utterances or texts, and the response or label of each."""

    inputs: list[str]
    answers: list[str]


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """Add the prepared folder, whose text is read."""
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="the --out-dir of preprocess/prepare.py, for the text in DATA/text",
    )


def text_tasks(data: Path) -> list[str]:
    """The tasks whose text a prepared folder holds, `response` first.

    Raises:
        UserError: there are none
    """
    tasks = sorted(path.name for path in (data / "text").glob("*/") if path.is_dir())
    if not tasks:
        raise UserError(
            f"{data}: found no text/TASK/ in it, expected the --out-dir of preprocess/prepare.py "
            "(the folder above data-bin)"
        )
    return sorted(tasks, key=lambda task: (task != "response", task))


def read_split(data: Path, task: str, split: str) -> Split:
    """The text of a task's split: `source` and `target` of `response`, `input` and `label` of others.

    Raises:
        UserError: a file is missing or empty, or the two differ in length
    """
    suffixes = ("source", "target") if task == "response" else ("input", "label")
    paths = [data / "text" / task / f"{split}.{suffix}" for suffix in suffixes]
    inputs, answers = map(read_lines, paths)
    if len(inputs) != len(answers):
        raise UserError(
            f"{paths[1]}: found {len(answers):,} lines, expected {len(inputs):,} as in {paths[0]}; "
            "prepare the data again"
        )
    return Split(inputs, answers)
