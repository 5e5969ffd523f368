"""`emo-mtl significance`: is the difference between two runs more than chance?"""

import argparse
from pathlib import Path

from emo_mtl.cli.flags import add_json_argument
from emo_mtl.errors import UserError
from emo_mtl.evaluation.bootstrap import RESAMPLES
from emo_mtl.evaluation.comparison import compare_predictions, compare_responses, table
from emo_mtl.formats import typed_json
from emo_mtl.io import check_output

HELP = "is the difference between runs more than chance? paired tests of BLEU and of accuracy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl significance` to its parser."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--hypotheses",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="responses of A, B and perhaps others, as for emo-mtl evaluate: BLEU of each against A's, by "
        "sacreBLEU's paired bootstrap (1,000 resamples) and paired approximate randomisation (10,000 trials)",
    )
    what.add_argument(
        "--predictions",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="what emo-mtl classify --predictions wrote for A, B and perhaps others: accuracy of each "
        f"against A's, by McNemar's exact test, with a bootstrap interval ({RESAMPLES:,} resamples); "
        "needs the extra emo-mtl[eval]",
    )
    parser.add_argument(
        "--references",
        type=Path,
        metavar="FILE",
        help="for --hypotheses: the gold responses, one a line",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=12345,
        help="of the random numbers (default: %(default)s, sacreBLEU's)",
    )
    add_json_argument(parser, "what was found")


def run(args: argparse.Namespace) -> None:
    """Test every system against the first, say what was found, write the JSON file if asked to.

    Raises:
        UserError: files that cannot be read, or that do not fit together
    """
    check_output(args.json, args.overwrite)
    paths = args.hypotheses or args.predictions
    if len(paths) < 2:
        raise UserError(f"{paths[0]}: found one file, expected two or more to compare")
    if args.seed < 0:
        raise UserError(f"--seed: found {args.seed}, expected 0 or more")
    if args.hypotheses:
        if not args.references:
            raise UserError(
                "--hypotheses: found no --references, expected the file of gold responses"
            )
        found = compare_responses(paths, args.references, args.seed)
    else:
        if args.references:
            raise UserError(
                "--references: found --predictions, which hold their gold labels; leave it out"
            )
        found = compare_predictions(paths, args.seed)
    print(table(found))
    if args.json:
        typed_json.write(args.json, found)
