"""Run folders of systems that cost nothing, to stand beside trained ones."""

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from emo_mtl.errors import UserError
from emo_mtl.evaluation import baselines, recognition, responses
from emo_mtl.evaluation.metrics import word_tokenizer
from emo_mtl.evaluation.parts import PARTS_NOTE, read_parts
from emo_mtl.evaluation.recognition import Predictions
from emo_mtl.evaluation.responses import Responses, ResponseScores
from emo_mtl.evaluation.thresholds import best_thresholds
from emo_mtl.formats import typed_json
from emo_mtl.inference.turns import split_turns
from emo_mtl.io import atomic_folder, read_lines
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.splits import Split, read_split, text_folder

# name of the run folder: name of the row in tables, function of emo_mtl.evaluation.baselines
RESPONDERS = {
    "constant": ("constant reply", baselines.constant),
    "copy": ("copy of the utterance", baselines.copy),
    "exact-match": ("exact-match retrieval", baselines.exact_match),
    "tfidf-nearest": ("TF-IDF retrieval", baselines.nearest),
}

# With several references a line: the second one, by the others. What a person scores who was asked too.
PERSON = ("another-person", "another person's reply")

CLASSIFIERS = {
    "majority": ("majority class", baselines.majority),
    "tfidf-logistic": ("TF-IDF + logistic regression", baselines.tfidf_logistic),
}


@dataclass(frozen=True)
class Settings:
    """What is answered, and where the run folders go.

    Attributes:
        data: the folder of data
        subset: of it, such as test
        out: gets a folder for each baseline
        overlap: what `emo-mtl overlap --json` wrote, for scores of parts
        references: files of gold responses, several a line; without any, the subset's own
        words: a name of `emo_mtl.evaluation.metrics.word_tokenizer`
    """

    data: Path
    subset: str
    out: Path
    overlap: Path | None = None
    references: Sequence[Path] = ()
    words: str = "nltk"


def run_responders(settings: Settings, train: Split, split: Split) -> str:
    """Answer the split's utterances with each of `RESPONDERS`, and write the run folders.

    With several references there is also that of `PERSON`.

    Returns:
        one table of their scores, in Markdown

    Raises:
        UserError: references that are not one for each utterance
    """
    words, description = word_tokenizer(settings.words)
    parts = read_parts(settings.overlap, RESPONSE, settings.subset, len(split.inputs))
    references = read_references(settings, split)
    pairs = list(zip(train.utterances, train.answers, strict=True))
    systems: dict[str, tuple[str, Callable[[], list[str]], Mapping[Path, list[str]]]] = {}
    if len(references) > 1:
        _, (person, replies), *_ = references.items()
        others = {path: lines for path, lines in references.items() if path != person}
        systems[PERSON[0]] = (PERSON[1], lambda: replies, others)
    for name, (title, respond) in RESPONDERS.items():
        systems[name] = (title, partial(respond, pairs, split.utterances), references)

    file = f"generate-{settings.subset}.txt"
    shown = ResponseScores(words=description, rows=[])
    for name, (title, answer, gold) in systems.items():
        folder = settings.out / name
        start = time.perf_counter()
        with learning_from(settings.data, RESPONSE):
            hypotheses = answer()
        seconds = time.perf_counter() - start
        answers = Responses(hypotheses, references=None, nbest=1)
        named = (str(folder / file), ", ".join(map(str, gold)))
        rows = responses.score(answers, list(gold.values()), words, parts, named)
        files = {
            file: "".join(f"{line}\n" for line in hypotheses),
            "evaluate.json": typed_json.to_text(ResponseScores(words=description, rows=rows)),
        }
        write_run(folder, title, seconds, files)
        shown.rows += rows
    return responses.table(shown)


def read_references(settings: Settings, split: Split) -> dict[Path, list[str]]:
    """The gold responses of the split's utterances, by file.

    Raises:
        UserError: not one for each utterance
    """
    if not settings.references:
        own = text_folder(settings.data) / RESPONSE / f"{settings.subset}.target"
        return {own: split.answers}
    references = {path: read_lines(path) for path in settings.references}
    for path, lines in references.items():
        if len(lines) != len(split.inputs):
            raise UserError(
                f"{path}: found {len(lines):,} lines, expected {len(split.inputs):,}, one for each utterance "
                f"of {settings.subset}"
            )
    return references


def run_classifiers(settings: Settings, texts: dict[str, tuple[Split, Split]]) -> str:
    """Classify the splits of all tasks with each of `CLASSIFIERS`, and write the run folders.

    Args:
        texts: task -> its training split, and the one to classify

    Returns:
        a table of each, in Markdown
    """
    shown = []
    for name, (title, make) in CLASSIFIERS.items():
        start = time.perf_counter()
        results = []
        for task, (train, split) in texts.items():
            with learning_from(settings.data, task):
                classify = classify_sets if train.has_several_labels else classify_one
                results.append(classify(settings, task, train, split, make))
        seconds = time.perf_counter() - start
        scores = recognition.score(results, settings.overlap, settings.subset)
        files = {
            "classify.json": typed_json.to_text(scores),
            "predictions.tsv": recognition.predictions_tsv(results),
        }
        write_run(settings.out / name, title, seconds, files)
        shown.append(f"{title} on {settings.subset}:\n\n{recognition.parts_table(scores)}")
    notes = [recognition.MACRO_F1_NOTE, *([PARTS_NOTE] if settings.overlap else [])]
    return "\n\n".join([*shown, "\n".join(notes)])


def classify_one(
    settings: Settings, task: str, train: Split, split: Split, make: Callable[[], Any]
) -> Predictions:
    """What a classifier says of a split, after it was trained.

    Args:
        make: the classifier
    """
    labels = sorted({*train.answers, *split.answers})
    examples = list(zip(words_of(train.inputs), train.answers, strict=True))
    probabilities = baselines.probabilities(make(), examples, words_of(split.inputs), labels)
    gold = np.array([labels.index(label) for label in split.answers])
    return Predictions(task, labels, probabilities, gold)


def classify_sets(
    settings: Settings, task: str, train: Split, split: Split, make: Callable[[], Any]
) -> Predictions:
    """The same where a text may have several labels, with thresholds chosen on `valid` as a model's."""
    valid = read_split(settings.data, task, "valid")
    labels = sorted({label for part in (train, valid, split) for label in names_in(part)})
    examples = list(zip(words_of(train.inputs), train.answers, strict=True))
    texts = [*words_of(valid.inputs), *words_of(split.inputs)]
    found = baselines.label_probabilities(make, examples, texts, labels)
    is_given = np.array(
        [
            [label in line.split(" ") for label in labels]
            for line in [*valid.answers, *split.answers]
        ]
    )
    n = len(valid.inputs)
    return Predictions(
        task, labels, found[n:], is_given[n:], best_thresholds(is_given[:n], found[:n])
    )


def names_in(split: Split) -> set[str]:
    """All labels that texts of a split have."""
    return {label for line in split.answers for label in line.split(" ")}


def words_of(lines: Iterable[str]) -> list[str]:
    """Lines of one or more turns without the mark between turns, which is no word."""
    return [" ".join(split_turns(line)) for line in lines]


@contextlib.contextmanager
def learning_from(data: Path, task: str) -> Iterator[None]:
    """Turn what scikit-learn says of training data that it cannot use into a `UserError`."""
    try:
        yield
    except ValueError as error:
        raise UserError(
            f"{text_folder(data) / task}: found training data that nothing can be learnt from ({error}); "
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
