"""Benchmarks `preparation` and `startup`: from raw corpora to data-bin, and commands that only start."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measure import (
    REPOSITORY,
    Settings,
    environment,
    is_installed,
    markdown,
    median,
    paired_runs,
)

VOCABULARY = {"toy": "600", "full": "8000"}
POLL = 0.05  # seconds between two looks at the memory of the processes
START_UP = {
    "python": ["python", "-c", "pass"],
    "import emo_mtl": ["python", "-c", "import emo_mtl"],
    "import torch": ["python", "-c", "import torch"],
    "import fairseq": ["python", "-c", "import fairseq"],
    "emo-mtl --help": ["emo-mtl", "--help"],
    "emo-mtl evaluate --help": ["emo-mtl", "evaluate", "--help"],
    "fairseq-train --help": ["fairseq-train", "--help"],
}


def measure(settings: Settings) -> dict[str, Any]:
    """Wall time and memory of preprocess/prepare.py for both tokenizers, and of START_UP's commands."""
    prepared = {}
    if settings.raw:
        kinds = ["sentencepiece", *(["gpt2"] if settings.gpt2_bpe else [])]
        prepared = paired_runs(lambda bpe: prepare(bpe, settings), kinds, settings.runs)
    started = paired_runs(
        lambda name: timed(START_UP[name], settings.threads), list(START_UP), settings.runs
    )
    return {"prepare": prepared, "startup": started}


def prepare(bpe: str, settings: Settings) -> dict[str, Any]:
    """One preparation of all corpora, into a folder that is removed again."""
    out = settings.out / f"prepared-{bpe}"
    command = ["python", "preprocess/prepare.py", "--bpe", bpe, "--raw-dir", settings.raw]
    command += ["--out-dir", out, "--workers", settings.threads]
    if bpe == "gpt2":
        command += ["--gpt2-bpe-dir", settings.gpt2_bpe]
    else:
        command += ["--vocab-size", VOCABULARY[settings.size]]
    try:
        return timed(command, threads=1)  # each of its processes has one
    finally:
        shutil.rmtree(out, ignore_errors=True)


def timed(command: list[Any], threads: int) -> dict[str, Any]:
    """Seconds of a command, and the largest resident size of its processes together, MiB.

    Shared pages count once a process. Without psutil the size is not measured.

    Raises:
        RuntimeError: it failed
    """
    executable = Path(sys.executable).parent / str(command[0])
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(executable), *map(str, command[1:])],
        cwd=REPOSITORY,
        env=environment(threads),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = watch(process) if is_installed("psutil") else None
    _, errors = process.communicate()
    seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{command}: {errors[-4000:]}")
    return {"seconds": seconds, "memory_mib": peak}


def watch(process: subprocess.Popen) -> float:
    """The largest resident size of a process and its children together, until it ends, MiB."""
    import psutil

    peak = 0
    root = psutil.Process(process.pid)
    while True:
        try:
            process.wait(POLL)
            return peak / 2**20
        except subprocess.TimeoutExpired:
            sizes = [resident_size(p) for p in (root, *root.children(recursive=True))]
            peak = max(peak, sum(sizes))


def resident_size(process: Any) -> int:
    """Bytes; 0 where the process is gone."""
    import psutil

    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


def tables(result: dict[str, Any]) -> str:
    """A row a tokenizer, and a row a command."""
    parts = []
    if result["prepare"]:
        rows = [
            [bpe, median(runs, "seconds"), memory_of(runs)]
            for bpe, runs in result["prepare"].items()
        ]
        parts.append(markdown(["preprocess/prepare.py", "seconds", "memory MiB"], rows))
    else:
        parts.append("No --raw: the preparation is left out.")
    rows = [[f"`{name}`", median(runs, "seconds")] for name, runs in result["startup"].items()]
    return "\n\n".join([*parts, markdown(["start-up", "seconds"], rows)])


def memory_of(runs: list[dict[str, Any]]) -> float | None:
    return None if runs[0]["memory_mib"] is None else median(runs, "memory_mib")
