"""The one rule for names of tasks."""

import pytest
import torch

from emo_mtl.names import LONGEST, name_fault


@pytest.mark.parametrize("name", ["e6", "my-task_1", "6", "e6_weighted", "E", "a" * LONGEST])
def test_good(name):
    assert name_fault(name) is None
    torch.nn.ModuleDict({name: torch.nn.Identity()})


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "not made of"),
        ("my.task", "not made of"),
        ("émotion", "not made of"),
        ("a/b", "not made of"),
        ("e6\n", "not made of"),
        ("_e6", "not made of"),
        ("-e6", "not made of"),
        ("a" * 300, "not made of"),
        ("response", "generation task"),
        ("response_nll", "response_nll_loss"),
        ("best_e6", "best_e6_loss"),
    ],
)
def test_bad(name, fault):
    assert fault in name_fault(name)
