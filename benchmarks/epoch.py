"""Benchmark `epoch`: training on four tasks in turn, against each task's own micro-batches alone."""

import time
from pathlib import Path
from typing import Any

from measure import (
    Settings,
    markdown,
    median,
    paired_runs,
    run_worker,
    synchronize,
    worker_main,
)

TASKS = ("response", "e6", "e2", "e12")
# Micro-batches of each task: warm-up, then measured.
SIZES = {
    "toy": {"shape": "toy", "warmup": 1, "rounds": 3},
    "full": {"shape": "tiny", "warmup": 2, "rounds": 25},
}
MIXED, MIXED_FREQ = "in turn", "in turn, --update-freq 4"


def measure(settings: Settings) -> dict[str, Any]:
    """Paired runs of all tasks in turn and of each alone, on the same micro-batches."""
    job = {
        **SIZES[settings.size],
        "data": str(settings.data),
        "device": settings.device,
        "precision": settings.precision,
    }

    def run(name: str) -> dict[str, Any]:
        return run_worker("epoch.py", {**job, "system": name}, settings.threads)

    return {"job": job, "runs": paired_runs(run, [MIXED, *TASKS, MIXED_FREQ], settings.runs)}


def tables(result: dict[str, Any]) -> str:
    """A row for all tasks in turn and for each alone, and what taking turns costs."""
    runs, rounds = result["runs"], result["job"]["rounds"]
    parts = [sum(runs[task][i]["seconds"] for task in TASKS) for i in range(len(runs[MIXED]))]
    overheads = [
        {"overhead": mixed["seconds"] / alone - 1}
        for mixed, alone in zip(runs[MIXED], parts, strict=True)
    ]
    header = ["micro-batches", "useful tokens/s", "ms a micro-batch", "of it waiting for data"]
    header += ["padding %"]
    rows = [
        [
            name,
            median(some, "tokens_per_s"),
            *(1e3 * median(some, key) / some[0]["batches"] for key in ("seconds", "loading")),
            100 * some[0]["padding_share"],
        ]
        for name, some in runs.items()
    ]
    return "\n\n".join(
        [
            f"Shape {result['job']['shape']}, {rounds} micro-batches of 32 sentences a task, one an "
            "update unless said otherwise.",
            markdown(header, rows),
            f"In turn against the sum of the four alone: {100 * median(overheads, 'overhead'):+.1f} % "
            f"time. Setting up an epoch's schedule: {median(runs[MIXED], 'schedule'):.2f} s an epoch of "
            f"{runs[MIXED][0]['epoch_batches']:,} micro-batches.",
        ]
    )


# ---- in a process of its own


def worker(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds, and of them those spent waiting for data, of the micro-batches of one kind."""
    import systems
    from fairseq.data.iterators import GroupedIterator

    name, device = job["system"], job["device"]
    argv = systems.flags(
        *("emo_mtl", Path(job["data"]), job["shape"], device, job["precision"]),
        *("--classification-tasks", ",".join(TASKS[1:])),
    )
    trainer = systems.build_trainer(argv)
    trainer.task.load_dataset("train")
    dataset = trainer.task.dataset("train")
    iterator = trainer.get_train_iterator(epoch=1, load_dataset=False)
    start = time.perf_counter()
    batches = iterator.batches_of(1)
    schedule = time.perf_counter() - start

    # The real iterator, over the first micro-batches of the epoch or those of one task among them.
    warmup, rounds = job["warmup"], job["rounds"]
    is_mixed = name not in TASKS
    chosen = [
        batch
        for batch in batches[: len(TASKS) * (warmup + rounds)]
        if is_mixed or dataset[batch[0]][0] == name
    ]
    iterator.batches_of = lambda epoch: chosen
    k = len(TASKS) if name == MIXED_FREQ else 1
    grouped = iter(GroupedIterator(iterator.next_epoch_itr(shuffle=False), k))
    trainer.begin_epoch(1)
    skipped = warmup * (len(TASKS) if is_mixed else 1) // k
    for _ in range(skipped):
        trainer.train_step(next(grouped))

    pad = trainer.task.src_dict.pad()
    seconds = loading = 0.0
    useful = total = 0
    while True:
        start = time.perf_counter()
        micro_batches = next(grouped, None)
        if micro_batches is None:
            break
        loaded = time.perf_counter()
        trainer.train_step(micro_batches)
        synchronize(device)
        seconds += time.perf_counter() - start
        loading += loaded - start
        for batch in micro_batches:
            counts = systems.positions(batch, pad)
            useful, total = useful + counts[0], total + counts[1]
    return {
        "seconds": seconds,
        "loading": loading,
        "batches": len(chosen) - skipped * k,
        "tokens_per_s": useful / seconds,
        "padding_share": 1 - useful / total,
        "schedule": schedule,
        "epoch_batches": len(batches),
    }


if __name__ == "__main__":
    worker_main(worker)
