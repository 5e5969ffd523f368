"""`make demo`: the whole way on sample data, of which the tiny model learns to answer and to recognise."""

import re

import pytest
from helpers.commands import REPOSITORY
from helpers.shell import bash, quick_programs


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What it prints with fewer epochs, by which it has learned."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("emo_mtl", "preprocess", "examples"):
        (folder / name).symlink_to(REPOSITORY / name)
    with quick_programs() as programs:
        return bash("bash examples/quickstart/run.sh demo --max-epoch 4", folder, programs)


@pytest.mark.slow
def test_learns(printed):
    accuracies = dict(re.findall(r"^(e\d+) on test: .* accuracy ([\d.]+) %", printed, re.M))
    for task, chance in {"e6": 17, "e2": 50, "e12": 8}.items():
        assert float(accuracies[task]) > 1.5 * chance, task
    bleu = re.search(r"generate.txt \| ([\d.]+) ", printed)
    assert float(bleu[1]) > 5
    assert len(re.findall(r"^    response:   \S", printed, re.M)) >= 5
