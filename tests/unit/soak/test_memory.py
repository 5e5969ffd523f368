"""A short run of tests/soak/memory.py."""

import pytest

pytest.importorskip("matplotlib", reason="needs the extra soak")

pytest.importorskip("psutil", reason="needs the extra soak")

from soak import memory


def test_slope():
    """10 MiB in 200 updates, whatever the offset."""
    rows = [
        memory.Sample(seconds, updates, 0, 300 + updates / 20, 5, 3)
        for seconds, updates in enumerate((0, 50, 100, 200))
    ]
    assert memory.slope(rows) == pytest.approx(50)
