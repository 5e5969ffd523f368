"""Recognised emotions: the predictions of a head and their scores (paper, Table 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from emo_mtl.errors import UserError
from emo_mtl.evaluation.metrics import (
    accuracy,
    class_counts,
    confusion_matrix,
    label_counts,
    macro_f1_of_counts,
    micro_f1_of_counts,
    scores_by_class,
)
from emo_mtl.evaluation.parts import read_parts
from emo_mtl.formats import markdown
from emo_mtl.formats.delimited import tsv_cells, tsv_line
from emo_mtl.formats.typed_json import WHERE_GIVEN, Score
from emo_mtl.inference.labels import LEAST, as_text, shown_labels
from emo_mtl.io import read_text, text_lines

MACRO_F1_NOTE = "macro-F1: the mean over all labels; one that a part lacks counts as 0"

COLUMNS = ("line", "task", "gold", "predicted", "probability")


@dataclass
class Predictions:
    """What one head says of N utterances, in their order."""

    task: str
    labels: list[str]  # C labels
    probabilities: np.ndarray  # N x C
    # class numbers, shape (N), or with thresholds truth values, N x C; None for text without labels
    gold: np.ndarray | None
    # of each label, shape (C), where an utterance may have several
    thresholds: np.ndarray | None = None

    @property
    def predicted(self) -> np.ndarray:
        """Class numbers, shape (N); with thresholds truth values, N x C."""
        if self.thresholds is None:
            return self.probabilities.argmax(axis=1)
        return self.probabilities >= self.thresholds

    def names(self, row: np.ndarray) -> str:
        """An entry of `gold` or `predicted` as its label, or its labels with spaces between."""
        return " ".join(self.labels[i] for i in self.numbers(row))

    def numbers(self, row: np.ndarray) -> list[int]:
        """The class numbers of such an entry."""
        return [int(row)] if self.thresholds is None else np.flatnonzero(row).tolist()

    def ranked(self, index: int) -> dict[str, float]:
        """Label -> probability of an utterance, the most probable first."""
        row = self.probabilities[index]
        return {self.labels[i]: float(row[i]) for i in np.argsort(-row, kind="stable")}

    def scores(
        self, parts: dict[str, Sequence[int]], ignored: Sequence[str] = ()
    ) -> list["Scores"]:
        """The scores of each part.

        Args:
            parts: positions, from 0, of the utterances of each part
            ignored: labels that are also scored without; none for no such scores
        """
        return [self._score(part, list(ids), ignored) for part, ids in parts.items()]

    def _score(self, part: str, ids: list[int], ignored: Sequence[str]) -> "Scores":
        """The scores of the utterances at some positions."""
        assert self.gold is not None
        gold, predicted = self.gold[ids], self.predicted[ids]
        confusion, several = [], None
        if self.thresholds is None:
            matrix = confusion_matrix(gold, predicted, len(self.labels))
            counts, confusion = class_counts(matrix), matrix.tolist()
            right = accuracy(matrix)
        else:
            counts = label_counts(gold, predicted)
            right = float(100 * (gold == predicted).all(axis=1).mean()) if ids else float("nan")
            at_half = label_counts(gold, self.probabilities[ids] >= LEAST)
            several = Several(
                thresholds=self.thresholds.tolist(),
                micro_f1=micro_f1_of_counts(*counts),
                macro_f1_at_half=macro_f1_of_counts(*at_half),
            )
        return Scores(
            task=self.task,
            part=part,
            examples=len(ids),
            accuracy=right,
            macro_f1=macro_f1_of_counts(*counts),
            labels=self.labels,
            **scores_by_class(*counts),
            confusion=confusion,
            others=f1_of_others(counts, self.labels, ignored),
            several=several,
        )


@dataclass(kw_only=True)
class Several:
    """What is scored only where an utterance may have several labels; F1 is in percent."""

    thresholds: list[float]  # of each label, chosen on the subset valid
    micro_f1: Score
    macro_f1_at_half: Score  # with 0.5 as the threshold of every label


@dataclass(kw_only=True)
class Others:
    """F1 in percent of the labels that are not ignored, as is usual where most utterances have no emotion.

    An utterance of an ignored label still counts where another label is predicted for it: as a false one.
    """

    ignored: list[str]
    micro_f1: Score
    macro_f1: Score


def f1_of_others(
    counts: Sequence[np.ndarray], labels: Sequence[str], ignored: Sequence[str]
) -> Others | None:
    """As scikit-learn's `f1_score(labels=others, zero_division=0)`; None where nothing is ignored.

    Args:
        counts: hits, gold labels and predictions of each class, shape (C) each
        labels: C labels
        ignored: some of them
    """
    if not ignored:
        return None
    others = [label not in ignored for label in labels]
    kept = [count[others] for count in counts]
    return Others(
        ignored=list(ignored),
        micro_f1=micro_f1_of_counts(*kept),
        macro_f1=macro_f1_of_counts(*kept),
    )


def labels_to_ignore(
    heads: Mapping[str, Sequence[str]], given: Sequence[str]
) -> dict[str, list[str]]:
    """Head -> those of some labels that it has.

    Args:
        heads: name of each head -> its labels
        given: of `--ignore-label`

    Raises:
        UserError: a label that no head has, or all labels of one
    """
    for label in given:
        if not any(label in labels for labels in heads.values()):
            there = "; ".join(f"{name}: {', '.join(labels)}" for name, labels in heads.items())
            raise UserError(f"--ignore-label {label!r}: expected a label of a head ({there})")
    ignored = {
        name: [label for label in labels if label in given] for name, labels in heads.items()
    }
    for name, labels in heads.items():
        if len(ignored[name]) == len(labels):
            raise UserError(
                f"--ignore-label: found all labels of {name}, expected some that are left to score"
            )
    return ignored


@dataclass(kw_only=True)
class Scores:
    """The scores of one head on a part of a subset; `--json` of `emo-mtl classify` holds a list of them.

    All are in percent but counts. Lists are by class, in the order of `labels`; one that is never predicted
    has a precision of 0, one that never occurs a recall of 0. An utterance that may have several labels
    counts for the accuracy where exactly its labels are predicted, and there is no confusion matrix of such.
    """

    task: str
    part: str = "all"  # or `clean` or `seen`: not or also in the training data
    examples: int
    accuracy: Score
    macro_f1: Score
    labels: list[str] = field(default_factory=list)
    precision: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    f1: list[float] = field(default_factory=list)
    support: list[int] = field(default_factory=list)  # examples of the class
    confusion: list[list[int]] = field(default_factory=list)  # C x C, rows are gold labels
    others: Others | None = field(default=None, metadata=WHERE_GIVEN)  # with --ignore-label
    several: Several | None = field(default=None, metadata=WHERE_GIVEN)  # labels an utterance


@dataclass
class TaskPredictions:
    """The rows of one task in a file of predictions, in their order."""

    first_line: int  # of the file
    gold: list[str]
    predicted: list[str]

    @property
    def right(self) -> list[bool]:
        return [gold == guess for gold, guess in zip(self.gold, self.predicted, strict=True)]


def score(
    results: list[Predictions],
    overlap: Path | None,
    subset: str,
    ignored: Mapping[str, Sequence[str]] | None = None,
) -> list[Scores]:
    """The scores of all heads, whole and in the parts that a file of `emo-mtl overlap` tells.

    Args:
        ignored: head -> labels that it is also scored without, see :func:`labels_to_ignore`

    Raises:
        UserError: the file does not fit
    """
    return [
        entry
        for result in results
        for entry in result.scores(
            read_parts(overlap, result.task, subset, len(result.probabilities)),
            (ignored or {}).get(result.task, ()),
        )
    ]


def predictions_tsv(results: list[Predictions]) -> str:
    """The content of `--predictions`; several labels of an utterance have spaces between."""
    rows = [list(COLUMNS)]
    for result in results:
        for index, guess in enumerate(result.predicted):
            label = "" if result.gold is None else result.names(result.gold[index])
            found = result.probabilities[index, result.numbers(guess)]
            shown = " ".join(f"{probability:.4f}" for probability in found)
            rows.append([str(index + 1), result.task, label, result.names(guess), shown])
    return "".join(f"{tsv_line(row)}\n" for row in rows)


def read_predictions(path: Path) -> dict[str, TaskPredictions]:
    """Read what `emo-mtl classify --predictions` wrote, by task.

    Raises:
        UserError: the file cannot be read, is not of that format, or has no gold labels
    """
    tasks: dict[str, TaskPredictions] = {}
    for number, text in enumerate(text_lines(read_text(path)), start=1):
        row = tsv_cells(text)
        where = f"{path}, line {number}"
        if number == 1:
            if tuple(row) != COLUMNS:
                raise UserError(
                    f"{where}: found {text[:60]!r}, expected the header {' '.join(COLUMNS)} with tabs "
                    "between; give a file of emo-mtl classify --predictions"
                )
            continue
        if len(row) != len(COLUMNS):
            raise UserError(
                f"{where}: found {len(row)} columns, expected {len(COLUMNS)}; was the file cut off?"
            )
        line, task, gold, predicted, _ = row
        if not gold:
            raise UserError(
                f"{where}: found no gold label, expected one; predict a labelled --subset, not --input"
            )
        found = tasks.setdefault(task, TaskPredictions(number, [], []))
        found.gold.append(gold)
        found.predicted.append(predicted)
        if line != str(len(found.gold)):
            raise UserError(
                f"{where}: found line {line!r} of {task}, expected {len(found.gold)}; was the file edited?"
            )
    if not tasks:
        raise UserError(f"{path}: found no predictions after the header; classify a subset again")
    return tasks


def score_table(scores: Scores, subset: str) -> str:
    """Markdown: accuracy, macro-F1, the confusion matrix with gold labels as rows, and scores by class.

    Where an utterance may have several labels, the thresholds are in place of the confusion matrix.
    """
    labels = list(map(markdown.text, scores.labels))
    title = (
        f"{markdown.text(scores.task)} on {markdown.text(subset)}: {scores.examples:,} utterances, "
        f"accuracy {scores.accuracy:.2f} %, macro-F1 {scores.macro_f1:.2f} %"
    )
    if scores.several:
        title += (
            f", micro-F1 {scores.several.micro_f1:.2f} %: several labels an utterance, at thresholds "
            f"chosen on valid (at 0.5 macro-F1 {scores.several.macro_f1_at_half:.2f} %)"
        )
    if scores.others:
        ignored = ", ".join(map(markdown.text, scores.others.ignored))
        title += f"\nwithout {ignored}: {others_f1(scores.others)}"
    columns = (labels, scores.precision, scores.recall, scores.f1, scores.support)
    by_class = [
        [label, *(f"{value:.2f}" for value in values), f"{support:,}"]
        for label, *values, support in zip(*columns, strict=True)
    ]
    header = ["label", "precision", "recall", "F1", "support"]
    if scores.several:
        header.append("threshold")
        for row, threshold in zip(by_class, scores.several.thresholds, strict=True):
            row.append(f"{threshold:.3f}")
        return f"{title}\n\n{markdown.table(header, by_class)}"
    confusion = [[name, *map(str, row)] for name, row in zip(labels, scores.confusion, strict=True)]
    return "\n\n".join(
        (
            title,
            markdown.table(["gold \\ predicted", *labels], confusion),
            markdown.table(header, by_class),
        )
    )


def others_f1(others: Others) -> str:
    """The two scores for people."""
    return f"micro-F1 {others.micro_f1:.2f} %, macro-F1 {others.macro_f1:.2f} %"


def text_table(lines: Sequence[str], results: Sequence[Predictions]) -> str:
    """A line for each text: what :func:`shown_labels` of each head, then the text, between tabs."""
    shown = []
    for index, line in enumerate(lines):
        found = [
            f"{r.task}={as_text(shown_labels(r.ranked(index), r.thresholds is not None))}"
            for r in results
        ]
        shown.append("\t".join([*found, line]))
    return "\n".join(shown)


def parts_table(scores: list[Scores]) -> str:
    """Markdown: accuracy and macro-F1 of each task's parts, one below the other, in percent.

    With `--ignore-label` a column more, of both F1 without the labels ignored.
    """
    rows = [
        [
            *(markdown.text(entry.task), entry.part, f"{entry.examples:,}"),
            *(f"{entry.accuracy:.2f}", f"{entry.macro_f1:.2f}"),
        ]
        for entry in scores
    ]
    header = ["task", "part", "utterances", "accuracy", "macro-F1"]
    if any(entry.others for entry in scores):
        header.append("without ignored labels")
        for row, entry in zip(rows, scores, strict=True):
            row.append(others_f1(entry.others) if entry.others else "")
    return markdown.table(header, rows, texts=2)
