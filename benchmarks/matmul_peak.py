"""The rate at which this machine multiplies matrices, against which model FLOPs are stated."""

import time
from typing import Any

from measure import synchronize, worker_main

# Rows of a micro-batch times a layer, of square matrices, and of the vocabulary's projection.
SHAPES = ((1024, 1024, 1024), (2048, 2048, 2048), (1024, 768, 3072), (512, 768, 50265))
LARGE = (8192, 8192, 8192)  # what fills a GPU


def worker(job: dict[str, Any]) -> dict[str, Any]:
    """The largest rate over the shapes, the best of some repetitions each, FLOP/s."""
    import torch

    device, precision = job["device"], job["precision"]
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision, torch.float32)
    if precision == "tf32":
        torch.set_float32_matmul_precision("high")
    rates = {}
    for rows, inner, columns in (*SHAPES, *([LARGE] if device == "cuda" else [])):
        a = torch.randn(rows, inner, device=device, dtype=dtype)
        b = torch.randn(inner, columns, device=device, dtype=dtype)
        seconds = []
        for _ in range(job["repeats"]):
            synchronize(device)
            start = time.perf_counter()
            a @ b
            synchronize(device)
            seconds.append(time.perf_counter() - start)
        rates[rows, inner, columns] = 2 * rows * inner * columns / min(seconds)
    shape = max(rates, key=rates.__getitem__)
    return {"flops_per_s": rates[shape], "shape": shape}


if __name__ == "__main__":
    worker_main(worker)
