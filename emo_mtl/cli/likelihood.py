"""`emo-mtl likelihood`: how probable a model finds the gold responses, in nats per reply and per word."""

import argparse
from pathlib import Path

from emo_mtl.cli.flags import add_json_argument, add_overlap_argument, add_words_argument
from emo_mtl.evaluation.likelihood import LikelihoodScores, compare, read_scored, table
from emo_mtl.evaluation.metrics import word_tokenizer
from emo_mtl.evaluation.parts import read_parts
from emo_mtl.formats import typed_json
from emo_mtl.io import check_output
from emo_mtl.names import RESPONSE

HELP = "how probable the gold responses are to a model: nats per reply and per word"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl likelihood` to its parser."""
    parser.add_argument(
        "--scores",
        nargs="+",
        required=True,
        type=Path,
        metavar="FILE",
        help="what fairseq-generate --score-reference printed of one or several models; the others are "
        "compared with the first",
    )
    add_words_argument(parser)
    add_overlap_argument(parser, "scored")
    parser.add_argument(
        "--seed",
        type=int,
        default=12345,
        help="of the intervals (default: %(default)s, that of emo-mtl significance)",
    )
    add_json_argument(parser, "the rows")


def run(args: argparse.Namespace) -> None:
    """Print a row for each file and part, write the JSON file.

    Raises:
        UserError: files that cannot be read, or that do not fit together
    """
    check_output(args.json, args.overwrite)
    words, description = word_tokenizer(args.word_tokenizer)
    systems = {str(path): read_scored(path) for path in args.scores}
    examples = len(next(iter(systems.values())).texts)
    parts = read_parts(args.overlap, RESPONSE, args.subset, examples)
    rows = compare(systems, words, parts, args.seed)
    scores = LikelihoodScores(words=description, seed=args.seed, rows=rows)
    print(table(scores))
    if args.json:
        typed_json.write(args.json, scores)
