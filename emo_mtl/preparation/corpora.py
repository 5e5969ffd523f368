"""The paper's corpora: the reader of each task's raw files."""

from collections.abc import Callable
from pathlib import Path

from emo_mtl.names import RESPONSE
from emo_mtl.preparation import crowdflower, dailydialog, sst2, tec
from emo_mtl.preparation.corpus import Dataset

# task -> its folder of raw files, their reader
READERS: dict[str, tuple[str, Callable[[Path], Dataset]]] = {
    RESPONSE: ("dailydialog", dailydialog.read),
    "e6": ("tec", tec.read),
    "e2": ("sst2", sst2.read),
    "e12": ("crowdflower", crowdflower.read),
}
