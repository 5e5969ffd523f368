"""Which examples of a split stand in the training split too, as pure functions.

A model may remember these instead of answering them: their scores are given apart. An example is a
tuple of texts: (utterance, response), or (text,) of a classification task.
"""

from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.formats import markdown
from emo_mtl.formats.checked_json import member, members
from emo_mtl.io import read_json
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.splits import Split, read_split

Example = tuple[str, ...]

PARTS_NOTE = "part: clean does not stand in the training data, seen does"

COLUMNS = {  # lists of positions in the JSON file: their titles in the table
    "exact": "in train",
    "normalised": "in train, normalised",
    "clean": "clean",
    "utterance_exact": "utterance in train",
    "utterance_normalised": "utterance, normalised",
    "other_label": "with another label",
}

NOTES = """
normalised: but for case and white space; includes those that are in train word for word
clean: not in train, normalised or not
response: the pair of utterance and response stands in train; then the utterance alone
response, all turns: what was said before the utterance stands in train with the two
others: the text stands in train; then with (also) another label than here, normalised"""


def normalise(example: Example) -> Example:
    """An example without its case and with single spaces between words."""
    return tuple(" ".join(text.casefold().split()) for text in example)


def found_in(examples: Iterable[Hashable], train: Iterable[Hashable]) -> list[int]:
    """Positions, from 0, of the examples that stand in `train`."""
    known = set(train)
    return [i for i, example in enumerate(examples) if example in known]


def overlap(examples: Sequence[Example], train: Sequence[Example]) -> dict:
    """What `emo-mtl overlap --json` holds for a split: a number and lists of positions from 0.

    Returns:
        `examples`: how many there are; `exact`: those that stand in `train` word for word;
        `normalised`: those that do but for case and white space, so all of `exact` too;
        `clean`: all others
    """
    normalised = found_in(map(normalise, examples), map(normalise, train))
    return {
        "examples": len(examples),
        "exact": found_in(examples, train),
        "normalised": normalised,
        "clean": sorted(set(range(len(examples))) - set(normalised)),
    }


def labelled_otherwise(
    examples: Sequence[Example],
    labels: Sequence[str],
    train: Sequence[Example],
    train_labels: Sequence[str],
) -> list[int]:
    """Positions of the examples that stand in `train`, normalised, with a label that is not theirs."""
    known: dict[Example, set[str]] = {}
    for example, label in zip(train, train_labels, strict=True):
        known.setdefault(normalise(example), set()).add(label)
    return [
        i
        for i, (example, label) in enumerate(zip(examples, labels, strict=True))
        if known.get(normalise(example), set()) - {label}
    ]


def task_overlap(data: Path, task: str) -> dict[str, dict]:
    """For valid and test, what `emo_mtl.evaluation.parts.overlap` returns, and more lists of positions.

    Of `response`, an example is the last utterance and its response, so that the parts are the same for any
    number of turns in the data. `utterance_exact` and `utterance_normalised` are about the utterance alone;
    `contexts`, where there are some, is about all turns with the response. `other_label` of other tasks are
    the texts that have another label in train.
    """
    train = read_split(data, task, "train")
    splits = {name: read_split(data, task, name) for name in ("valid", "test")}
    overlaps = response_overlap if task == RESPONSE else label_overlap
    return {name: overlaps(split, train) for name, split in splits.items()}


def response_overlap(split: Split, train: Split) -> dict:
    """What :func:`task_overlap` has of a split of the responses."""
    pairs, train_pairs = (list(zip(s.utterances, s.answers, strict=True)) for s in (split, train))
    alone = overlap(list(zip(split.utterances)), list(zip(train.utterances)))
    found = overlap(pairs, train_pairs) | {
        "utterance_exact": alone["exact"],
        "utterance_normalised": alone["normalised"],
    }
    if split.inputs == split.utterances:
        return found
    contexts, train_contexts = (list(zip(*s, strict=True)) for s in (split, train))
    return found | {"contexts": overlap(contexts, train_contexts)}


def label_overlap(split: Split, train: Split) -> dict:
    """What :func:`task_overlap` has of a split of a classification task."""
    inputs, train_inputs = (list(zip(s.inputs)) for s in (split, train))
    other = labelled_otherwise(inputs, split.answers, train_inputs, train.answers)
    return overlap(inputs, train_inputs) | {"other_label": other}


def table(found: dict[str, dict[str, dict]]) -> str:
    """Markdown: a row for each task and split, counts with their percentages."""
    entries = [
        (name, split, content)
        for task, splits in found.items()
        for split, entry in splits.items()
        for name, content in ((task, entry), (f"{task}, all turns", entry.get("contexts")))
        if content
    ]
    rows = []
    for name, split, entry in entries:
        total = entry["examples"]
        cells = [
            f"{len(entry[key]):,} ({100 * len(entry[key]) / total:.1f} %)" if key in entry else ""
            for key in COLUMNS
        ]
        rows.append([markdown.text(name), split, f"{total:,}", *cells])
    return markdown.table(["task", "split", "examples", *COLUMNS.values()], rows, texts=2)


def read_parts(
    path: Path | None, task: str, subset: str, examples: int
) -> dict[str, Sequence[int]]:
    """The parts of a subset to score: positions from 0 of `all`, `clean` and `seen`.

    Args:
        path: file of `emo-mtl overlap --json`; without one there is only `all`
        examples: how many the subset has

    Returns:
        the parts that have examples

    Raises:
        UserError: the file is another one, or about other data
    """
    whole = range(examples)
    if path is None:
        return {"all": whole}
    fix = "write it again with: emo-mtl overlap --data DATA --json FILE"
    where = f"{path}, of {task} on {subset}"
    entry = member(member(read_json(path), task, dict, where), subset, dict, where)
    expected = member(entry, "examples", int, where)
    clean = set(members(entry, "clean", int, where))
    if expected != examples or not clean <= set(whole):
        raise UserError(
            f"{path}: found {expected} examples of {task} on {subset}, expected {examples} as in what is "
            f"scored; is it about other data or another subset? {fix}"
        )
    parts = {"all": whole, "clean": sorted(clean), "seen": sorted(set(whole) - clean)}
    return {name: ids for name, ids in parts.items() if ids}
