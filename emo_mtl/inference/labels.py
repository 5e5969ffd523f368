"""Which of a head's labels people are shown."""

from collections.abc import Mapping

LEAST = 0.5  # probability of a label that is shown beside others


def shown_labels(scores: Mapping[str, float], several: bool) -> dict[str, float]:
    """The most probable label; where an utterance may have several, all with a probability of `LEAST`.

    Where no label has it, the most probable one too.

    Args:
        scores: label -> probability, the most probable first
        several: whether an utterance may have several labels
    """
    likely = {label: p for label, p in scores.items() if several and p >= LEAST}
    return likely or dict(list(scores.items())[:1])


def as_text(scores: Mapping[str, float]) -> str:
    """Such as `joy 0.91`, or `joy 0.91, relief 0.64`."""
    return ", ".join(f"{label} {p:.2f}" for label, p in scores.items())
