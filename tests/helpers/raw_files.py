"""Writing of hand-made files, for all tests of this folder."""

from __future__ import annotations

import json
from pathlib import Path


def write(path: Path, text: str | bytes) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def write_gpt2_bpe(folder: Path) -> Path:
    """A tiny GPT-2 BPE: 256 bytes and two merges."""
    from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode

    units = [*bytes_to_unicode().values(), "he", "Ġt"]
    write(folder / "encoder.json", json.dumps({unit: i for i, unit in enumerate(units)}))
    write(folder / "vocab.bpe", "#version: 0.2\nh e\nĠ t\n")
    write(folder / "dict.txt", "".join(f"{i} 0\n" for i in reversed(range(len(units)))))
    return folder
