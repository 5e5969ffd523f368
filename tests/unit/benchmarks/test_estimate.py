"""What a training will need: counted on a toy model, and by hand."""

import pytest
from estimate import LENGTH, SENTENCES, count, rows
from helpers.data import write_data_bin


def test_rows():
    """64 epochs of 1,024 tokens are 16 batches of 4,096: 16 times 67.5 PFLOPs at 30 % of 125 TFLOP/s."""
    counted = (2**30, 2**30, 67_500 * 10**12)
    half, efficient, single = rows("large", counted, 1024)
    assert half == ["large", "--fp16", 20, 2, 24 + 8, *map(pytest.approx, (8, 3.20513, 1.011122))]
    assert efficient[:5] == ["large", "--memory-efficient-fp16", 12, 2, 24]
    assert efficient[5:] == half[5:]
    assert single == ["large", "(fp32)", 16, 4, 24, "", "", ""]


def test_count(tmp_path):
    """A layer of 32 units a side: at least its inputs are kept, and its matrices multiply each token."""
    write_data_bin(tmp_path / "data-bin", {"train": 60, "valid": 7})
    parameters, kept, operations = count("toy", tmp_path)
    tokens = SENTENCES * LENGTH
    matrices = (
        4 * 32**2 + 2 * 32 * 128
    )  # of attention and feed-forward; the decoder has another attention
    assert parameters > 2 * matrices + 4 * 32**2
    assert kept > 2 * tokens * 32 * 10
    least = 6 * tokens * (2 * matrices + 4 * 32**2)
    assert least < operations < 2 * least
