"""The README's commands, in the order in which they stand, on the folder that `make demo` makes.

A block that cannot be run in a test (a GPU, a network, a page that is served until Ctrl-C) stands below a
comment `<!-- not run: WHY -->`. The rest is run as it is, in a copy of the checkout where `RAW` has the
sample's raw corpora and `GPT2` has GPT-2's BPE.
"""

import os
import re
from pathlib import Path

import pytest
from helpers.commands import REPOSITORY, shell

BLOCK = re.compile(r"(<!-- not run: .+? -->\n)?```(bash|python)\n(.*?)```", re.DOTALL)

# Fewer updates than a reader's; every flag of the page stays.
SHORTER = {
    "source .venv/bin/activate": ":",
    "--vocab-size 4000": "--vocab-size 1000",
    "--model tiny --data data": "--model tiny --extra '--max-epoch 1' --data data",
    "--max-epoch 2": "--max-epoch 1",
}


def blocks() -> list[tuple[str, str]]:
    """Language and text of each block that is run."""
    page = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return [(language, text) for not_run, language, text in BLOCK.findall(page) if not not_run]


@pytest.mark.slow
def test_commands_in_order(quickstart):
    checkout = quickstart[0]
    (checkout / "RAW").symlink_to(checkout / "demo" / "raw")
    gpt2 = Path(os.environ.get("EMO_MTL_DATA", "nowhere"), "gpt2_bpe").resolve()
    if gpt2.is_dir():
        (checkout / "GPT2").symlink_to(gpt2)
    for language, text in blocks():
        for long, short in SHORTER.items():
            text = text.replace(long, short)
        if language == "python":
            (checkout / "block.py").write_text(text, encoding="utf-8")
            text = "python block.py"
        elif not gpt2.is_dir():
            text = re.sub(r"^.*--bpe gpt2.*$", "", text, flags=re.M)
        shell(text, checkout)
    assert not gpt2.is_dir() or (checkout / "data-gpt2" / "vocab.bpe").is_file()
