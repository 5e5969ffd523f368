"""`emo-mtl classify`: what the classification heads of a checkpoint recognise (paper, Table 4)."""

import argparse
import sys
from argparse import Namespace
from pathlib import Path

from emo_mtl.cli.flags import add_overlap_argument
from emo_mtl.cli.model import add_bpe_arguments
from emo_mtl.errors import UserError
from emo_mtl.evaluation.parts import PARTS_NOTE
from emo_mtl.evaluation.recognition import (
    MACRO_F1_NOTE,
    Predictions,
    parts_table,
    predictions_tsv,
    score,
    score_table,
    to_json,
)
from emo_mtl.io import check_output, decode, read_text, text_lines, write_atomically

HELP = (
    "recognise emotions with a checkpoint's heads: accuracy, macro-F1, confusion matrix (Table 4)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl classify` to its parser."""
    parser.add_argument(
        "data",
        type=Path,
        nargs="?",
        metavar="DATA",
        help="the prepared folder, whose --subset is scored; not needed for --input",
    )
    parser.add_argument(
        "--path",
        required=True,
        type=Path,
        metavar="CKPT",
        help="checkpoint, or a --save-dir with its checkpoint_best.pt",
    )
    parser.add_argument(
        "--task",
        metavar="NAMES",
        help="comma-separated tasks whose heads to apply, e.g. e6 (default: all heads)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--subset", default="test", help="labelled subset of DATA to score (default: %(default)s)"
    )
    what.add_argument(
        "--input",
        metavar="FILE",
        help="instead of a subset: text, one utterance a line, - for standard input; prints each "
        "with its labels",
    )
    parser.add_argument(
        "--untrained-head",
        action="store_true",
        help="where the checkpoint has no such head, score one as it is initialised; this is what "
        "the paper's row R in Table 4 is",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="of an untrained head (default: %(default)s)"
    )
    parser.add_argument(
        "--batch-size", type=int, default=64, help="utterances a batch (default: %(default)s)"
    )
    parser.add_argument("--cpu", action="store_true", help="do not use a GPU")
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="OUT.tsv",
        help="also write line, task, gold and predicted label, and probability of each utterance",
    )
    add_overlap_argument(parser)
    parser.add_argument("--json", type=Path, metavar="OUT.json", help="also write the scores here")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace --predictions and --json if they exist"
    )
    add_bpe_arguments(parser, "BPE of --input (default: the model's)")


def run(args: argparse.Namespace) -> None:
    """Apply the heads, print a table for each, and write the files asked for.

    Raises:
        UserError: a checkpoint, head, subset or text that cannot be used
    """
    check_output(args.predictions, args.overwrite)
    check_output(args.json, args.overwrite)
    if args.batch_size < 1:
        raise UserError(f"--batch-size: found {args.batch_size}, expected 1 or more")
    import torch

    from emo_mtl.inference.loading import find_bpe, load_heads, predict, text_dataset

    lines = None
    if args.input:
        check_input_flags(args)
        lines = read_utterances(args.input)
    elif args.data is None:
        raise UserError(
            "found no DATA, expected the prepared folder whose --subset is to be scored"
        )
    names = args.task.split(",") if args.task else None
    task, model = load_heads(args.path, args.data, names, args.untrained_head, args.seed)
    model.to("cuda" if torch.cuda.is_available() and not args.cpu else "cpu")
    encoder = task.build_bpe(find_bpe(task, vars(args))) if lines else None
    results = []
    for name in names or task.heads:
        if lines:
            dataset = text_dataset(task, encoder, lines, args.input, task.writing(name))
        else:
            dataset = task.splits.classification(
                task.data_folder(), args.subset, name, task.heads[name]
            )
        probabilities = predict(task, model, name, dataset, args.batch_size)
        gold = None if lines else dataset.labels.numpy()
        results.append(Predictions(name, task.heads[name], probabilities, gold))
    if lines:
        print_utterances(lines, results)
    else:
        scores = score(results, args.overlap, args.subset)
        whole = [entry for entry in scores if entry["part"] == "all"]
        print("\n\n".join(score_table(entry, args.subset) for entry in whole))
        if args.overlap:
            print(f"\n{parts_table(scores)}\n\n{PARTS_NOTE}\n{MACRO_F1_NOTE}")
        if args.json:
            write_atomically(args.json, to_json(scores))
    if args.predictions:
        write_atomically(args.predictions, predictions_tsv(results))


def check_input_flags(args: Namespace) -> None:
    """Raise `UserError` where `--input` stands beside `--json` or `--overlap`."""
    if args.overlap:
        raise UserError("--overlap: found --input, expected a --subset: its text is not scored")
    if args.json:
        raise UserError(
            "--json: found --input, whose text has no labels to score: use --predictions"
        )


def read_utterances(source: str) -> list[str]:
    """Lines of a UTF-8 file or of standard input (`-`), of `emo_mtl.io.text_lines`.

    Raises:
        UserError: the file is missing, empty or not UTF-8, or a line holds no text
    """
    where = "standard input" if source == "-" else source
    text = decode(sys.stdin.buffer.read(), where) if source == "-" else read_text(Path(source))
    lines = text_lines(text)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise UserError(f"{where}, line {number}: found no text, expected an utterance")
    return lines


def print_utterances(lines: list[str], results: list[Predictions]) -> None:
    """A line for each utterance: the label of each head with its probability, then the text."""
    for index, line in enumerate(lines):
        found = [
            f"{r.task}={r.labels[r.predicted[index]]} {r.probabilities[index].max():.2f}"
            for r in results
        ]
        print("\t".join([*found, line]))
