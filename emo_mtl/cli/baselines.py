"""`emo-mtl baselines`: run folders of systems that cost nothing, to stand beside trained ones."""

import argparse
import contextlib
from pathlib import Path

from emo_mtl.cli.flags import (
    add_data_argument,
    add_overlap_argument,
    add_overwrite_argument,
    add_subset_argument,
    add_words_argument,
)
from emo_mtl.errors import UserError
from emo_mtl.evaluation.baseline_runs import (
    CLASSIFIERS,
    PERSON,
    RESPONDERS,
    Settings,
    run_classifiers,
    run_responders,
)
from emo_mtl.evaluation.parts import read_parts
from emo_mtl.io import check_output_folder
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.splits import read_split, text_tasks

HELP = "score baselines that need no training: constant, copied and retrieved responses, TF-IDF"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl baselines` to its parser."""
    add_data_argument(parser)
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FOLDER",
        help=f"gets a folder for each baseline: {', '.join([*RESPONDERS, *CLASSIFIERS])}; with run.json "
        "and what fairseq-generate, evaluate --json, classify --json and --predictions write for a model",
    )
    add_subset_argument(parser, "what to answer and classify")
    parser.add_argument(
        "--references",
        nargs="+",
        default=[],
        type=Path,
        metavar="FILE",
        help="gold responses, one a line; several files are several references of each line, of which the "
        f"second is then also scored by the others, as {PERSON[0]} (default: DATA/text/response)",
    )
    add_words_argument(parser)
    add_overlap_argument(parser)
    add_overwrite_argument(parser, "folders of baselines that exist already")


def run(args: argparse.Namespace) -> None:
    """Answer and classify the subset with each baseline, write its folder, print its scores.

    Raises:
        UserError: text that cannot be used, a folder that exists, or no scikit-learn or NLTK
    """
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise UserError(
            "emo-mtl baselines needs scikit-learn, which is not installed; run: pip install 'emo-mtl[eval]'"
        ) from error
    texts = {
        task: (read_split(args.data, task, "train"), read_split(args.data, task, args.subset))
        for task in text_tasks(args.data)
    }
    for task, (_, split) in texts.items():  # complain now, not after the work
        read_parts(args.overlap, task, args.subset, len(split.inputs))
    response = texts.pop(RESPONSE, None)
    with contextlib.suppress(OSError):  # a folder that cannot be made is reported by the next lines
        args.out.mkdir(exist_ok=True)
    responders = [*RESPONDERS, *([PERSON[0]] if len(args.references) > 1 else [])]
    for name in [*(responders if response else ()), *(CLASSIFIERS if texts else ())]:
        check_output_folder(args.out / name, args.overwrite, "run.json")
    settings = Settings(
        args.data, args.subset, args.out, args.overlap, args.references, args.word_tokenizer
    )
    if response:
        print(run_responders(settings, *response))
    if texts:
        print("\n" + run_classifiers(settings, texts))
