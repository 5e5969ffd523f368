"""An exported model, used by the code of its model card."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emo_mtl.cli.main import main
from emo_mtl.huggingface.library import hide_broken_torchaudio


def reader_of(
    checkpoint: Path, folder: Path, beam: int
) -> tuple[Callable, Callable[..., list[str]]]:
    """Export a checkpoint, and run the card's block that defines `read`.

    Returns:
        `read`, which makes tokens of turns; and what the model generates for such tokens, given settings of
        transformers' `generate`
    """
    hide_broken_torchaudio()
    transformers = pytest.importorskip("transformers", reason="needs the extra emo-mtl[hf]")
    main(["export-hf", str(checkpoint), str(folder)])
    card = (folder / "README.md").read_text("utf-8")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder)
    network.generation_config.num_beams = beam
    (code,) = re.findall(r"```python\n(import torch.*?)```", card, flags=re.DOTALL)
    names: dict[str, Any] = {"tokenizer": tokenizer, "model": network}
    exec(code, names)

    def generate(tokens: list[int], **settings: int) -> list[str]:
        output = network.generate(names["torch"].tensor([tokens]), **settings)
        return tokenizer.batch_decode(output, skip_special_tokens=True)

    return names["read"], generate
