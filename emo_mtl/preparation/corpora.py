"""The paper's corpora, and others: the reader of each task's raw files."""

from collections.abc import Callable
from pathlib import Path

from emo_mtl.names import RESPONSE
from emo_mtl.preparation import crowdflower, dailydialog, goemotions, sst2, tec
from emo_mtl.preparation.corpus import Dataset

# task -> its folder of raw files, their reader
READERS: dict[str, tuple[str, Callable[[Path], Dataset]]] = {
    RESPONSE: ("dailydialog", dailydialog.read),
    "e6": ("tec", tec.read),
    "e2": ("sst2", sst2.read),
    "e12": ("crowdflower", crowdflower.read),
    "goemotions": ("goemotions", goemotions.read),
}
PAPER = (RESPONSE, "e6", "e2", "e12")  # of these, what is prepared unless others are named
