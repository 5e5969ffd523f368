"""`emo-mtl side-by-side`: responses of several systems to the same utterances, to be read."""

import argparse
from pathlib import Path

from emo_mtl.cli.flags import (
    add_cpu_argument,
    add_data_argument,
    add_draw_arguments,
    add_hypotheses_argument,
    add_overlap_argument,
    add_overwrite_argument,
    add_subset_argument,
    check_draw,
)
from emo_mtl.evaluation.agreement import checkpoint_judge, tfidf_judge
from emo_mtl.evaluation.control import draw
from emo_mtl.evaluation.parts import read_parts
from emo_mtl.evaluation.responses import read_systems
from emo_mtl.evaluation.side_by_side import examples, to_html, to_markdown
from emo_mtl.io import check_output, write_atomically
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.splits import read_split, text_folder

HELP = (
    "write a page with the responses of several systems to the same utterances, and their emotions"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl side-by-side` to its parser."""
    add_data_argument(
        parser,
        "recognise the emotions with the heads of this --save-dir or checkpoint (default: TF-IDF and "
        "logistic regression, trained on DATA/text)",
    )
    add_hypotheses_argument(parser)
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="PAGE",
        help="writes PAGE.md and PAGE.html",
    )
    add_subset_argument(parser, "what was generated")
    parser.add_argument(
        "--task",
        default="e6",
        metavar="NAMES",
        help="comma-separated tasks whose labels to show (default: %(default)s)",
    )
    add_draw_arguments(parser, 50)
    add_overlap_argument(parser)
    add_cpu_argument(parser)
    add_overwrite_argument(parser, "PAGE.md and PAGE.html")


def run(args: argparse.Namespace) -> None:
    """Draw utterances, recognise emotions, write the pages.

    Raises:
        UserError: text, a task or a checkpoint that cannot be used, or a page that exists
    """
    pages = {to_markdown: f"{args.out}.md", to_html: f"{args.out}.html"}
    for path in pages.values():
        check_output(Path(path), args.overwrite)
    check_draw(args)
    split = read_split(args.data, RESPONSE, args.subset)
    where = text_folder(args.data) / RESPONSE
    systems = read_systems(args.hypotheses, len(split.answers), where)
    parts = read_parts(args.overlap, RESPONSE, args.subset, len(split.answers))
    candidates = parts["clean" if args.overlap else "all"]
    ids = [candidates[i] for i in draw(len(candidates), args.utterances, args.seed)]
    tasks = args.task.split(",")
    judge = (
        checkpoint_judge(args.model, args.data, tasks, args.cpu)
        if args.model
        else tfidf_judge(args.data, tasks)
    )
    found = examples(split, systems, ids, judge, tasks)
    title = f"{len(ids)} utterances of {args.subset}, and responses to them"
    notes = [
        f"drawn with seed {args.seed} from {len(candidates):,}"
        + (", of which none stands in the training data with its response" if args.overlap else ""),
        f"emotions ({', '.join(tasks)}) as recognised by {args.model or 'TF-IDF and logistic regression'}",
        "numbers are lines of the data; nothing was chosen by hand",
    ]
    for render, path in pages.items():
        write_atomically(Path(path), render(title, notes, found))
        print(path)
