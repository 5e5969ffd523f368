"""`make demo` on the sample corpora, as it stands: it must visibly learn."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY


@pytest.mark.slow
def test_quickstart(tmp_path):
    """About two minutes on two cores."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "examples/quickstart/run.sh", str(tmp_path / "demo")],
        cwd=REPOSITORY,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert re.match(r"threads: \d+ \(", result.stdout)
    accuracies = dict(re.findall(r"^(e\d+) on test: .* accuracy ([\d.]+) %", result.stdout, re.M))
    for task, chance in {"e6": 17, "e2": 50, "e12": 8}.items():
        assert float(accuracies[task]) > 1.5 * chance, task
    bleu = re.search(r"generate.txt \| ([\d.]+) ", result.stdout)
    assert float(bleu[1]) > 5
    assert len(re.findall(r"^    response:   \S", result.stdout, re.M)) >= 5
