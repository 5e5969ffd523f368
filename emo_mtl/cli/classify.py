"""`emo-mtl classify`: what the classification heads of a checkpoint recognise (paper, Table 4)."""

import argparse
import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo_mtl import markdown
from emo_mtl.cli.model import add_bpe_arguments
from emo_mtl.cli.overlap import PARTS_NOTE, add_overlap_argument, read_parts
from emo_mtl.delimited import tsv_line
from emo_mtl.errors import UserError
from emo_mtl.io import check_output, decode, read_text, text_lines, write_atomically
from emo_mtl.metrics import accuracy, confusion_matrix, macro_f1

if TYPE_CHECKING:
    from torch import nn

    from emo_mtl.tasks.emotion_dialogue import EmotionDialogueTask

HELP = (
    "recognise emotions with a checkpoint's heads: accuracy, macro-F1, confusion matrix (Table 4)"
)
MACRO_F1_NOTE = "macro-F1: the mean over all labels; one that a part lacks counts as 0"


@dataclass
class Predictions:
    """What one head says of N utterances, in their order."""

    task: str
    labels: list[str]  # C labels
    probabilities: np.ndarray  # N x C
    gold: np.ndarray | None  # class numbers, shape (N); None for text without labels

    @property
    def predicted(self) -> np.ndarray:
        """Class numbers, shape (N)."""
        return self.probabilities.argmax(axis=1)

    def scores(self, parts: dict[str, Sequence[int]]) -> list[dict]:
        """For each part, what `--json` holds of it.

        Accuracy and macro-F1 are in percent; rows of the C x C confusion matrix are gold labels.

        Args:
            parts: positions, from 0, of the utterances of each part
        """
        found = []
        for part, ids in parts.items():
            gold, predicted = self.gold[list(ids)], self.predicted[list(ids)]
            counts = confusion_matrix(gold, predicted, len(self.labels))
            found.append(
                {
                    "task": self.task,
                    "part": part,
                    "examples": len(gold),
                    "accuracy": accuracy(counts),
                    "macro_f1": macro_f1(counts),
                    "labels": self.labels,
                    "confusion": counts.tolist(),
                }
            )
        return found


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

    from emo_mtl.inference import find_bpe, predict, text_dataset

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
            dataset = task.load_classification(task.data_folder() / name, args.subset, name)
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


def score(results: list[Predictions], overlap: Path | None, subset: str) -> list[dict]:
    """The scores of all heads, whole and in the parts that a file of `emo-mtl overlap` tells.

    Raises:
        UserError: the file does not fit
    """
    return [
        entry
        for result in results
        for entry in result.scores(read_parts(overlap, result.task, subset, len(result.gold)))
    ]


def to_json(scores: list[dict]) -> str:
    """The content of `--json`."""
    return json.dumps(scores, indent=2, ensure_ascii=False) + "\n"


def check_input_flags(args: Namespace) -> None:
    """Raise `UserError` where `--input` stands beside `--json` or `--overlap`."""
    if args.overlap:
        raise UserError("--overlap: found --input, expected a --subset: its text is not scored")
    if args.json:
        raise UserError(
            "--json: found --input, whose text has no labels to score: use --predictions"
        )


def load_heads(
    path: Path, data: Path | None, names: list[str] | None, untrained_head: bool, seed: int = 1
) -> tuple["EmotionDialogueTask", "nn.Module"]:
    """The task on a data folder and the model of a checkpoint, ready to classify.

    Args:
        data: None for what the checkpoint needs, see `emo_mtl.inference.data_folder`
        names: tasks that are needed; all heads of the checkpoint for None
        untrained_head: make heads that the checkpoint lacks, initialised with `seed`

    Raises:
        UserError: no such file, not a checkpoint of `emotion_dialogue`, no such head, or data that does not
            fit the checkpoint
    """
    from emo_mtl.inference import build_model, checkpoint_file, data_folder, load_checkpoint

    state = load_checkpoint(checkpoint_file(path))
    trained = state["task_state"]["heads"]
    wanted = list(trained) if names is None else names
    missing = [name for name in wanted if name not in trained]
    if (missing and not untrained_head) or not wanted:
        raise UserError(
            f"{path}: found the heads {', '.join(trained) or 'none'}, expected "
            f"{', '.join(missing) or 'one or more'}: choose another checkpoint or --task, or score a "
            "head as it is initialised with --task NAME --untrained-head"
        )
    # where no data is named, the labels of the checkpoint are enough
    return build_model(state, data_folder(state, data), wanted if data else missing, seed)


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


def predictions_tsv(results: list[Predictions]) -> str:
    """The content of `--predictions`."""
    rows = [["line", "task", "gold", "predicted", "probability"]]
    for result in results:
        gold = [""] * len(result.probabilities) if result.gold is None else result.gold
        for number, (right, guess) in enumerate(zip(gold, result.predicted, strict=True), start=1):
            label = right if right == "" else result.labels[right]
            probability = result.probabilities[number - 1, guess]
            guessed = result.labels[guess]
            rows.append([str(number), result.task, label, guessed, f"{probability:.4f}"])
    return "".join(f"{tsv_line(row)}\n" for row in rows)


def score_table(scores: dict, subset: str) -> str:
    """Markdown: accuracy, macro-F1, and the confusion matrix with gold labels as rows."""
    labels = list(map(markdown.text, scores["labels"]))
    title = (
        f"{markdown.text(scores['task'])} on {markdown.text(subset)}: {scores['examples']:,} utterances, "
        f"accuracy {scores['accuracy']:.2f} %, macro-F1 {scores['macro_f1']:.2f} %"
    )
    rows = [[name, *map(str, row)] for name, row in zip(labels, scores["confusion"], strict=True)]
    return f"{title}\n\n" + markdown.table(["gold \\ predicted", *labels], rows)


def parts_table(scores: list[dict]) -> str:
    """Markdown: accuracy and macro-F1 of each task's parts, one below the other, in percent."""
    rows = [
        [
            *(markdown.text(entry["task"]), entry["part"], f"{entry['examples']:,}"),
            *(f"{entry['accuracy']:.2f}", f"{entry['macro_f1']:.2f}"),
        ]
        for entry in scores
    ]
    header = ["task", "part", "utterances", "accuracy", "macro-F1"]
    return markdown.table(header, rows, texts=2)
