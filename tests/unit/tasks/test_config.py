"""Flags that are lists: names of classification tasks, and their weights."""

import pytest
import torch
from helpers.refusals import message_of
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.tasks.config import parse_class_weights, parse_loss_weights, parse_task_names


class TestParseTaskNames:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("", []),
            ("  ", []),
            ("e6", ["e6"]),
            ("e6,e2,e12", ["e6", "e2", "e12"]),
            (" e6 , my-task_1 ", ["e6", "my-task_1"]),
        ],
    )
    def test_names(self, text, names):
        assert parse_task_names(text) == names

    @pytest.mark.parametrize(
        "bad",
        ["", "e 6", "../e6", "e6.1", "keys", "forward", "é", "_e6", "response_nll", "best_e6"],
    )
    def test_refused(self, bad):
        message = message_of(parse_task_names, f"e6,{bad}")
        assert "--classification-tasks" in message
        assert f"found {bad!r}" in message
        assert "for example e6,e2,e12" in message

    def test_twice(self):
        assert "found 'e6' twice" in message_of(parse_task_names, "e6,e2,e6")

    def test_response_is_taken(self):
        assert "which is the generation task" in message_of(parse_task_names, "e6,response")

    @given(st.lists(st.from_regex(r"[a-z][a-z0-9]{0,3}_", fullmatch=True), unique=True, max_size=4))
    def test_names_can_be_heads(self, names):
        assert parse_task_names(",".join(names)) == names
        torch.nn.ModuleDict({name: torch.nn.Identity() for name in names})


class TestParseLossWeights:
    @pytest.mark.parametrize(
        ("text", "weights"),
        [
            ("", {"e6": 1, "e2": 1}),
            ("e6=0.5", {"e6": 0.5, "e2": 1}),
            ("e2=0,e6=2", {"e6": 2, "e2": 0}),
            (" e6 = 1e-3 , e2=0.0 ", {"e6": 0.001, "e2": 0}),
        ],
    )
    def test_weights(self, text, weights):
        result = parse_loss_weights(text, ["e6", "e2"])
        assert result == weights
        assert list(result) == ["e6", "e2"]

    def test_no_tasks(self):
        assert parse_loss_weights("", []) == {}
        assert "there are none" in message_of(parse_loss_weights, "e6=1", [])

    @pytest.mark.parametrize("bad", ["e12=1", "response=1", "e6", "0.5", "", "=1", "e6:1"])
    def test_no_task_and_weight(self, bad):
        message = message_of(parse_loss_weights, f"e2=1,{bad}", ["e6", "e2"])
        assert f"found {bad!r}, expected TASK=WEIGHT" in message
        assert "(e6, e2; the weight of response is always 1)" in message

    def test_twice(self):
        assert "at most once" in message_of(parse_loss_weights, "e6=1,e6=2", ["e6"])

    @pytest.mark.parametrize("bad", ["-0.5", "nan", "inf", "-inf", "one", "", "0;5", "1=2"])
    def test_no_finite_number(self, bad):
        message = message_of(parse_loss_weights, f"e6={bad}", ["e6"])
        assert "--loss-weights" in message
        assert f"found 'e6={bad}'" in message
        assert "expected a finite number >= 0 as the weight of e6" in message


class TestParseClassWeights:
    @pytest.mark.parametrize(
        ("text", "tasks"),
        [
            ("", []),
            ("balanced", ["e6", "e2"]),
            (" balanced ", ["e6", "e2"]),
            ("e2=balanced", ["e2"]),
            ("e2 = balanced, e6=balanced", ["e6", "e2"]),
        ],
    )
    def test_tasks(self, text, tasks):
        assert parse_class_weights(text, ["e6", "e2"]) == tasks

    @pytest.mark.parametrize("bad", ["e12=balanced", "e6", "e2=balanced,e2=balanced", "inverse"])
    def test_no_task(self, bad):
        message = message_of(parse_class_weights, bad, ["e6", "e2"])
        assert f"--class-weights {bad!r}: found" in message
        assert "expected TASK=balanced, each task" in message
        assert "(e6, e2, or balanced for all)" in message

    def test_no_tasks(self):
        assert "there are none" in message_of(parse_class_weights, "balanced", [])

    def test_another_word(self):
        message = message_of(parse_class_weights, "e6=0.5", ["e6"])
        assert "found 'e6=0.5', expected e6=balanced" in message
