"""Do the responses show the emotion of the utterances? An answer without people."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emo_mtl.errors import UserError
from emo_mtl.formats import markdown
from emo_mtl.formats.typed_json import Score
from emo_mtl.preparation.splits import read_labelled

if TYPE_CHECKING:
    from emo_mtl.inference.hub_interface import EmoBART

NOTES = """
agreement: pairs in which utterance and response get the same label; chance: the agreement of these responses
  in random order; kappa (Cohen): 0 for chance, 1 for always the same
What it does not say: that a response is apt. Anger needs no angry answer; a copy of the utterance agrees
  always. The classifier learnt from tweets and film reviews and errs often, most of all on dialogue.
  Compare with the gold responses, and leave the verdict to people (emo-mtl human-eval)."""


@dataclass(kw_only=True)
class Row:
    """How often the labels of utterances and of responses are the same; and of the gold responses.

    Agreement and chance are in percent; kappa is Cohen's.
    """

    hypotheses: str = ""
    task: str
    agreement: Score
    chance: Score
    kappa: Score
    gold_agreement: Score = math.nan
    gold_chance: Score = math.nan
    gold_kappa: Score


@dataclass(kw_only=True)
class AwarenessScores:
    """What `--json` of `emo-mtl awareness` holds."""

    judge: str = ""
    subset: str = ""
    rows: list[Row]


Judge = Callable[[list[str]], dict[str, list[str]]]  # texts -> task -> label of each


def compare(
    judge: Judge,
    tasks: Sequence[str],
    utterances: list[str],
    gold: list[str],
    systems: dict[str, list[str]],
) -> list[Row]:
    """A row for each system and task: :func:`agreement` of its responses, and of the gold ones.

    Args:
        gold: the responses of people
        systems: name -> its responses
    """
    of_utterances, of_gold = judge(utterances), judge(gold)
    rows = []
    for name, responses in systems.items():
        of_responses = judge(responses)
        for task in tasks:
            pairs = list(zip(of_utterances[task], of_responses[task], strict=True))
            gold_pairs = list(zip(of_utterances[task], of_gold[task], strict=True))
            of_gold_responses = {f"gold_{k}": v for k, v in agreement(gold_pairs).items()}
            rows.append(Row(hypotheses=name, task=task, **agreement(pairs), **of_gold_responses))
    return rows


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
        from emo_mtl.evaluation.baselines import tfidf_logistic

        classifiers = {task: tfidf_logistic() for task in tasks}
    except ImportError as error:
        raise UserError(
            "emo-mtl awareness needs scikit-learn, which is not installed; run: pip install "
            "'emo-mtl[eval]', or judge with the heads of a MODEL"
        ) from error
    for task, classifier in classifiers.items():
        train = read_labelled(data, task, "train")
        if train.has_several_labels:
            raise UserError(
                f"--task {task}: found several labels a text in {data / 'text' / task}, expected one: "
                "choose a task with one label, or judge with the heads of a MODEL: their most probable label"
            )
        classifier.fit(*train)
    return lambda texts: {task: list(c.predict(texts)) for task, c in classifiers.items()}


def checkpoint_judge(path: Path, data: Path, tasks: Sequence[str], cpu: bool) -> Judge:
    """The heads of a checkpoint, see :func:`heads_judge`.

    Raises:
        UserError: a checkpoint that cannot be used
    """
    from emo_mtl.inference.hub_interface import EmoBART

    return heads_judge(EmoBART.from_pretrained(path, data, device="cpu" if cpu else None), tasks)


def heads_judge(bart: "EmoBART", tasks: Sequence[str]) -> Judge:
    """The heads of a model; an empty text, which has no tokens, gets the label `(empty)`.

    The judge raises `UserError` where the model has no such head.
    """

    def judge(texts: list[str]) -> dict[str, list[str]]:
        labels = {task: ["(empty)"] * len(texts) for task in tasks}
        filled = [index for index, text in enumerate(texts) if text.strip()]
        for task in tasks:
            found = bart.classify([texts[index] for index in filled], task=task)
            for index, probabilities in zip(filled, found, strict=True):
                labels[task][index] = next(iter(probabilities[task]))  # the most probable is first
        return labels

    return judge


def table(scores: AwarenessScores) -> str:
    """Markdown: a row for each file and task, the gold responses' agreement beside it."""
    header = ("responses", "task", "agreement", "chance", "kappa", "kappa of the gold responses")
    cells = [
        [
            *(markdown.text(row.hypotheses), markdown.text(row.task)),
            *(f"{row.agreement:.2f}", f"{row.chance:.2f}"),
            *(f"{row.kappa:.3f}", f"{row.gold_kappa:.3f}"),
        ]
        for row in scores.rows
    ]
    return f"Judge: {markdown.text(scores.judge)}\n\n" + markdown.table(header, cells, texts=2)
