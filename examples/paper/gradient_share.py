"""How much each task moves the parameters that all tasks share, by the reduction of the response loss.

    python examples/paper/run.py --rows R+E6+E2+E12 --model tiny --data data --out runs/tiny
    python examples/paper/gradient_share.py data/data-bin \\
      --path runs/tiny/R+E6+E2+E12/seed-1/checkpoints/checkpoint_last.pt

For each task it takes mini-batches of the training data and computes the gradient of their loss, of weight
1, with respect to everything but the classification heads: with `--response-loss-reduction mean`, and `sum`.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from emo_mtl.criterions.multitask_nll import MultitaskNLLCriterion
from emo_mtl.data.batch_iterator import shuffled_pass
from emo_mtl.inference.loading import load_heads
from emo_mtl.io import check_output, write_atomically


def gradient_norm(
    model: nn.Module, criterion: MultitaskNLLCriterion, batch: dict[str, Any]
) -> float:
    """L2 norm of the gradient of a batch's loss with respect to the shared parameters."""
    model.zero_grad()
    loss, sample_size, _ = criterion(model, batch)
    (loss / sample_size).backward()
    gradients = [
        parameter.grad.norm()
        for name, parameter in model.named_parameters()
        if "classification_heads." not in name and parameter.grad is not None
    ]
    return torch.stack(gradients).norm().item()


def shares(norms: dict[str, float], frequencies: dict[str, int]) -> dict[str, float]:
    """Share of each task in the sum of all mini-batches' gradient norms, in percent.

    Args:
        norms: mean gradient norm of a mini-batch of each task
        frequencies: mini-batches of each task
    """
    parts = {task: norms[task] * frequencies[task] for task in norms}
    return {task: 100 * part / sum(parts.values()) for task, part in parts.items()}


def first_batches(dataset: Any, batches: list[Any], count: int) -> Iterator[dict[str, Any]]:
    """The first `count` of the batches, collated."""
    for indices in batches[:count]:
        yield dataset.collater([dataset[i] for i in indices])


def main() -> None:
    """Measure, print Markdown, and write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="the prepared folder (data-bin)")
    parser.add_argument("--path", type=Path, required=True, metavar="CKPT", help="checkpoint")
    parser.add_argument("--batches", type=int, default=50, help="of each task (default: 50)")
    parser.add_argument("--batch-size", type=int, default=32, help="examples (default: 32)")
    parser.add_argument("--json", type=Path, metavar="OUT.json", help="also write the numbers here")
    parser.add_argument("--overwrite", action="store_true", help="replace --json if it exists")
    args = parser.parse_args()
    check_output(args.json, args.overwrite)
    task, model = load_heads(args.path, args.data, None, untrained_head=False)
    task.load_dataset("train")
    dataset = task.datasets["train"]
    passes = {
        name: shuffled_pass(
            dataset, number, cycle=0, seed=1, keep=lambda i: i, max_sentences=args.batch_size
        )
        for number, name in enumerate(dataset.names)
    }
    frequencies = {name: len(batches) for name, batches in passes.items()}
    rows = []
    for reduction in ("mean", "sum"):
        criterion = MultitaskNLLCriterion(task, False, 0.1, response_loss_reduction=reduction)
        norms = {}
        for name, batches in passes.items():
            found = [
                gradient_norm(model, criterion, batch)
                for batch in first_batches(dataset, batches, args.batches)
            ]
            norms[name] = sum(found) / len(found)
        proportional = shares(norms, frequencies)
        round_robin = shares(norms, dict.fromkeys(norms, 1))
        rows += [
            {
                "reduction": reduction,
                "task": name,
                "gradient_norm": norms[name],
                "share_proportional": proportional[name],
                "share_round_robin": round_robin[name],
            }
            for name in norms
        ]
    print(
        "| reduction | task | gradient norm of a mini-batch | share, proportional | share, round-robin |"
    )
    print("| --- | --- | ---: | ---: | ---: |")
    for row in rows:
        numbers = (
            f"{row['gradient_norm']:.3f} | {row['share_proportional']:.2f} % | "
            f"{row['share_round_robin']:.2f} %"
        )
        print(f"| {row['reduction']} | {row['task']} | {numbers} |")
    if args.json:
        write_atomically(
            args.json, json.dumps({"path": str(args.path), "rows": rows}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
