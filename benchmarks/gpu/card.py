"""Versions, the card, and what it can do at best: matrix products by precision, and copies in its memory.

    python benchmarks/gpu/card.py OUT.md

Nothing of it depends on this project: it says what the other steps are to be held against.
"""

import argparse
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import matmul_peak
from measure import machine, markdown, synchronize

COPY = {"cuda": 2**30, "cpu": 2**24}  # bytes; larger than any cache of a card
REPEATS = {"cuda": 20, "cpu": 1}


def bandwidth(device: str, repeats: int = 10) -> float:
    """Bytes read and written per second by a copy within the device's memory, the best of some."""
    source = torch.randint(256, (COPY[device],), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = []
    for _ in range(repeats):
        synchronize(device)
        start = time.perf_counter()
        target.copy_(source)
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return 2 * COPY[device] / min(seconds)


def report(device: str) -> str:
    """Markdown."""
    found = machine()
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    parts = [f"{found['cpu']}, {found['cores']} cores. Python {found['python']}, {versions}."]
    if device == "cuda":
        card = torch.cuda.get_device_properties(0)
        parts.append(
            f"{card.name}: {card.total_memory / 2**30:.1f} GiB, "
            f"{card.multi_processor_count} multiprocessors, capability {card.major}.{card.minor}; "
            f"CUDA {torch.version.cuda}."
        )
    rows = []
    for precision in ("fp32", "tf32", "bf16", "fp16") if device == "cuda" else ("fp32",):
        peak = matmul_peak.worker(
            {"device": device, "precision": precision, "repeats": REPEATS[device]}
        )
        torch.set_float32_matmul_precision("highest")
        rows.append([precision, peak["flops_per_s"] / 1e12, " x ".join(map(str, peak["shape"]))])
    parts.append(markdown(["matrix products in", "TFLOP/s", "of"], rows))
    parts.append(f"Copies: {bandwidth(device) / 1e9:,.0f} GB/s, read and written.")
    return "\n\n".join(parts)


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT.md")
    parser.add_argument(
        "--device", choices=tuple(COPY), default="cuda", help="(default: %(default)s)"
    )
    args = parser.parse_args()
    args.out.write_text(report(args.device) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
