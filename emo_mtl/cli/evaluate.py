"""`emo-mtl evaluate`: the automatic scores of the paper's Table 2 for generated responses."""

import argparse
from pathlib import Path

from emo_mtl.cli.flags import (
    add_hypotheses_argument,
    add_json_argument,
    add_overlap_argument,
    add_words_argument,
)
from emo_mtl.errors import UserError
from emo_mtl.evaluation.metrics import word_tokenizer
from emo_mtl.evaluation.parts import read_parts
from emo_mtl.evaluation.responses import (
    ResponseScores,
    check_is_text,
    read_responses,
    score,
    table,
)
from emo_mtl.formats import typed_json
from emo_mtl.io import check_output, read_lines
from emo_mtl.names import RESPONSE

HELP = "score generated responses: BLEU, distinct-1, distinct-2, average length (Table 2)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl evaluate` to its parser."""
    add_hypotheses_argument(parser)
    parser.add_argument(
        "--references",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="the gold responses, one a line, in the order of the data set; several files are several "
        "references of each line. Default: the T- lines of each fairseq-generate output, which are cut where "
        "the data set cuts long targets; plain text needs this flag",
    )
    add_words_argument(parser)
    add_overlap_argument(parser, "generated")
    add_json_argument(parser, "the rows")


def run(args: argparse.Namespace) -> None:
    """Score every hypotheses file, print the table, write the JSON file if asked to.

    Raises:
        UserError: a file cannot be read, is incomplete, does not fit its references or is one of several
    """
    check_output(args.json, args.overwrite)
    words, description = word_tokenizer(args.word_tokenizer)
    given = [read_lines(path) for path in args.references or ()]
    for path, lines in zip(args.references or (), given, strict=True):
        check_is_text(path, lines)

    scores = ResponseScores(words=description, rows=[])
    for path in args.hypotheses:
        responses = read_responses(path)
        references = given or [lines for lines in (responses.references,) if lines]
        if not references:
            raise UserError(
                f"{path}: no references: this is not the output of fairseq-generate with T- "
                "lines; give the gold responses, one a line, with --references FILE"
            )
        for file, lines in zip(args.references or ("its T- lines",), references, strict=True):
            if len(lines) != len(responses.hypotheses):
                raise UserError(
                    f"{path}: found {len(responses.hypotheses)} hypotheses, expected {len(lines)}, one for "
                    f"each line of {file}; give the references of the subset that was generated"
                )
            if len(references) > 1 and lines == responses.hypotheses:
                raise UserError(
                    f"{path}: found the lines of {file}, one of its {len(references)} references, expected "
                    "others: leave that file out of --references"
                )
        parts = read_parts(args.overlap, RESPONSE, args.subset, len(responses.hypotheses))
        named = (str(path), ", ".join(map(str, args.references or ("T- lines",))))
        scores.rows += score(responses, references, words, parts, named)

    print(table(scores))
    if args.json:
        typed_json.write(args.json, scores)
