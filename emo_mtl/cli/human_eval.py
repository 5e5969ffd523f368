"""`emo-mtl human-eval`: the paper's manual evaluation by crowdsourcing (Section 4.3, Table 2)."""

import argparse
from pathlib import Path

from emo_mtl.cli.flags import add_json_argument, add_overwrite_argument
from emo_mtl.formats import typed_json
from emo_mtl.io import check_output

HELP = "manual evaluation by crowdsourcing: make the task for Mechanical Turk, score its results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl human-eval make` and `score` to its parser."""
    steps = parser.add_subparsers(
        title="steps", metavar="STEP", required=True, help="what to do: make, then score"
    )
    description = "write a folder with all that Mechanical Turk needs, without the systems' names"
    step = steps.add_parser("make", help=description, description=description)
    step.set_defaults(step=make)
    step.add_argument(
        "--utterances",
        required=True,
        type=Path,
        metavar="FILE",
        help="the utterances of the test set, one a line, e.g. data/text/response/test.source",
    )
    step.add_argument(
        "--system",
        action="append",
        required=True,
        type=_system,
        metavar="NAME=FILE",
        help="a system and its responses to all utterances: what fairseq-generate printed, or plain "
        "text with one response a line; once for each system, the baseline first",
    )
    step.add_argument(
        "--out", required=True, type=Path, metavar="FOLDER", help="the folder to write"
    )
    step.add_argument(
        "--items",
        type=int,
        default=100,
        metavar="N",
        help="test examples to draw, the same for every system (default: %(default)s)",
    )
    step.add_argument(
        "--raters",
        type=int,
        default=7,
        metavar="N",
        help="workers to ask for each response (default: %(default)s)",
    )
    step.add_argument(
        "--seed", type=int, default=1, help="of the draw and the order (default: %(default)s)"
    )
    add_overwrite_argument(step, "a folder that this command wrote")

    description = (
        "average the ratings in Mechanical Turk's results (Emo, Flu, Info, Relv of Table 2)"
    )
    step = steps.add_parser("score", help=description, description=description)
    step.set_defaults(step=score)
    step.add_argument("folder", type=Path, metavar="FOLDER", help="what `make` wrote")
    step.add_argument(
        "results", type=Path, metavar="RESULTS.csv", help="downloaded from Mechanical Turk"
    )
    step.add_argument(
        "--seed", type=int, default=1, help="of the bootstrap's draws (default: %(default)s)"
    )
    add_json_argument(step, "the scores")


def run(args: argparse.Namespace) -> None:
    """Run one step, `make` or `score`."""
    args.step(args)


def make(args: argparse.Namespace) -> None:
    """Write the folder, print its README.

    Raises:
        UserError: a file cannot be read, or the files and numbers do not fit each other
    """
    from emo_mtl.evaluation.people import folder

    counts = {"items": args.items, "raters": args.raters, "seed": args.seed}
    print(
        folder.make(args.out, args.utterances, args.system, **counts, overwrite=args.overwrite),
        end="",
    )


def score(args: argparse.Namespace) -> None:
    """Average the ratings, print the table, write the JSON file if asked to.

    Raises:
        UserError: a file cannot be read, or the results are not those of the folder
    """
    check_output(args.json, args.overwrite)
    from emo_mtl.evaluation.people import scores

    found = scores.score(args.folder, args.results, args.seed)
    scores.warn(found)
    print(scores.table(found))
    if args.json:
        typed_json.write(args.json, found)


def _system(text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not (name.strip() and separator and path):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected NAME=FILE")
    return name.strip(), Path(path)
