"""`emo-mtl overlap`: how many validation and test examples a model has seen in training."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from emo_mtl import markdown
from emo_mtl.checked_json import member, members
from emo_mtl.cli.flags import add_data_argument
from emo_mtl.errors import UserError
from emo_mtl.io import check_output, read_json, write_atomically
from emo_mtl.overlap import labelled_otherwise, overlap
from emo_mtl.preparation.splits import read_split, text_tasks

HELP = "count the validation and test examples that stand in the training data too"

PARTS_NOTE = "part: clean does not stand in the training data, seen does"

COLUMNS = {  # lists of positions in the JSON file: their titles in the table
    "exact": "in train",
    "normalised": "in train, normalised",
    "clean": "clean",
    "utterance_exact": "utterance in train",
    "utterance_normalised": "utterance, normalised",
    "other_label": "with another label",
}
NOTES = """
normalised: but for case and white space; includes those that are in train word for word
clean: not in train, normalised or not
response: the pair of utterance and response stands in train; then the utterance alone
others: the text stands in train; then with (also) another label than here, normalised"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl overlap` to its parser."""
    add_data_argument(parser)
    parser.add_argument(
        "--json",
        type=Path,
        metavar="OUT.json",
        help="also write which examples these are, for --overlap of other subcommands",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the --json file if it exists"
    )


def run(args: argparse.Namespace) -> None:
    """Compare valid and test with train, task by task; print the table and write the JSON file.

    Raises:
        UserError: the text cannot be read, or the file not be written
    """
    check_output(args.json, args.overwrite)
    found = {task: task_overlap(args.data, task) for task in text_tasks(args.data)}
    print(table(found) + "\n" + NOTES)
    if args.json:
        write_atomically(args.json, json.dumps(found) + "\n")


def task_overlap(data: Path, task: str) -> dict[str, dict]:
    """For valid and test, what `emo_mtl.overlap.overlap` returns, and more lists of positions.

    `utterance_exact` and `utterance_normalised` of `response` are about the utterance alone,
    `other_label` of other tasks are the texts that have another label in train.
    """
    train = read_split(data, task, "train")
    train_inputs = list(zip(train.inputs))
    found = {}
    for name in ("valid", "test"):
        split = read_split(data, task, name)
        inputs = list(zip(split.inputs))
        alone = overlap(inputs, train_inputs)
        if task == "response":
            pairs = overlap(list(zip(*split, strict=True)), list(zip(*train, strict=True)))
            found[name] = pairs | {
                "utterance_exact": alone["exact"],
                "utterance_normalised": alone["normalised"],
            }
        else:
            other = labelled_otherwise(inputs, split.answers, train_inputs, train.answers)
            found[name] = alone | {"other_label": other}
    return found


def table(found: dict[str, dict[str, dict]]) -> str:
    """Markdown: a row for each task and split, counts with their percentages."""
    rows = []
    for task, splits in found.items():
        for split, entry in splits.items():
            total = entry["examples"]
            cells = [
                f"{len(entry[key]):,} ({100 * len(entry[key]) / total:.1f} %)"
                if key in entry
                else ""
                for key in COLUMNS
            ]
            rows.append([markdown.text(task), split, f"{total:,}", *cells])
    return markdown.table(["task", "split", "examples", *COLUMNS.values()], rows, texts=2)


def add_overlap_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--overlap`, which `read_parts` takes."""
    parser.add_argument(
        "--overlap",
        type=Path,
        metavar="OVERLAP.json",
        help="what emo-mtl overlap --json wrote: also score the examples that do not stand in "
        "the training data (clean) and those that do (seen)",
    )


def read_parts(
    path: Path | None, task: str, subset: str, examples: int
) -> dict[str, Sequence[int]]:
    """The parts of a subset to score: positions from 0 of `all`, `clean` and `seen`.

    Args:
        path: file of `emo-mtl overlap --json`; without one there is only `all`
        examples: how many the subset has

    Returns:
        the parts that have examples

    Raises:
        UserError: the file is another one, or about other data
    """
    whole = range(examples)
    if path is None:
        return {"all": whole}
    fix = "write it again with: emo-mtl overlap DATA --json FILE"
    where = f"{path}, of {task} on {subset}"
    entry = member(member(read_json(path), task, dict, where), subset, dict, where)
    expected = member(entry, "examples", int, where)
    clean = set(members(entry, "clean", int, where))
    if expected != examples or not clean <= set(whole):
        raise UserError(
            f"{path}: found {expected} examples of {task} on {subset}, expected {examples} as in what is "
            f"scored; is it about other data or another subset? {fix}"
        )
    parts = {"all": whole, "clean": sorted(clean), "seen": sorted(set(whole) - clean)}
    return {name: ids for name, ids in parts.items() if ids}
