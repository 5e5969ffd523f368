"""`emo-mtl overlap`: how many validation and test examples a model has seen in training."""

import argparse
import json

from emo_mtl.cli.flags import add_data_argument, add_json_argument
from emo_mtl.evaluation.parts import NOTES, table, task_overlap
from emo_mtl.io import check_output, write_atomically
from emo_mtl.preparation.splits import text_tasks

HELP = "count the validation and test examples that stand in the training data too"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl overlap` to its parser."""
    add_data_argument(parser)
    add_json_argument(parser, "which examples these are, for --overlap of other subcommands,")


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
