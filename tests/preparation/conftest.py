"""Small raw corpora in the real formats, and the real ones where they are."""

import os
from pathlib import Path

import pytest
from helpers.raw_files import write

from emo_mtl.preparation import tec

LABELS_E12 = (
    "anger boredom enthusiasm fun happiness hate love neutral relief sadness surprise worry"
)


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of the real corpora: $EMO_MTL_DATA, or shared/data beside the repository."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("EMO_MTL_DATA", beside))
    if not (folder / "dailydialog").is_dir():
        pytest.skip(f"no real corpora in {folder}; set EMO_MTL_DATA")
    return folder


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A folder with the four corpora, each of a few lines."""
    folder = tmp_path / "raw"
    for name in ("train", "validation", "test"):
        write(
            folder / "dailydialog" / name / f"dialogues_{name}.txt",
            f"Hello {name} ! __eou__ How are you ? __eou__ I am fine é . __eou__\n"
            "Is it cold ? __eou__ Yes , very . __eou__\n",
        )
    tweets = [
        f"{number}:\ttweet number {number} is  here\t:: {tec.LABELS[number % 6]}\n"
        for number in range(20)
    ]
    write(folder / "tec" / tec.FILE, "".join(tweets))
    sentences = [f"sentence {number} . \t{number % 2}\n" for number in range(40)]
    write(folder / "sst2" / "train.tsv", "sentence\tlabel\n" + "".join(sentences))
    write(folder / "sst2" / "dev.tsv", "sentence\tlabel\na nice sentence \t1\nis it \t0\n")
    labels = ["empty", *LABELS_E12.split()]
    rows = [f'{number},{labels[number % 13]},me,"text, {number}"\n' for number in range(52)]
    header = "tweet_id,sentiment,author,content\n"
    write(folder / "crowdflower" / "text_emotion.csv", header + "".join(rows))
    return folder
