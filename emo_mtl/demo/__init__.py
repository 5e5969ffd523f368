"""The page of `emo-mtl demo`."""
