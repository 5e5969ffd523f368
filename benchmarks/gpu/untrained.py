"""Writes a checkpoint of a model of a shape, with random weights: to generate with, where only time counts.

    python benchmarks/gpu/untrained.py DATA base OUT.pt

DATA is a folder of `emo-mtl prepare`.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from systems import SHAPES, build_trainer, flags


def main() -> None:
    """Build the model of fairseq-train's first update, and save it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="folder that holds data-bin")
    parser.add_argument("shape", choices=tuple(SHAPES))
    parser.add_argument("out", type=Path, metavar="OUT.pt")
    args = parser.parse_args()
    trainer = build_trainer(flags("emo_mtl", args.data, args.shape, "cpu", "fp32"))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    trainer.save_checkpoint(str(args.out), {"train_iterator": {"epoch": 1}})


if __name__ == "__main__":
    main()
