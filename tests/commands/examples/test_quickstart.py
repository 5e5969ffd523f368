"""`make demo`: the whole way on sample data, of which the tiny model learns to answer and to recognise."""

import re

import pytest


@pytest.mark.slow
def test_learns(quickstart):
    printed = quickstart[1]
    accuracies = dict(re.findall(r"^(e\d+) on test: .* accuracy ([\d.]+) %", printed, re.M))
    for task, chance in {"e6": 17, "e2": 50, "e12": 8}.items():
        assert float(accuracies[task]) > 1.5 * chance, task
    bleu = re.search(r"generate.txt \| ([\d.]+) ", printed)
    assert float(bleu[1]) > 5
    assert len(re.findall(r"^    response:   \S", printed, re.M)) >= 5
