"""What `make demo` does, on the sample: it learns, and its answers are shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.commands import REPOSITORY


def shell(command: str, folder: Path) -> str:
    """What a command prints on standard output."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=3600,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout[-2000:]}\n{result.stderr[-3000:]}"
    return result.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme") / "checkout"
    folder.mkdir()
    for path in REPOSITORY.iterdir():
        if not path.name.startswith(".") and path.name not in ("demo", "data", "runs"):
            (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def quickstart(checkout: Path) -> str:
    """What `make demo` prints; about two minutes on two cores."""
    return shell("bash examples/quickstart/run.sh", checkout)


@pytest.mark.slow
def test_quickstart_learns(quickstart):
    accuracies = dict(re.findall(r"^(e\d+) on test: .* accuracy ([\d.]+) %", quickstart, re.M))
    for task, chance in {"e6": 17, "e2": 50, "e12": 8}.items():
        assert float(accuracies[task]) > 1.5 * chance, task
    bleu = re.search(r"generate.txt \| ([\d.]+) ", quickstart)
    assert float(bleu[1]) > 5
    assert len(re.findall(r"^    response:   \S", quickstart, re.M)) >= 5
