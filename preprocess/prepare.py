"""`emo-mtl prepare` from a checkout: python preprocess/prepare.py --help."""

import sys

from emo_mtl.cli.main import main

if __name__ == "__main__":
    main(["prepare", *sys.argv[1:]])
