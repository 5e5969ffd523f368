"""What the paper's training needs on a card, from what was measured there: arithmetic, no GPU."""

import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from measure import markdown

EPOCHS = 64  # of the paper: Section 4.2
# Bytes a parameter with fairseq's --fp16 or --bf16 and Adam: weights and gradients in 16 bits, and in 32 bits
# a copy of both and two moments.
BYTES = 2 + 2 + 4 + 4 + 8
# GiB of cards that people have, and what of it CUDA takes and what its allocator cannot use.
CARDS = (8, 11, 12, 16, 24, 32, 40, 48, 80)
CONTEXT, FRAGMENTED = 1.0, 0.1


def smallest_card(gib: float) -> int | None:
    """The memory of the smallest card on which `gib` of tensors fit."""
    return next((card for card in CARDS if card - CONTEXT >= gib * (1 + FRAGMENTED)), None)


def tokens_of_epoch(data_bin: Path) -> int:
    """Tokens that the encoder and the decoder read in an epoch over all tasks.

    Sources, targets, and each text of a classification task twice: it is the input of both.
    """
    from fairseq.data import indexed_dataset

    parts = [*data_bin.glob("response/train.*.idx"), *2 * [*data_bin.glob("*/input0/train.idx")]]
    texts = [indexed_dataset.make_dataset(str(part.with_suffix("")), "mmap") for part in parts]
    return sum(int(text.sizes.sum()) for text in texts)


def rows(measured: Mapping[str, Any], tokens: int) -> Iterator[list[Any]]:
    """A row a precision, shape and size of a batch.

    Args:
        measured: precision -> what `run.py --only train` found
        tokens: of an epoch
    """
    for precision, found in measured.items():
        for row in found["train"]["rows"]:
            runs = row["runs"]["emo_mtl"]
            gib = max(run["memory_mib"] for run in runs) / 1024
            rate = statistics.median(run["tokens_per_s"] for run in runs)
            state = BYTES * runs[0]["parameters"] / 2**30
            yield [
                *(row["shape"], precision, row["sentences"], rate, gib, state),
                EPOCHS * tokens / rate / 3600,
                smallest_card(gib),
            ]


def table(measured: Mapping[str, Any], bundle: Path) -> str:
    """The rows, with the arithmetic."""
    tokens = tokens_of_epoch(bundle / "gpt2" / "data-bin")
    header = ["shape", "precision", "sentences", "useful tokens/s", "GiB", "of it parameters"]
    header += [f"hours of {EPOCHS} epochs", "smallest card, GiB"]
    return (
        f"{EPOCHS} epochs of {tokens:,} tokens (responses and classification tasks), by the rate of "
        f"responses. Parameters: {BYTES} bytes each (weights, gradients, a copy of both in 32 bits, Adam's "
        f"moments). A card must have {CONTEXT:.0f} GiB and {100 * FRAGMENTED:.0f} % more than what was "
        "measured.\n\n" + markdown(header, rows(measured, tokens))
    )
