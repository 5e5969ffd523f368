"""The labels that people are shown."""

import pytest

from emo_mtl.inference.labels import as_text, shown_labels

SCORES = {"joy": 0.6, "relief": 0.5, "anger": 0.1}


@pytest.mark.parametrize(
    ("scores", "several", "labels"),
    [
        (SCORES, False, ["joy"]),
        (SCORES, True, ["joy", "relief"]),
        ({"joy": 0.4, "anger": 0.1}, True, ["joy"]),
        ({"joy": 0.4, "anger": 0.1}, False, ["joy"]),
    ],
)
def test_shown(scores, several, labels):
    assert shown_labels(scores, several) == {label: scores[label] for label in labels}


def test_as_text():
    assert as_text(shown_labels(SCORES, several=True)) == "joy 0.60, relief 0.50"
