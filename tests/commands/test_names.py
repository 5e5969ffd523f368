"""The one rule for names of tasks."""

import subprocess
import sys

from emo_mtl.names import name_fault


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
