"""Validation on several processes, which hold batches of different tasks at the same time."""

import json
import re
from pathlib import Path

import pytest
from helpers.background import start_ranks
from helpers.commands import TASK, run_command

METRICS = ("loss", "response_loss", "e6_loss", "e6_accuracy", "e6_f1", "e2_loss", "e2_accuracy")


@pytest.fixture
def small(data_bin: Path) -> Path:
    return data_bin.parent


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "tasks", "class_weights"),
    [("sample", "e6,e2,e12", ""), ("small", "e6,e2", ""), ("small", "e6,e2", "balanced")],
    ids=["sample", "small", "class weights"],
)
def test_equals_that_of_one_process(request, tmp_path, data, tasks, class_weights):
    """Of the small data each task has one batch, so that a rank has none of one task."""
    sample = request.getfixturevalue(data)
    flags = ["--classification-tasks", tasks, "--class-weights", class_weights, "--max-update", "2"]
    processes = start_ranks(2, sample, tmp_path, *flags)
    assert [process.wait() for process in processes] == [0, 0], processes[0].output
    (line,) = re.findall(r"\| valid \| (\{.*\})", processes[0].output)
    found = json.loads(line)
    alone = run_command(
        *(
            "fairseq-validate",
            sample / "data-bin",
            *TASK,
            "--path",
            tmp_path / "checkpoint_last.pt",
        ),
        *("--valid-subset", "valid", "--max-tokens", "512", "--log-format", "json"),
    )
    (line,) = re.findall(r"\| valid \| (\{.*\})", alone.stdout + alone.stderr)
    expected = json.loads(line)
    for name in METRICS:
        value = float(expected[f"valid_{name}"])
        assert float(found[f"valid_{name}"]) == pytest.approx(value, abs=0.011), name
