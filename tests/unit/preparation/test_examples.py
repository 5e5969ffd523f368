"""Contexts with replies and labels, of dialogues."""

import pytest

from emo_mtl.errors import UserError
from emo_mtl.preparation import examples
from emo_mtl.preparation.corpus import SPLITS
from emo_mtl.preparation.dialogues.dialogue import Dialogue, DialogueCorpus, Turn


def turn(text: str, is_response: bool = True, **labels: str) -> Turn:
    return Turn(text, "file:1", labels=labels, is_response=is_response)


TALK = [turn("a", mood="up"), turn("b"), turn("c", mood="down"), turn("d", mood="up")]


def corpus(*dialogues: Dialogue) -> DialogueCorpus:
    return DialogueCorpus("talks", "JSON Lines", (), {split: list(dialogues) for split in SPLITS})


def test_replies() -> None:
    assert examples.replies(TALK, 1) == [("a", "b"), ("b", "c"), ("c", "d")]
    assert examples.replies(TALK, 2)[1:] == [("a __eou__ b", "c"), ("b __eou__ c", "d")]
    assert examples.replies(TALK, 9)[-1] == ("a __eou__ b __eou__ c", "d")


def test_only_what_may_be_a_response() -> None:
    talk = [turn("a", False), turn("b"), turn("c", False), turn("d")]
    assert examples.replies(talk, 3) == [("a", "b"), ("a __eou__ b __eou__ c", "d")]


def test_labels_of_the_utterance_are_of_every_turn() -> None:
    assert examples.utterance_labels(TALK, "mood", 2) == [
        *(("a", "up"), ("b __eou__ c", "down"), ("c __eou__ d", "up"))
    ]


def test_a_reply_is_no_part_of_the_input_of_its_label() -> None:
    """The same inputs as the responses' whose reply has the label."""
    found = examples.reply_labels(TALK, "mood", 2)
    assert found == [("a __eou__ b", "down"), ("b __eou__ c", "up")]
    assert [text for text, _ in found] == [text for text, _ in examples.replies(TALK, 2)[1:]]


def test_several_corpora() -> None:
    dataset = examples.responses([corpus(TALK), corpus([turn("x"), turn("y")])], turns=1)
    assert dataset.name == "talks + talks"
    assert dataset.splits["test"] == [("a", "b"), ("b", "c"), ("c", "d"), ("x", "y")]


class TestLabels:
    def test_order(self) -> None:
        dataset = examples.labels("m", [corpus(TALK)], examples.utterance_labels, "mood", 1)
        assert dataset.labels == ("down", "up")
        assert dataset.splits["train"][0] == ("a", "up")

    def test_unknown_column(self) -> None:
        with pytest.raises(UserError, match=r"m: emotion of talks: found no label .* but mood"):
            examples.labels("m", [corpus(TALK)], examples.utterance_labels, "emotion", 1)

    def test_label_that_no_reply_has(self) -> None:
        talk = [turn("a", is_response=False, mood="up"), turn("b")]
        with pytest.raises(
            UserError, match=r"that label in train, but of no reply.*utterance-labels"
        ):
            examples.labels("m", [corpus(talk)], examples.reply_labels, "mood", 1)

    def test_label_that_train_lacks(self) -> None:
        talks = corpus(TALK)
        talks.splits["test"] = [[turn("a", mood="odd")]]
        with pytest.raises(UserError, match=r"test: found label 'odd'.*expected one of down, up"):
            examples.labels("m", [talks], examples.utterance_labels, "mood", 1)

    def test_label_with_a_space(self) -> None:
        talk = [turn("a", mood="very up"), turn("b", mood="down")]
        with pytest.raises(UserError, match="very up"):
            examples.labels("m", [corpus(talk)], examples.utterance_labels, "mood", 1)
