"""`emo-mtl awareness`: do the responses show the emotion of the utterances? An answer without people."""

import argparse
import json
from pathlib import Path

from emo_mtl.cli.flags import add_data_argument
from emo_mtl.errors import UserError
from emo_mtl.evaluation.agreement import NOTES, checkpoint_judge, compare, table, tfidf_judge
from emo_mtl.evaluation.responses import read_responses
from emo_mtl.io import check_output, write_atomically
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.splits import read_split

HELP = "how often a classifier sees the same emotion in an utterance and in its response"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl awareness` to its parser."""
    add_data_argument(parser)
    parser.add_argument(
        "--hypotheses",
        nargs="+",
        required=True,
        type=Path,
        metavar="FILE",
        help="what fairseq-generate printed for the subset, or one response a line",
    )
    parser.add_argument(
        "--subset", choices=("valid", "test"), default="test", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--task",
        default="e6,e2",
        metavar="NAMES",
        help="comma-separated tasks whose labels to compare (default: %(default)s)",
    )
    parser.add_argument(
        "--path",
        type=Path,
        metavar="CKPT",
        help="judge with this checkpoint's heads (default: TF-IDF and logistic regression, trained on "
        "DATA/text: independent of every model, and the same for all)",
    )
    parser.add_argument("--cpu", action="store_true", help="do not use a GPU")
    parser.add_argument("--json", type=Path, metavar="OUT.json", help="also write the rows here")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the --json file if it exists"
    )


def run(args: argparse.Namespace) -> None:
    """Label utterances and responses, print a row for each file and task, write the JSON file.

    Raises:
        UserError: text, a task or a checkpoint that cannot be used
    """
    check_output(args.json, args.overwrite)
    utterances, gold = read_split(args.data, RESPONSE, args.subset)
    systems = {str(path): read_responses(path).hypotheses for path in args.hypotheses}
    for name, responses in systems.items():
        if len(responses) != len(utterances):
            raise UserError(
                f"{name}: found {len(responses):,} hypotheses, expected {len(utterances):,}, one for each "
                f"utterance of {args.data / 'text' / 'response'}: give the --subset that was generated"
            )
    tasks = args.task.split(",")
    judge = (
        checkpoint_judge(args.path, args.data, tasks, args.cpu)
        if args.path
        else tfidf_judge(args.data, tasks)
    )
    rows = compare(judge, tasks, utterances, gold, systems)
    judge_name = str(args.path or "TF-IDF + logistic regression")
    print(table(rows, judge_name) + "\n" + NOTES)
    if args.json:
        content = {"judge": judge_name, "subset": args.subset, "rows": rows}
        write_atomically(args.json, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
