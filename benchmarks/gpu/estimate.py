"""What the paper's training will need on a card, counted on a CPU: no GPU, and nothing is timed.

    python benchmarks/gpu/estimate.py [--bundle BUNDLE] [--shapes base large]

BUNDLE (default: benchmarks/gpu/bundle): what bundle.sh made. Memory: the bytes of a training's
parameters, and of what the forward pass of the longest mini-batch keeps for the backward pass. Time: the
operations of the forward pass, three times (the backward pass has twice as many), at a share of a card's
rate that is an assumption. What run.sh measures replaces all this.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import markdown
from plan import BYTES, EPOCHS, smallest_card, tokens_of_epoch

SENTENCES, LENGTH = 32, 64  # of the paper's mini-batch, and its longest source and target, tokens
# Bytes a parameter with Adam. --memory-efficient-fp16: weights and gradients in 16 bits, two moments in 32;
# without a flag all four in 32.
STATE = {"--fp16": BYTES, "--memory-efficient-fp16": 2 + 2 + 4 + 4, "(fp32)": 4 + 4 + 4 + 4}
# Dense matrix products in 16 bits with sums in 32, TFLOP/s, by the cards' data sheets (SXM).
RATES = {"V100": 125, "A100": 312, "H100": 989}
SHARE = 0.3  # of that rate; an assumption, usual for models of this size


def count(shape: str, data: Path) -> tuple[int, int, int]:
    """What the longest mini-batch needs.

    Returns:
        parameters; elements that the forward pass keeps for the backward pass, where a byte of a mask counts
        as half a number; FLOPs of both passes
    """
    import systems
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    dropout = ["--dropout", "0.1", "--attention-dropout", "0.1"]
    argv = systems.flags("emo_mtl", data, shape, "cpu", "fp32", *dropout)
    cfg = systems.parse(argv)
    task = systems.tasks.setup_task(cfg.task)
    model = task.build_model(cfg.model).train()
    criterion = task.build_criterion(cfg.criterion)
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, float] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            width = 4 if tensor.is_floating_point() else 2
            kept[storage.data_ptr()] = storage.nbytes() / width
        return tensor

    sample = longest(len(task.tgt_dict))
    with (
        FlopCounterMode(display=False) as counter,
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
    ):
        loss = criterion(model, sample)[0]
    del loss  # kept till here, so that no address was given twice
    parameters = sum(p.numel() for p in model.parameters())
    return parameters, int(sum(kept.values())), 3 * counter.get_total_flops()


def longest(symbols: int) -> dict[str, Any]:
    """The micro-batch that needs the most memory: all texts have LENGTH tokens, drawn at random."""
    import torch

    generator = torch.Generator().manual_seed(1)
    source, target = torch.randint(4, symbols - 1, (2, SENTENCES, LENGTH), generator=generator)
    return {
        "id": torch.arange(SENTENCES),
        "nsentences": SENTENCES,
        "ntokens": SENTENCES * LENGTH,
        "net_input": {
            "src_tokens": source,
            "src_lengths": torch.full((SENTENCES,), LENGTH),
            "prev_output_tokens": target.roll(1, dims=1),
        },
        "target": target,
    }


def rows(shape: str, counted: tuple[int, int, int], tokens: int) -> Iterator[list[Any]]:
    """A row a precision. `counted` as of :func:`count`, `tokens` of an epoch."""
    parameters, kept, operations = counted
    epochs = EPOCHS * tokens * operations / (2 * SENTENCES * LENGTH)  # FLOPs
    for flag, size in STATE.items():
        state = size * parameters / 2**30
        activations = kept * (4 if flag == "(fp32)" else 2) / 2**30
        hours = [epochs / (SHARE * rate * 1e12) / 3600 for rate in RATES.values()]
        if flag == "(fp32)":  # these are rates of 16 bits
            hours = ["" for _ in hours]
        yield [shape, flag, state, activations, smallest_card(state + activations), *hours]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=Path(__file__).parent / "bundle")
    parser.add_argument("--shapes", nargs="+", default=["base", "large"])
    args = parser.parse_args()
    data = args.bundle / "gpt2"
    tokens = tokens_of_epoch(data / "data-bin")
    header = ["shape", "flag", "GiB of parameters", "of activations", "smallest card, GiB"]
    header += [f"hours, {card}" for card in RATES]
    print(
        f"{SENTENCES} sentences of {LENGTH} + {LENGTH} tokens; {EPOCHS} epochs of {tokens:,} tokens; ",
        end="",
    )
    print(
        f"{100 * SHARE:.0f} % of {', '.join(f'{rate} ({card})' for card, rate in RATES.items())} TFLOP/s\n"
    )
    print(markdown(header, (row for s in args.shapes for row in rows(s, count(s, data), tokens))))


if __name__ == "__main__":
    main()
