"""Which examples of a split stand in the training split too, as pure functions.

A model may remember these instead of answering them: their scores are given apart. An example is a
tuple of texts: (utterance, response), or (text,) of a classification task.
"""

from collections.abc import Hashable, Iterable, Sequence

Example = tuple[str, ...]


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
