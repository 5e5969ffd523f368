"""DailyDialog's further references: python preprocess/multireference.py multireftest.json OUT.

Writes OUT/reference-1.txt and so on, a line for each test pair, for `emo-mtl evaluate --references`.
"""

import argparse
from pathlib import Path

from emo_mtl.errors import UserError, os_error_on_one_line
from emo_mtl.io import atomic_folder
from emo_mtl.preparation.multireference import read

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="multireftest.json")
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    args = parser.parse_args()
    if args.out.exists():
        raise UserError(
            f"{args.out}: exists already, expected a new folder: remove it, or name another"
        )
    with os_error_on_one_line():
        found = read(args.file)
        with atomic_folder(args.out) as draft:
            for number, lines in enumerate(zip(*found, strict=True), start=1):
                content = "".join(f"{line}\n" for line in lines)
                (draft / f"reference-{number}.txt").write_text(content, encoding="utf-8")
    print(f"{args.out}: {len(found):,} lines with {len(found[0])} references each")
