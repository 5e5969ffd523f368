"""`emo-mtl baselines`: run folders of systems that cost nothing, to stand beside trained ones."""

import argparse
import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from emo_mtl import baselines
from emo_mtl.cli import classify, evaluate
from emo_mtl.cli.classify import Predictions
from emo_mtl.cli.evaluate import Responses
from emo_mtl.cli.flags import add_data_argument
from emo_mtl.cli.overlap import PARTS_NOTE, add_overlap_argument, read_parts
from emo_mtl.errors import UserError
from emo_mtl.io import atomic_folder, check_output_folder
from emo_mtl.metrics import word_tokenizer
from emo_mtl.preparation.splits import Split, read_split, text_tasks

HELP = "score baselines that need no training: constant, copied and retrieved responses, TF-IDF"

# name of the run folder: name of the row in tables, function of emo_mtl.baselines
RESPONDERS = {
    "constant": ("constant reply", baselines.constant),
    "copy": ("copy of the utterance", baselines.copy),
    "exact-match": ("exact-match retrieval", baselines.exact_match),
    "tfidf-nearest": ("TF-IDF retrieval", baselines.nearest),
}
CLASSIFIERS = {
    "majority": ("majority class", baselines.majority),
    "tfidf-logistic": ("TF-IDF + logistic regression", baselines.tfidf_logistic),
}


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
    parser.add_argument(
        "--subset",
        choices=("valid", "test"),
        default="test",
        help="subset of DATA to answer (default: %(default)s)",
    )
    add_overlap_argument(parser)
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the baselines' folders if they exist"
    )


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
    response = texts.pop("response", None)
    with contextlib.suppress(OSError):  # a folder that cannot be made is reported by the next lines
        args.out.mkdir(exist_ok=True)
    for name in [*(RESPONDERS if response else ()), *(CLASSIFIERS if texts else ())]:
        check_output_folder(args.out / name, args.overwrite, "run.json")
    if response:
        run_responders(args, *response)
    if texts:
        run_classifiers(args, texts)


def run_responders(args: argparse.Namespace, train: Split, split: Split) -> None:
    """Answer the split's utterances with each of `RESPONDERS`; print one table."""
    words, description = word_tokenizer("nltk")
    parts = read_parts(args.overlap, "response", args.subset, len(split.inputs))
    file = f"generate-{args.subset}.txt"
    references = args.data / "text" / "response" / f"{args.subset}.target"
    pairs = list(zip(*train, strict=True))
    rows = []
    for name, (title, respond) in RESPONDERS.items():
        folder = args.out / name
        start = time.perf_counter()
        with learning_from(args.data, "response"):
            hypotheses = respond(pairs, split.inputs)
        seconds = time.perf_counter() - start
        responses = Responses(hypotheses, references=None, nbest=1)
        named = (str(folder / file), str(references))
        scores = evaluate.score(responses, split.answers, words, parts, named)
        files = {
            file: "".join(f"{line}\n" for line in hypotheses),
            "evaluate.json": evaluate.to_json(scores, description),
        }
        write_run(folder, title, seconds, files)
        rows += scores
    print(evaluate.table(rows, description))


def run_classifiers(args: argparse.Namespace, texts: dict[str, tuple[Split, Split]]) -> None:
    """Classify the splits of all tasks with each of `CLASSIFIERS`; print a table of each."""
    for name, (title, make) in CLASSIFIERS.items():
        start = time.perf_counter()
        results = []
        for task, (train, split) in texts.items():
            labels = sorted({*train.answers, *split.answers})
            with learning_from(args.data, task):
                probabilities = baselines.probabilities(
                    make(), list(zip(*train, strict=True)), split.inputs, labels
                )
            gold = np.array([labels.index(label) for label in split.answers])
            results.append(Predictions(task, labels, probabilities, gold))
        seconds = time.perf_counter() - start
        scores = classify.score(results, args.overlap, args.subset)
        files = {
            "classify.json": classify.to_json(scores),
            "predictions.tsv": classify.predictions_tsv(results),
        }
        write_run(args.out / name, title, seconds, files)
        print(f"\n{title} on {args.subset}:\n\n{classify.parts_table(scores)}")
    print(f"\n{classify.MACRO_F1_NOTE}")
    if args.overlap:
        print(PARTS_NOTE)


@contextlib.contextmanager
def learning_from(data: Path, task: str) -> Iterator[None]:
    """Turn what scikit-learn says of training data that it cannot use into a `UserError`."""
    try:
        yield
    except ValueError as error:
        raise UserError(
            f"{data / 'text' / task}: found training data that nothing can be learnt from ({error}); "
            "expected words and two or more labels"
        ) from error


def write_run(folder: Path, title: str, seconds: float, files: dict[str, str]) -> None:
    """Write a run folder, whole or not at all.

    Args:
        seconds: wall-clock time of learning and answering
        files: name and content of what it holds beside run.json
    """
    described = {"row": title, "baseline": True, "wall_seconds": round(seconds, 2)}
    with atomic_folder(folder) as draft:
        for name, content in {"run.json": json.dumps(described) + "\n", **files}.items():
            (draft / name).write_text(content, encoding="utf-8")
