"""The commands of the README and of each page of docs/, in the order in which they stand.

A block that cannot be run in a test (a GPU, a network, a page that is served until Ctrl-C) stands below a
comment `<!-- not run: WHY -->`. The rest is run as it is, but for `DOWNSIZED`, in a checkout of its own for
each page, in which there is already:

    demo    what `make demo` makes, of a model that was trained for seconds
    RAW     raw corpora: the sample's
    data    what docs/data.md makes of RAW, for all other pages
    GPT2    GPT-2's BPE, where $EMO_MTL_DATA has it; the blocks that name it are left out elsewhere
"""

import os
import re
import shutil
from pathlib import Path

import pytest
from helpers.commands import REPOSITORY, TASK, run_command
from helpers.shell import bash

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md"))]
BLOCK = re.compile(r"(<!-- not run: .+? -->\n+)?```(bash|python)\n(.*?)```", re.DOTALL)

# Fewer updates and symbols than a reader takes; every flag of the page stays.
DOWNSIZED = {
    "source .venv/bin/activate": ":",
    "--max-epoch 8": "--max-update 8",
    "--max-epoch 2": "--max-epoch 1 --max-update 4",
    "--max-update 300": "--max-update 3",
    "gradient_share.py": "gradient_share.py --batches 3",
    "--vocab-size 4000": "--vocab-size 600",
    "--beam 5": "--beam 2",
    "human-eval make": "human-eval make --items 20",
}


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of each block that is run."""
    found = BLOCK.findall((REPOSITORY / page).read_text(encoding="utf-8"))
    return [(language, text) for not_run, language, text in found if not not_run]


def test_no_downsizing_is_left_over():
    texts = "".join((REPOSITORY / page).read_text(encoding="utf-8") for page in PAGES)
    assert [long for long in DOWNSIZED if long not in texts] == []


@pytest.fixture(scope="module")
def demo(sample: Path, trained: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder demo/ that `make demo` leaves."""
    folder = tmp_path_factory.mktemp("made") / "demo"
    shutil.copytree(sample.parent, folder)  # raw, data
    shutil.copytree(trained[0].parent, folder / "checkpoints")
    checkpoint = ["--path", folder / "checkpoints" / "checkpoint_best.pt"]
    generated = run_command("fairseq-generate", sample / "data-bin", *TASK, *checkpoint)
    (folder / "generate.txt").write_text(generated.stdout, encoding="utf-8")
    return folder


@pytest.fixture
def checkout(demo: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A checkout in which a page's commands write."""
    folder = tmp_path / "checkout"
    shutil.copytree(demo, folder / "demo")
    for name in ("emo_mtl", "preprocess", "examples"):
        (folder / name).symlink_to(REPOSITORY / name)
    (folder / "RAW").symlink_to("demo/raw")
    if request.node.callspec.params["page"] != "docs/data.md":
        (folder / "data").symlink_to("demo/data")
    gpt2 = Path(os.environ.get("EMO_MTL_DATA", "nowhere"), "gpt2_bpe").resolve()
    if gpt2.is_dir():
        (folder / "GPT2").symlink_to(gpt2)
    return folder


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_commands_of(page: str, checkout: Path, programs: Path):
    for language, text in blocks(page):
        for long, short in DOWNSIZED.items():
            text = text.replace(long, short)
        if "GPT2" in text and not (checkout / "GPT2").is_dir():
            continue
        if language == "python":
            (checkout / "block.py").write_text(text, encoding="utf-8")
            text = "python block.py"
        bash(text, checkout, programs)
