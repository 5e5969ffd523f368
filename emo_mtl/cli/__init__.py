"""``emo-mtl SUBCOMMAND``: what fairseq has no command for."""
