"""Tests that start processes: the sample corpora with a checkpoint that was trained on them, a browser, and
Ctrl-C that works wherever the tests run."""

import shutil
import signal
import unittest.mock
from collections.abc import Iterator
from pathlib import Path

import make_sample
import pytest
from helpers.commands import MULTITASK, run_command, train
from helpers.shared import made_once
from helpers.shell import quick_programs

LONGEST = (
    ("test_pages", "test_quickstart"),
    ("commands/benchmarks", "commands/examples/test_paper"),
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Nothing but the page is to be fetched, and there is no GPU and no sandbox in a container.
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that lies here has the marker; each of two workers begins with half of what takes minutes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("commands")
    first, second = (
        [item for item in items if any(name in item.nodeid for name in names)] for names in LONGEST
    )
    rest = [item for item in items if item not in first and item not in second]
    middle = max(len(items) // 2 - len(first), 0)  # where the second worker's share begins
    items[:] = [*first, *rest[:middle], *second, *rest[middle:]]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample corpora, with fewer dialogues to answer, prepared with SentencePiece."""

    def make(folder: Path) -> None:
        # models that are hardly trained answer at length: most of the time of many tests
        with unittest.mock.patch.dict(make_sample.DIALOGUE_PAIRS, validation=50, test=50):
            make_sample.main([str(folder / "raw")])
        folders = ["--raw-dir", folder / "raw", "--out-dir", folder / "data"]
        bpe = ["--bpe", "sentencepiece", "--vocab-size", "600"]
        run_command("python", "preprocess/prepare.py", *folders, *bpe)

    return made_once(tmp_path_factory, "sample", make) / "data"


@pytest.fixture(scope="session")
def trained(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A checkpoint of 16 updates on four tasks, validated with BLEU, and the log of its training."""

    def make(folder: Path) -> None:
        flags = ["--max-update", "16", "--eval-bleu", "--eval-bleu-args", '{"beam": 2}']
        flags += ["--best-checkpoint-metric", "e6_f1", "--maximize-best-checkpoint-metric"]
        bpe = ["--bpe", "sentencepiece", "--sentencepiece-model", sample / "spm.model"]
        result = train(sample, folder, *MULTITASK, *flags, *bpe)
        (folder / "log").write_text(result.stdout + result.stderr, encoding="utf-8")

    folder = made_once(tmp_path_factory, "trained", make)
    return folder / "checkpoint_best.pt", (folder / "log").read_text("utf-8")


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    """A folder with commands that start at once."""
    with quick_programs() as folder:
        yield folder


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if not CHROMIUM:
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> Iterator[None]:
    """A shell's background jobs, and all that they start, ignore Ctrl-C: here it is as on a terminal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
