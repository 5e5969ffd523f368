"""What all benchmarks share: workers in processes of their own, paired runs, medians, memory, tables."""

import gc
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = (
    "torch",
    "fairseq",
    "fairseq-fixed",
    "transformers",
    "ctranslate2",
    "numpy",
    "sentencepiece",
)


@dataclass(frozen=True)
class Settings:
    """The command line of run.py; a path is None where no benchmark that was asked for uses it."""

    data: Path | None  # prepared with GPT-2 BPE: holds data-bin
    spm_data: Path | None  # prepared with SentencePiece: holds data-bin and spm.model
    checkpoint: Path | None  # trained on spm_data, on all four tasks
    raw: Path | None  # raw corpora
    gpt2_bpe: Path | None  # encoder.json, vocab.bpe, dict.txt
    out: Path
    runs: int
    threads: int
    size: str  # a key of each benchmark's SIZES
    device: str  # cpu or cuda
    precision: str  # fp32, tf32, bf16 or fp16
    response_length: int | None  # tokens of each response of `generate`; None: as the model ends it
    in_process: bool  # of `train`: all systems in this process, which saves imports


# ---- workers


def run_worker(
    script: str, job: Mapping[str, Any], threads: int, in_process: bool = False
) -> dict[str, Any]:
    """The result of `script`'s worker for a job, computed in a new process with that many threads, or here.

    Raises:
        RuntimeError: the process failed; with the end of its output
    """
    if in_process:
        import torch

        torch.set_num_threads(threads)
        result = importlib.import_module(Path(script).stem).worker(dict(job))
        gc.collect()  # models are in cycles
        return result
    command = [sys.executable, str(Path(__file__).with_name(script)), json.dumps(job)]
    process = subprocess.run(
        command, env=environment(threads), cwd=REPOSITORY, capture_output=True, text=True
    )
    if process.returncode:
        raise RuntimeError(f"{script} {job}: {process.stdout[-1000:]}\n{process.stderr[-4000:]}")
    return json.loads(process.stdout.splitlines()[-1])


def worker_main(worker: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Run a worker for the job that :func:`run_worker` gave; what else it prints goes before."""
    result = worker(json.loads(sys.argv[1]))
    print("\n" + json.dumps(result), flush=True)


def environment(threads: int) -> dict[str, str]:
    """The environment of a worker: this repository's packages, a fixed number of threads."""
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    limits = dict.fromkeys(names, str(threads))
    quiet = {"PYTHONWARNINGS": "ignore", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    return {**os.environ, **limits, **quiet, "PYTHONPATH": path}


def paired_runs(
    measure: Callable[[str], dict[str, Any]], systems: Sequence[str], runs: int
) -> dict[str, list[dict[str, Any]]]:
    """Measure A B C A B C ...: what slows the machine down for a while slows all systems down."""
    results: dict[str, list[dict[str, Any]]] = {system: [] for system in systems}
    for run in range(runs):
        for system in systems:
            print(f"  run {run + 1} of {runs}: {system}", file=sys.stderr, flush=True)
            results[system].append(measure(system))
    return results


def median(runs: Iterable[Mapping[str, Any]], key: str) -> float:
    """The median of one number over runs."""
    return statistics.median(run[key] for run in runs)


def paired_ratio(
    runs: Sequence[Mapping[str, Any]], base: Sequence[Mapping[str, Any]], key: str
) -> float:
    """The median over pairs of runs of how many times `base`'s number `runs` have."""
    return statistics.median(a[key] / b[key] for a, b in zip(runs, base, strict=True))


def is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


# ---- memory and time


def memory(key: str) -> float:
    """A line of this process's /proc/self/status in MiB: VmRSS (now) or VmHWM (the largest so far)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024  # it is in KiB
    raise KeyError(key)


def reset_peak_memory(device: str) -> None:
    """Let VmHWM, or CUDA's peak, start again from what is in use now."""
    if device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5")  # see proc(5)


def peak_memory(device: str) -> float:
    """MiB: the largest resident size since the reset; on CUDA the largest allocation."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / 2**20
    return memory("VmHWM")


def synchronize(device: str) -> None:
    """Wait for the GPU, which works on after a call has returned."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


# ---- what was measured on, and how it is shown


def machine() -> dict[str, Any]:
    """Processor, number of cores, and versions of what is installed."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        model = next(
            (line.split(": ")[1] for line in lines if line.startswith("model name")), model
        )
    versions = {name: metadata.version(name) for name in PACKAGES if is_installed(name)}
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],  # waiting processes, mean of the last minute
        "python": platform.python_version(),
        "versions": versions,
    }


def markdown(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; numbers are rounded to three significant digits and set right."""
    table = [list(row) for row in rows]
    numeric = [all(not isinstance(row[i], str) for row in table) for i in range(len(header))]
    marks = ["---:" if number else "---" for number in numeric]
    lines = [header, marks, *([show(cell) for cell in row] for row in table)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def show(cell: Any) -> str:
    """A cell of a table: a dash for what was not measured."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
