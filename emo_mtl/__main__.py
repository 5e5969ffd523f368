"""`python -m emo_mtl` is `emo-mtl`."""

from emo_mtl.cli.main import main

main()
