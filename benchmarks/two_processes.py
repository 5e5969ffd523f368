"""Benchmark `two-processes`: data-parallel training over gloo, one thread a process, against one."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measure import (
    REPOSITORY,
    Settings,
    environment,
    markdown,
    median,
    paired_ratio,
    paired_runs,
    worker_main,
)

SIZES = {
    "toy": {"shape": "toy", "warmup": 1, "updates": 3},
    "full": {"shape": "tiny", "warmup": 2, "updates": 40},
}
ONE, TWO = "1 process", "2 processes"
FLAGS = [
    "--distributed-backend",
    "gloo",
    "--ddp-backend",
    "legacy_ddp",
    "--distributed-no-spawn",
    "--find-unused-parameters",
]


def measure(settings: Settings) -> dict[str, Any]:
    """Paired runs with one process and with two, each process with batches of the same size."""
    job = {**SIZES[settings.size], "data": str(settings.data)}

    def run(name: str) -> dict[str, Any]:
        ranks = run_ranks(job, world_size=1 if name == ONE else 2)
        # All ranks end an update together: the slower one's time is the time.
        seconds = max(rank["seconds"] for rank in ranks)
        return {
            "seconds": seconds,
            "tokens_per_s": sum(rank["useful"] for rank in ranks) / seconds,
            "threads": [rank["threads"] for rank in ranks],
        }

    return {"job": job, "runs": paired_runs(run, [ONE, TWO], settings.runs)}


def run_ranks(job: dict[str, Any], world_size: int) -> list[dict[str, Any]]:
    """The results of all ranks of one training.

    Raises:
        RuntimeError: a rank failed
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, __file__),
                json.dumps({**job, "rank": rank, "world_size": world_size, "port": port}),
            ],
            cwd=REPOSITORY,
            env=environment(threads=1),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world_size)
    ]
    outputs = [process.communicate() for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError(f"two_processes.py {job}: {outputs[0][1][-4000:]}")
    return [json.loads(output.splitlines()[-1]) for output, _ in outputs]


def tables(result: dict[str, Any]) -> str:
    """A row for each number of processes, and the scaling efficiency."""
    runs = result["runs"]
    speedup = paired_ratio(runs[TWO], runs[ONE], "tokens_per_s")
    header = ["processes, one thread each", "useful tokens/s", "times one process", "efficiency %"]
    rows = [
        [ONE, median(runs[ONE], "tokens_per_s"), 1.0, 100.0],
        [TWO, median(runs[TWO], "tokens_per_s"), speedup, 100 * speedup / 2],
    ]
    caption = (
        f"Shape {result['job']['shape']}, four tasks in turn, --update-freq 4, gloo, legacy_ddp."
    )
    return f"{caption}\n\n{markdown(header, rows)}"


# ---- one rank, in a process of its own


def worker(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds and useful tokens of one rank."""
    import systems
    import torch
    from epoch import TASKS
    from fairseq.data.iterators import GroupedIterator
    from fairseq.distributed import utils as distributed_utils

    argv = systems.flags(
        *("emo_mtl", Path(job["data"]), job["shape"], "cpu", "fp32"),
        *("--classification-tasks", ",".join(TASKS[1:]), "--update-freq", str(len(TASKS))),
        *FLAGS,
        *("--distributed-world-size", str(job["world_size"])),
        *("--distributed-rank", str(job["rank"])),
        *("--distributed-init-method", f"tcp://127.0.0.1:{job['port']}"),
    )
    cfg = systems.parse(argv)
    if job["world_size"] > 1:
        distributed_utils.infer_init_method(cfg.distributed_training)
        distributed_utils.distributed_init(cfg)
    trainer = systems.build_trainer(argv)
    iterator = trainer.get_train_iterator(epoch=1)
    grouped = iter(GroupedIterator(iterator.next_epoch_itr(shuffle=True), len(TASKS)))
    trainer.begin_epoch(1)
    for _ in range(job["warmup"]):
        trainer.train_step(next(grouped))
    pad = trainer.task.src_dict.pad()
    useful = 0
    start = time.perf_counter()
    for _ in range(job["updates"]):
        micro_batches = next(grouped)
        trainer.train_step(micro_batches)
        useful += sum(systems.positions(batch, pad)[0] for batch in micro_batches)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "useful": useful, "threads": torch.get_num_threads()}


if __name__ == "__main__":
    worker_main(worker)
