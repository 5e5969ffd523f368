"""What the commands of README and docs/ make in a checkout is not offered to git."""

import shutil
import subprocess

import pytest
from helpers.commands import REPOSITORY

MADE = [
    *(
        "RAW/tec/a.txt",
        "GPT2/encoder.json",
        "bart.large/model.pt",
        "data/dict.txt",
        "demo/train.log",
    ),
    *("checkpoints/mt/checkpoint_best.pt", "runs/tiny/overlap.json", "model/e6/config.json"),
    *("report/report.md", "study/key.json", "tb/train/events", "generate.txt", "overlap.json"),
    "scores.json",
]


@pytest.mark.skipif(
    not (shutil.which("git") and (REPOSITORY / ".git").exists()), reason="needs a git checkout"
)
@pytest.mark.parametrize("path", MADE)
def test_ignored(path):
    result = subprocess.run(["git", "check-ignore", "--quiet", path], cwd=REPOSITORY, check=False)
    assert result.returncode == 0
