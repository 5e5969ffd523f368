"""`emo-mtl awareness`: do the responses show the emotion of the utterances? An answer without people."""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from emo_mtl import markdown
from emo_mtl.cli.evaluate import read_responses
from emo_mtl.cli.flags import add_data_argument
from emo_mtl.errors import UserError
from emo_mtl.io import check_output, write_atomically
from emo_mtl.preparation.splits import read_split, text_tasks

HELP = "how often a classifier sees the same emotion in an utterance and in its response"

NOTES = """
agreement: pairs in which utterance and response get the same label; chance: the agreement of these responses
  in random order; kappa (Cohen): 0 for chance, 1 for always the same
What it does not say: that a response is apt. Anger needs no angry answer; a copy of the utterance agrees
  always. The classifier learnt from tweets and film reviews and errs often, most of all on dialogue.
  Compare with the gold responses, and leave the verdict to people (emo-mtl human-eval)."""

Judge = Callable[[list[str]], dict[str, list[str]]]  # texts -> task -> label of each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl awareness` to its parser."""
    add_data_argument(parser)
    parser.add_argument(
        "--hypotheses",
        nargs="+",
        required=True,
        type=Path,
        metavar="FILE",
        help="what fairseq-generate printed for the subset, or one response a line",
    )
    parser.add_argument(
        "--subset", choices=("valid", "test"), default="test", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--task",
        default="e6,e2",
        metavar="NAMES",
        help="comma-separated tasks whose labels to compare (default: %(default)s)",
    )
    parser.add_argument(
        "--path",
        type=Path,
        metavar="CKPT",
        help="judge with this checkpoint's heads (default: TF-IDF and logistic regression, trained on "
        "DATA/text: independent of every model, and the same for all)",
    )
    parser.add_argument("--cpu", action="store_true", help="do not use a GPU")
    parser.add_argument("--json", type=Path, metavar="OUT.json", help="also write the rows here")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the --json file if it exists"
    )


def run(args: argparse.Namespace) -> None:
    """Label utterances and responses, print a row for each file and task, write the JSON file.

    Raises:
        UserError: text, a task or a checkpoint that cannot be used
    """
    check_output(args.json, args.overwrite)
    utterances, gold = read_split(args.data, "response", args.subset)
    systems = {str(path): read_responses(path).hypotheses for path in args.hypotheses}
    for name, responses in systems.items():
        if len(responses) != len(utterances):
            raise UserError(
                f"{name}: found {len(responses):,} hypotheses, expected {len(utterances):,}, one for each "
                f"utterance of {args.data / 'text' / 'response'}: give the --subset that was generated"
            )
    tasks = args.task.split(",")
    judge = checkpoint_judge(args, tasks) if args.path else tfidf_judge(args.data, tasks)
    of_utterances = judge(utterances)
    of_gold = judge(gold)
    rows = []
    for name, responses in systems.items():
        of_responses = judge(responses)
        for task in tasks:
            pairs = list(zip(of_utterances[task], of_responses[task], strict=True))
            gold_pairs = list(zip(of_utterances[task], of_gold[task], strict=True))
            agreed = agreement(pairs)
            of_gold_responses = {f"gold_{k}": v for k, v in agreement(gold_pairs).items()}
            rows.append({"hypotheses": name, "task": task, **agreed, **of_gold_responses})
    judge_name = str(args.path or "TF-IDF + logistic regression")
    print(table(rows, judge_name) + "\n" + NOTES)
    if args.json:
        content = {"judge": judge_name, "subset": args.subset, "rows": rows}
        write_atomically(args.json, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def agreement(pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    """How often two labels are the same.

    Args:
        pairs: the labels of N utterances and their responses

    Returns:
        agreement and chance in percent, and Cohen's kappa, 0 where chance alone agrees always
    """
    count = len(pairs)
    left, right = (Counter(labels) for labels in zip(*pairs, strict=True))
    observed = sum(a == b for a, b in pairs) / count
    chance = sum(left[label] * right[label] for label in left) / count**2
    kappa = (observed - chance) / (1 - chance) if chance < 1 else 0.0
    return {"agreement": 100 * observed, "chance": 100 * chance, "kappa": kappa}


def tfidf_judge(data: Path, tasks: Sequence[str]) -> Judge:
    """Classifiers trained on the text of the tasks.

    Raises:
        UserError: a task without text, or no scikit-learn
    """
    try:
        from emo_mtl.baselines import tfidf_logistic

        classifiers = {task: tfidf_logistic() for task in tasks}
    except ImportError as error:
        raise UserError(
            "emo-mtl awareness needs scikit-learn, which is not installed; run: pip install "
            "'emo-mtl[eval]', or judge with a checkpoint: --path"
        ) from error
    there = [task for task in text_tasks(data) if task != "response"]
    for task, classifier in classifiers.items():
        if task not in there:
            raise UserError(
                f"--task {task}: found the text of {', '.join(there) or 'no task'} in {data / 'text'}, "
                "expected one of them"
            )
        classifier.fit(*read_split(data, task, "train"))
    return lambda texts: {task: list(c.predict(texts)) for task, c in classifiers.items()}


def checkpoint_judge(args: argparse.Namespace, tasks: Sequence[str]) -> Judge:
    """The heads of a checkpoint; an empty text, which has no tokens, gets the label `(empty)`.

    Raises:
        UserError: a checkpoint that cannot be used, or that has no such head
    """
    from emo_mtl.hub_interface import EmoBART

    bart = EmoBART.from_pretrained(
        args.path, args.data / "data-bin", device="cpu" if args.cpu else None
    )

    def judge(texts: list[str]) -> dict[str, list[str]]:
        labels = {task: ["(empty)"] * len(texts) for task in tasks}
        filled = [index for index, text in enumerate(texts) if text.strip()]
        for task in tasks:
            found = bart.classify([texts[index] for index in filled], task=task)
            for index, probabilities in zip(filled, found, strict=True):
                labels[task][index] = next(iter(probabilities[task]))  # the most probable is first
        return labels

    return judge


def table(rows: Sequence[dict], judge: str) -> str:
    """Markdown: a row for each file and task, the gold responses' agreement beside it."""
    header = ("responses", "task", "agreement", "chance", "kappa", "kappa of the gold responses")
    cells = [
        [
            *(markdown.text(row["hypotheses"]), markdown.text(row["task"])),
            *(f"{row['agreement']:.2f}", f"{row['chance']:.2f}"),
            *(f"{row['kappa']:.3f}", f"{row['gold_kappa']:.3f}"),
        ]
        for row in rows
    ]
    return f"Judge: {markdown.text(judge)}\n\n" + markdown.table(header, cells, texts=2)
