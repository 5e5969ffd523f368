"""`emo-mtl awareness`: do the responses show the emotion of the utterances? An answer without people."""

import argparse

from emo_mtl.cli.flags import (
    add_cpu_argument,
    add_data_argument,
    add_hypotheses_argument,
    add_json_argument,
    add_subset_argument,
)
from emo_mtl.evaluation.agreement import (
    NOTES,
    AwarenessScores,
    checkpoint_judge,
    compare,
    table,
    tfidf_judge,
)
from emo_mtl.evaluation.responses import read_systems
from emo_mtl.formats import typed_json
from emo_mtl.io import check_output
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.splits import read_split, text_folder

HELP = "how often a classifier sees the same emotion in an utterance and in its response"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl awareness` to its parser."""
    add_data_argument(
        parser,
        "judge with the heads of this --save-dir or checkpoint (default: TF-IDF and logistic regression, "
        "trained on DATA/text: independent of every model, and the same for all)",
    )
    add_hypotheses_argument(parser)
    add_subset_argument(parser, "what was generated")
    parser.add_argument(
        "--task",
        default="e6,e2",
        metavar="NAMES",
        help="comma-separated tasks whose labels to compare (default: %(default)s)",
    )
    add_cpu_argument(parser)
    add_json_argument(parser, "the rows")


def run(args: argparse.Namespace) -> None:
    """Label utterances and responses, print a row for each file and task, write the JSON file.

    Raises:
        UserError: text, a task or a checkpoint that cannot be used
    """
    check_output(args.json, args.overwrite)
    split = read_split(args.data, RESPONSE, args.subset)
    utterances, gold = split.utterances, split.answers
    systems = read_systems(args.hypotheses, len(gold), text_folder(args.data) / RESPONSE)
    tasks = args.task.split(",")
    judge = (
        checkpoint_judge(args.model, args.data, tasks, args.cpu)
        if args.model
        else tfidf_judge(args.data, tasks)
    )
    rows = compare(judge, tasks, utterances, gold, systems)
    name = str(args.model or "TF-IDF + logistic regression")
    scores = AwarenessScores(judge=name, subset=args.subset, rows=rows)
    print(table(scores) + "\n" + NOTES)
    if args.json:
        typed_json.write(args.json, scores)
