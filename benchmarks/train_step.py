"""Benchmark `train`: one update on responses, against fairseq's own BART and transformers' BART."""

import gc
import math
import time
from collections.abc import Callable
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

# Shapes, and how many micro-batches are warm-up and measured; a multiple of the largest --update-freq.
SIZES = {
    "toy": {"shapes": ["toy"], "update_freqs": [4], "warmup": 4, "batches": 4},
    "full": {"shapes": ["tiny", "base"], "update_freqs": [1], "warmup": 2, "batches": 6},
}
PEAK_REPEATS = {"toy": 1, "full": 5}
SHAPES_ON_GPU = ["base", "large"]
CHECKED_UPDATES = 3
# Relative difference of the losses of two systems: orders of summation differ.
TOLERANCE = {"fp32": 1e-4, "tf32": 1e-2, "bf16": 5e-2, "fp16": 5e-2}
OPTIMIZER_LABELS = ("reduce-grads", "multiply-grads", "clip-grads", "optimizer")


def measure(settings: Settings) -> dict[str, Any]:
    """Losses of the systems without dropout, then paired runs of each shape and --update-freq."""
    size = SIZES[settings.size]
    on_gpu = settings.device == "cuda" and settings.size != "toy"
    systems = ["emo_mtl", "fairseq"]
    systems += ["transformers"] if is_installed("transformers") else []
    job = {
        "data": str(settings.data),
        "device": settings.device,
        "precision": settings.precision,
        "warmup": size["warmup"],
        "batches": size["batches"],
    }
    repeats = {"repeats": PEAK_REPEATS[settings.size]}
    peak = run_worker("matmul_peak.py", {**job, **repeats}, settings.threads)
    result: dict[str, Any] = {"job": job, "peak": peak, "checks": {}, "rows": []}
    for shape in SHAPES_ON_GPU if on_gpu else size["shapes"]:
        shaped = {**job, "shape": shape}
        result["checks"][shape] = check_losses(shaped, systems, settings.threads)
        count = {**shaped, "system": "fairseq", "kind": "flops"}
        flops = run_worker("train_step.py", count, settings.threads)["flops"]
        for update_freq in size["update_freqs"]:
            timed = {**shaped, "update_freq": update_freq, "kind": "time"}
            runs = paired_runs(
                lambda name, timed=timed: run_worker(
                    "train_step.py", {**timed, "system": name}, settings.threads
                ),
                systems,
                settings.runs,
            )
            result["rows"].append(
                {"shape": shape, "update_freq": update_freq, "model_flops": flops, "runs": runs}
            )
    return result


def check_losses(job: dict[str, Any], systems: list[str], threads: int) -> dict[str, Any]:
    """The losses of the first updates without dropout; they must agree before anything is timed.

    Raises:
        RuntimeError: they do not
    """
    losses = {
        system: run_worker("train_step.py", {**job, "system": system, "kind": "check"}, threads)[
            "losses"
        ]
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
    """The check, then a row a system, shape and --update-freq."""
    lines = []
    for shape, check in result["checks"].items():
        shown = "; ".join(
            f"{system} {' '.join(f'{loss:.5f}' for loss in losses)}"
            for system, losses in check["losses"].items()
        )
        lines.append(
            f"Check, {shape}, no dropout: loss of the first updates, nats/token: {shown}; "
            f"largest relative difference {check['largest_relative_difference']:.1e}."
        )
    peak = result["peak"]["flops_per_s"]
    lines.append(
        f"Matrix-multiply rate of the machine, same threads: {peak / 1e9:,.1f} GFLOP/s "
        f"({' x '.join(map(str, result['peak']['shape']))})."
    )
    header = ["shape", "update-freq", "system", "useful tokens/s", "times fairseq", "padding %"]
    header += ["memory MiB", "forward+loss %", "backward %", "optimizer %", "vocabulary+loss %"]
    header += ["model FLOPs %"]
    rows = []
    for row in result["rows"]:
        for system, runs in row["runs"].items():
            shares = (median(runs, f"{part}_share") for part in PARTS)
            rows.append(
                [
                    *(row["shape"], row["update_freq"], system, median(runs, "tokens_per_s")),
                    paired_ratio(runs, row["runs"]["fairseq"], "tokens_per_s"),
                    *(100 * runs[0]["padding_share"], median(runs, "memory_mib")),
                    *(100 * share for share in shares),
                    100 * row["model_flops"] / median(runs, "seconds") / peak,
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
    )
    batches = systems.real_batches(argv, job["warmup"] + job["batches"])
    gc.collect()
    base = 0.0 if job["device"] == "cuda" else memory("VmRSS")
    step = systems.build_step(job["system"], argv, job["precision"])
    if job["kind"] == "check":
        for batch in batches[:CHECKED_UPDATES]:
            step([batch])
        return {"losses": [loss.item() for loss in step.losses]}

    k = job.get("update_freq", 1)
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
    and the loss, forward and backward.
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
    }


def on_cpu(event: Any) -> bool:
    return event.device_type.name == "CPU"


def cpu_time(event: Any) -> float:
    return event.cpu_time_total


def gpu_time(event: Any) -> float:
    return event.device_time_total


if __name__ == "__main__":
    worker_main(worker)
