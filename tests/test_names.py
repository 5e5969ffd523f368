"""The one rule for names of tasks."""

import subprocess
import sys

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


def test_what_a_module_has_already():
    """Of every torch that is supported; those with an underscore first are refused by their form."""
    program = "import torch; print(*dir(torch.nn.ModuleDict()))"  # other packages add their own
    names = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    assert "forward" in names
    assert [name for name in names if name_fault(name) is None] == []


def test_imports_neither_torch_nor_fairseq():
    program = "import emo_mtl.names, sys; print({'torch', 'fairseq'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout.strip() == "set()", result.stderr
