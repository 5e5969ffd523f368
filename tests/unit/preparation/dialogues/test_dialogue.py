"""Turns, and what is asked of dialogues of any format."""

import pytest

from emo_mtl.errors import UserError
from emo_mtl.preparation.dialogues.dialogue import (
    Turn,
    check_responses,
    check_turns,
    make_turn,
    response_positions,
)


class TestMakeTurn:
    def test_texts_are_cleaned_and_empty_labels_left_out(self) -> None:
        turn = make_turn(" a\nb ", "f:1", " me ", {"emotion": " so\nso ", "act": " "})
        assert turn == Turn("a b", "f:1", "me", {"emotion": "so so"})

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (" \n", "f:1: found an empty text, expected some words"),
            ("a __eou__ b", "f:1: found __eou__ in an utterance, expected .*: make each part"),
        ],
    )
    def test_refused(self, text: str, message: str) -> None:
        with pytest.raises(UserError, match=message):
            make_turn(text, "f:1")


def dialogue(*responses: bool) -> list[Turn]:
    return [Turn("a", "f:1", is_response=response) for response in responses]


class TestResponses:
    def test_the_first_turn_answers_nothing(self) -> None:
        assert response_positions(dialogue(True, False, True, True)) == [2, 3]

    @pytest.mark.parametrize("dialogues", [[], [dialogue(True)], [dialogue(True, False)]])
    def test_none(self, dialogues: list) -> None:
        with pytest.raises(UserError, match="f: found no dialogue with a response, expected"):
            check_responses(dialogues, "f")

    def test_one_is_enough(self) -> None:
        check_responses([dialogue(True), dialogue(True, True)], "f")


def test_no_turns() -> None:
    assert check_turns(dialogue(True), "f:1") == dialogue(True)
    with pytest.raises(UserError, match="f:1: found a dialogue without turns, expected at least"):
        check_turns([], "f:1")
