"""Benchmark `train`: one update on responses, against fairseq's own BART and transformers' BART."""

import gc
import itertools
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from measure import (
    Settings,
    is_installed,
    markdown,
    median,
    memory,
    paired_ratio,
    paired_runs,
    peak_memory,
    reset_peak_memory,
    run_worker,
    synchronize,
    worker_main,
)

Run = Callable[[str, dict[str, Any]], dict[str, Any]]  # a worker's file and job -> its result
# Shapes, sentences of a micro-batch; micro-batches of warm-up and measured, multiples of --update-freq.
SIZES: dict[str, dict[str, Any]] = {
    "toy": {"shapes": ["toy"], "sentences": [32], "update_freq": 4, "warmup": 4, "batches": 4},
    "full": {
        "shapes": ["tiny", "base"],
        "sentences": [32],
        "update_freq": 1,
        "warmup": 2,
        "batches": 6,
    },
    # on a GPU; 32 as in the paper, and what fills a large card
    "gpu": {
        "shapes": ["base", "large"],
        "sentences": [32, 256],
        "update_freq": 1,
        "warmup": 5,
        "batches": 30,
    },
}
PEAK_REPEATS = {"toy": 1, "full": 5, "gpu": 20}
CHECKED_UPDATES = 3
# Relative difference of the losses of two systems: orders of summation differ.
TOLERANCE = {"fp32": 1e-4, "tf32": 1e-2, "bf16": 5e-2, "fp16": 5e-2}
# Where the host asks a GPU for a number and waits for it. On a CPU the first two are counted too.
WAITS = ("aten::_local_scalar_dense", "aten::nonzero", "Memcpy DtoH (Device -> Pageable)")
OPTIMIZER_LABELS = ("reduce-grads", "multiply-grads", "clip-grads", "optimizer")


def measure(settings: Settings) -> dict[str, Any]:
    """For each shape and size of a batch the losses of the systems without dropout, then paired runs."""
    on_gpu = settings.device == "cuda" and settings.size != "toy"
    name = "gpu" if on_gpu else settings.size
    size = SIZES[name]
    systems = ["emo_mtl", "fairseq"]
    systems += ["transformers"] if is_installed("transformers") else []
    run = partial(run_worker, threads=settings.threads, in_process=settings.in_process)
    job = {
        "data": str(settings.data),
        "device": settings.device,
        "precision": settings.precision,
        **{key: size[key] for key in ("update_freq", "warmup", "batches")},
    }
    peak = run("matmul_peak.py", {**job, "repeats": PEAK_REPEATS[name]})
    result: dict[str, Any] = {"job": job, "peak": peak, "rows": []}
    for shape, sentences in itertools.product(size["shapes"], size["sentences"]):
        shaped = {**job, "shape": shape, "sentences": sentences}
        row = {"shape": shape, "sentences": sentences, "check": check_losses(run, shaped, systems)}
        count = {**shaped, "system": "fairseq", "kind": "flops"}
        row["model_flops"] = run("train_step.py", count)["flops"]
        timed = {**shaped, "kind": "time"}
        row["runs"] = paired_runs(
            lambda system, timed=timed: run("train_step.py", {**timed, "system": system}),
            systems,
            settings.runs,
        )
        result["rows"].append(row)
    return result


def check_losses(run: Run, job: dict[str, Any], systems: list[str]) -> dict[str, Any]:
    """The losses of the first updates without dropout; they must agree before anything is timed.

    Raises:
        RuntimeError: they do not
    """
    losses = {
        system: run("train_step.py", {**job, "system": system, "kind": "check"})["losses"]
        for system in systems
    }
    # transformers' AdamW adds its epsilon elsewhere, which shows where gradients are tiny: it is compared
    # before its first step.
    compared = {
        name: found[:1] if name == "transformers" else found for name, found in losses.items()
    }
    difference = max(
        abs(ours / theirs - 1)
        for other in compared.values()
        for ours, theirs in zip(losses["emo_mtl"], other, strict=False)
    )
    if not difference < TOLERANCE[job["precision"]]:
        raise RuntimeError(f"{job}: the systems compute different losses: {losses}")
    return {"losses": losses, "largest_relative_difference": difference}


def tables(result: dict[str, Any]) -> str:
    """The checks, then a row a shape, size of a batch and system."""
    lines = []
    for row in result["rows"]:
        check = row["check"]
        shown = "; ".join(
            f"{system} {' '.join(f'{loss:.5f}' for loss in losses)}"
            for system, losses in check["losses"].items()
        )
        lines.append(
            f"Check, {row['shape']}, {row['sentences']} sentences, no dropout: loss of the first updates, "
            f"nats/token: {shown}; "
            f"largest relative difference {check['largest_relative_difference']:.1e}."
        )
    peak = result["peak"]["flops_per_s"]
    lines.append(
        f"Matrix-multiply rate of the machine, same threads: {peak / 1e9:,.1f} GFLOP/s "
        f"({' x '.join(map(str, result['peak']['shape']))})."
    )
    header = ["shape", "sentences", "system", "useful tokens/s", "times fairseq", "padding %"]
    header += ["memory MiB", "forward+loss %", "backward %", "optimizer %", "vocabulary+loss %"]
    header += ["model FLOPs %", "waits"]
    rows = []
    for row in result["rows"]:
        for system, runs in row["runs"].items():
            shares = (median(runs, f"{part}_share") for part in PARTS)
            rows.append(
                [
                    *(row["shape"], row["sentences"], system, median(runs, "tokens_per_s")),
                    paired_ratio(runs, row["runs"]["fairseq"], "tokens_per_s"),
                    *(100 * runs[0]["padding_share"], median(runs, "memory_mib")),
                    *(100 * share for share in shares),
                    100 * row["model_flops"] / median(runs, "seconds") / peak,
                    median(runs, "waits"),
                ]
            )
    if "transformers" not in result["rows"][0]["runs"]:
        lines.append("transformers is not installed (extra `bench`): its rows are left out.")
    return "\n\n".join([*lines, markdown(header, rows)])


PARTS = ("forward", "backward", "optimizer", "vocabulary")


# ---- in a process of its own


def worker(job: dict[str, Any]) -> dict[str, Any]:
    """Losses (kind `check`), FLOPs (`flops`), or times, memory and shares (`time`) of one system."""
    import systems
    import torch

    dropout = "0" if job["kind"] == "check" else "0.1"
    argv = systems.flags(
        *(job["system"], Path(job["data"]), job["shape"], job["device"], job["precision"]),
        *("--dropout", dropout, "--attention-dropout", dropout),
        *("--batch-size", str(job["sentences"])),
    )
    batches = systems.real_batches(argv, job["warmup"] + job["batches"])
    gc.collect()
    base = 0.0 if job["device"] == "cuda" else memory("VmRSS")
    step = systems.build_step(job["system"], argv, job["precision"])
    if job["kind"] == "check":
        for batch in batches[:CHECKED_UPDATES]:
            step([batch])
        return {"losses": [loss.item() for loss in step.losses]}

    k = job["update_freq"]
    updates = [batches[i : i + k] for i in range(0, len(batches), k)]
    for update in updates[: job["warmup"] // k]:
        step(update)
    timed = updates[job["warmup"] // k :]
    if job["kind"] == "flops":
        from torch.utils.flop_counter import FlopCounterMode

        with FlopCounterMode(display=False) as counter:
            for update in timed:
                step(update)
        return {"flops": counter.get_total_flops()}

    gc.collect()
    reset_peak_memory(job["device"])
    seconds = seconds_of(step, timed, job["device"])
    peak = peak_memory(job["device"])
    pad = 1  # of every dictionary of fairseq
    useful, total = map(
        sum, zip(*(systems.positions(b, pad) for u in timed for b in u), strict=True)
    )
    vocabulary = len(systems.tasks.setup_task(systems.parse(argv).task).tgt_dict)
    return {
        "seconds": seconds,
        "updates": len(timed),
        "tokens_per_s": useful / seconds,
        "padding_share": 1 - useful / total,
        "memory_mib": peak - base,
        "base_mib": base,
        "parameters": sum(p.numel() for p in step.model.parameters()),
        "threads": torch.get_num_threads(),
        **shares(step, timed[:2], vocabulary, job["device"]),
    }


def seconds_of(step: Callable[[list], None], updates: list[list], device: str) -> float:
    synchronize(device)
    start = time.perf_counter()
    for update in updates:
        step(update)
    synchronize(device)
    return time.perf_counter() - start


def shares(
    step: Callable[[list], None], updates: list[list], vocabulary: int, device: str
) -> dict[str, float]:
    """Shares of the time of profiled updates: forward and loss, backward, optimizer; and, as a part of
    the first two, operators that have the vocabulary's size in the shape of an input: its projection
    and the loss, forward and backward. Beside them `waits` an update.
    """
    from torch.profiler import ProfilerActivity, profile, record_function

    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]
    with profile(activities=activities, record_shapes=True) as profiled:
        for update in updates:
            with record_function("update"):
                step(update)
    events = profiled.events()
    names = ("update", "forward", "backward", *OPTIMIZER_LABELS)
    spans = {name: [e for e in events if e.name == name and on_cpu(e)] for name in names}
    gpu = device == "cuda"
    total = sum(map(gpu_time if gpu else cpu_time, spans["update"]))
    seconds = {
        name: sum(map(gpu_time if gpu else cpu_time, found)) for name, found in spans.items()
    }
    ranges = [(e.time_range.start, e.time_range.end) for e in spans["forward"] + spans["backward"]]
    own = sum(
        e.self_device_time_total if gpu else e.self_cpu_time_total
        for e in events
        if on_cpu(e)
        and any(vocabulary in shape for shape in e.input_shapes or () if isinstance(shape, list))
        and any(start <= e.time_range.start < end for start, end in ranges)
    )
    return {
        "forward_share": seconds["forward"] / total,
        "backward_share": seconds["backward"] / total,
        "optimizer_share": math.fsum(seconds[name] for name in OPTIMIZER_LABELS) / total,
        "vocabulary_share": own / total,
        "waits": sum(event.name in WAITS for event in events) / len(updates),
    }


def on_cpu(event: Any) -> bool:
    return event.device_type.name == "CPU"


def cpu_time(event: Any) -> float:
    return event.cpu_time_total


def gpu_time(event: Any) -> float:
    return event.device_time_total


if __name__ == "__main__":
    worker_main(worker)
