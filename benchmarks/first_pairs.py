"""A data folder with the first pairs of another one, for a small model to learn by heart.

    python benchmarks/first_pairs.py DATA OUT --pairs 3000

DATA is a folder of preprocess/prepare.py (SentencePiece). A small model trained on all of DailyDialog answers
everything with one short sentence, which is no measure of generation; one that knows 3,000 pairs by heart
answers other utterances with sentences of all lengths. Only `train` is cut.
"""

import argparse
import shutil
from pathlib import Path

from fairseq.data import Dictionary, data_utils
from fairseq.data.indexed_dataset import make_builder


def main() -> None:
    """Copy the folder of the responses with a shorter `train`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder that holds data-bin and spm.model")
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument("--pairs", type=int, default=3000, help="to keep (default: %(default)s)")
    args = parser.parse_args()
    source, out = (folder / "data-bin" / "response" for folder in (args.data, args.out))
    shutil.copytree(source, out)
    shutil.copy(args.data / "spm.model", args.out)
    for side in ("source", "target"):
        dictionary = Dictionary.load(str(source / f"dict.{side}.txt"))
        name = f"train.source-target.{side}"
        pairs = data_utils.load_indexed_dataset(str(source / name), dictionary)
        builder = make_builder(f"{out / name}.bin", "mmap", vocab_size=len(dictionary))
        for number in range(args.pairs):
            builder.add_item(pairs[number])
        builder.finalize(f"{out / name}.idx")


if __name__ == "__main__":
    main()
