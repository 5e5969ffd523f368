"""Tests that need a GPU: `pytest -m gpu`. Without one they are skipped.

With `EMO_MTL_TEST_DEVICE=cpu` those that half precision leaves run on the CPU, so that they do not rot.
"""

import os
from pathlib import Path

import pytest
import torch

DEVICE = os.environ.get("EMO_MTL_TEST_DEVICE", "cuda")
MISSING = pytest.mark.skip(reason="needs a GPU")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that lies here has the marker `gpu`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("gpu")
            if DEVICE == "cuda" and not torch.cuda.is_available():
                item.add_marker(MISSING)


@pytest.fixture(scope="session")
def device() -> str:
    """Where the tests compute."""
    return DEVICE


@pytest.fixture(scope="session")
def gpu(device: str) -> str:
    """The same, for what no CPU does."""
    if device == "cpu":
        pytest.skip("needs a GPU: half precision")
    return device
