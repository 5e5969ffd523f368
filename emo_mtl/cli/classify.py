"""`emo-mtl classify`: what the classification heads of a checkpoint recognise (paper, Table 4)."""

import argparse
from pathlib import Path

from emo_mtl.cli.flags import (
    add_bpe_arguments,
    add_cpu_argument,
    add_json_argument,
    add_model_argument,
    add_overlap_argument,
)
from emo_mtl.errors import UserError
from emo_mtl.evaluation.parts import PARTS_NOTE
from emo_mtl.evaluation.recognition import (
    MACRO_F1_NOTE,
    labels_to_ignore,
    parts_table,
    predictions_tsv,
    score,
    score_table,
    text_table,
)
from emo_mtl.formats import typed_json
from emo_mtl.inference.turns import split_turns
from emo_mtl.io import check_output, read_utterances, write_atomically

HELP = (
    "recognise emotions with a checkpoint's heads: accuracy, macro-F1, confusion matrix (Table 4)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl classify` to its parser."""
    add_model_argument(parser)
    parser.add_argument(
        "--task",
        metavar="NAMES",
        help="comma-separated tasks whose heads to apply, e.g. e6 (default: all heads)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DATA",
        help="the folder that emo-mtl prepare made, or its data-bin, whose --subset is scored",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--subset", default="test", help="labelled subset of DATA to score (default: %(default)s)"
    )
    what.add_argument(
        "--input",
        metavar="FILE",
        help="instead of a subset: text, one utterance a line (__eou__ between it and what was said "
        "before), - for standard input; prints each with its labels",
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
    add_cpu_argument(parser)
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="OUT.tsv",
        help="also write line, task, gold and predicted label, and probability of each utterance",
    )
    parser.add_argument(
        "--ignore-label",
        action="append",
        default=[],
        metavar="LABEL",
        help="also give micro-F1 and macro-F1 over the other labels, as is usual where most utterances have "
        "no emotion (none, neutral); may be repeated. Of the heads that have the label",
    )
    add_overlap_argument(parser)
    add_json_argument(parser, "the scores")
    add_bpe_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Apply the heads, print a table for each, and write the files asked for.

    Raises:
        UserError: a checkpoint, head, subset or text that cannot be used
    """
    check(args)
    import torch

    from emo_mtl.inference.classification import classify_subset, classify_texts
    from emo_mtl.inference.loading import load_heads

    lines = read_utterances(args.input) if args.input else []
    names = args.task.split(",") if args.task else None
    task, model = load_heads(args.model, args.data, names, args.untrained_head, args.seed)
    model.to("cuda" if torch.cuda.is_available() and not args.cpu else "cpu")
    heads = (task, model, names or list(task.heads))
    ignored = labels_to_ignore({name: task.heads[name] for name in heads[2]}, args.ignore_label)
    if args.input:
        texts = [split_turns(line) for line in lines]
        results = classify_texts(*heads, texts, vars(args), args.input, args.batch_size)
        print(text_table(lines, results))
    else:
        results = classify_subset(*heads, args.subset, args.batch_size)
        scores = score(results, args.overlap, args.subset, ignored)
        whole = [entry for entry in scores if entry.part == "all"]
        print("\n\n".join(score_table(entry, args.subset) for entry in whole))
        if args.overlap:
            print(f"\n{parts_table(scores)}\n\n{PARTS_NOTE}\n{MACRO_F1_NOTE}")
        if args.json:
            typed_json.write(args.json, scores)
    if args.predictions:
        write_atomically(args.predictions, predictions_tsv(results))


def check(args: argparse.Namespace) -> None:
    """Raise `UserError` for flags that cannot be used, or not with each other."""
    check_output(args.predictions, args.overwrite)
    check_output(args.json, args.overwrite)
    if args.batch_size < 1:
        raise UserError(f"--batch-size: found {args.batch_size}, expected 1 or more")
    if args.input and args.overlap:
        raise UserError("--overlap: found --input, expected a --subset: its text is not scored")
    if args.input and args.ignore_label:
        raise UserError(
            "--ignore-label: found --input, expected a --subset: its text is not scored"
        )
    if args.input and args.json:
        raise UserError(
            "--json: found --input, whose text has no labels to score: use --predictions"
        )
    if not args.input and args.data is None:
        raise UserError(
            "found neither --data nor --input, expected the prepared folder whose --subset is to be "
            "scored, or a file of text"
        )
