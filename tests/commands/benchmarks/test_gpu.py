"""The whole battery for a GPU on the CPU, on very small models. Times are not looked at."""

import json
import subprocess

import pytest
from helpers.commands import REPOSITORY
from helpers.shell import bash, quick_programs

GPU = REPOSITORY / "benchmarks" / "gpu"


@pytest.mark.slow
def test_on_the_cpu(tmp_path):
    with quick_programs() as programs:
        flags = f"--device cpu --threads 1 --minutes 60 {tmp_path}"
        bash(f"python benchmarks/gpu/battery.py {flags}", REPOSITORY, programs)
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert list(report) == ["card", "tests", "train-fp32", "generate-toy"]
    assert {step["status"] for step in report.values()} == {"done"}
    assert "matrix products in" in report["card"]["text"]
    assert "failed" not in report["tests"]["text"]
    assert "passed" in report["tests"]["text"]
    assert "| toy | 32 | emo_mtl |" in report["train-fp32"]["text"]
    assert "| emo_mtl |" in report["generate-toy"]["text"]


@pytest.mark.parametrize("script", sorted(GPU.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_bash(script):
    subprocess.run(["bash", "-n", script], check=True)
