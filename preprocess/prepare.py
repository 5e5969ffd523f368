"""From the raw corpora to `DATA/data-bin`, in one command.

    python preprocess/prepare.py --raw-dir RAW --out-dir DATA --bpe sentencepiece
    python preprocess/prepare.py --raw-dir RAW --out-dir DATA --bpe gpt2 --gpt2-bpe-dir GPT2

RAW has the folders dailydialog, tec, sst2, crowdflower. DATA gets:

    data-bin/response/         by fairseq-preprocess --source-lang source --target-lang target
    data-bin/TASK/input0/      by fairseq-preprocess --only-source, as for sentence_prediction
    data-bin/TASK/label/       the same; the dictionary is the labels in their fixed order
    text/TASK/                 the splits before BPE, for evaluation
    dict.txt                   the dictionary of all tasks
    spm.model                  the BPE: of --bpe sentencepiece
    encoder.json, vocab.bpe    the BPE: of --bpe gpt2
    manifest.json              counts, settings, versions, sha256 of every file read and written; each
                               task's name for people and how its corpus writes (emo_mtl/writing.py)

Run again, it does nothing if neither inputs nor settings changed, and otherwise builds what is out
of date. A task added later (`--custom NAME=FOLDER`, see custom.py) is encoded with the dictionary
that is there. All is built in a temporary folder beside DATA: a failure leaves DATA as it was.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import bpe
import crowdflower
import custom
import dailydialog
import sst2
import tec
from binarize import build_task
from corpus import CorpusError, Dataset, exit_on_error
from plan import MANIFEST, Input, hash_files, install, make_plan

from emo_mtl.io import sha256
from emo_mtl.names import name_fault
from emo_mtl.writing import Writing

READERS: dict[str, tuple[str, Callable[[Path], Dataset]]] = {
    "response": ("dailydialog", dailydialog.read),
    "e6": ("tec", tec.read),
    "e2": ("sst2", sst2.read),
    "e12": ("crowdflower", crowdflower.read),
}
FORMAT = 2  # raise it when the same inputs and settings give other outputs than before


def read_inputs(args: argparse.Namespace) -> dict[str, Input]:
    """Read and check the corpora of all tasks that the command line names.

    Raises:
        CorpusError: a wrong name of a task, or a bad corpus.
    """
    folders: dict[str, tuple[Path, Callable[[Path], Dataset]]] = {}
    for task in filter(None, args.tasks.split(",")):
        if task not in READERS:
            raise CorpusError(
                "--tasks",
                found=repr(task),
                expected=f"some of {','.join(READERS)}",
                fix="correct the name; a task of your own goes to --custom NAME=FOLDER",
            )
        if not args.raw_dir:
            raise CorpusError(
                f"--tasks {args.tasks}",
                found="no --raw-dir",
                expected="the folder of the raw corpora",
                fix="add --raw-dir, or --tasks '' to prepare the --custom tasks only",
            )
        corpus, read = READERS[task]
        folders[task] = (args.raw_dir / corpus, read)
    for item in args.custom:
        name, _, folder = item.partition("=")
        fault = name_fault(name) or ("which another task has" if name in folders else None)
        if fault or not folder:
            raise CorpusError(
                f"--custom {item[:200]}",
                found=f"the name {name[:100]!r} {fault or 'without a folder'}",
                expected="NAME=FOLDER with a NAME that no other task has",
                fix="choose a short name of letters, digits, _ and -, such as mood=my_data/mood",
            )
        folders[name] = (Path(folder), custom.read)
    if not folders:
        raise CorpusError(
            "--tasks", found="no task", expected="at least one", fix="name one, or use --custom"
        )
    inputs: dict[str, Input] = {}
    for task, (folder, read) in folders.items():
        dataset = read(folder)
        raw = {file.relative_to(folder).as_posix(): sha256(file) for file in dataset.files}
        inputs[task] = Input(dataset, raw)
        print(f"{task}: {dataset.summary()}", flush=True)
    return inputs


def read_settings(args: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that decide how texts are encoded.

    Raises:
        CorpusError: files that they need are missing.
    """
    settings: dict[str, Any] = {"format": FORMAT, "bpe": args.bpe}
    if args.bpe == "gpt2":
        if not args.gpt2_bpe_dir:
            raise CorpusError(
                "--bpe gpt2",
                found="no --gpt2-bpe-dir",
                expected=f"a folder with {', '.join(bpe.GPT2_FILES)}",
                fix="add --gpt2-bpe-dir",
            )
        bpe.check_gpt2_files(args.gpt2_bpe_dir)
        files = {name: sha256(args.gpt2_bpe_dir / name) for name in bpe.GPT2_FILES}
        return {**settings, "files": files}
    if args.sentencepiece_model:
        bpe.sentencepiece_dictionary(args.sentencepiece_model)
        return {**settings, "model": sha256(args.sentencepiece_model)}
    return {
        **settings,
        "vocab_size": args.vocab_size,
        "character_coverage": args.character_coverage,
    }


def make_dictionary(args: argparse.Namespace, inputs: dict[str, Input], folder: Path) -> None:
    """Write ``folder/dict.txt`` and the files of the BPE."""
    if args.bpe == "gpt2":
        for name in bpe.GPT2_FILES:
            shutil.copyfile(args.gpt2_bpe_dir / name, folder / name)
        return
    model = folder / "spm.model"
    if not args.sentencepiece_model:
        print("training SentencePiece on the training texts of all tasks ...", flush=True)
    if args.sentencepiece_model:
        shutil.copyfile(args.sentencepiece_model, model)
    else:
        texts = (
            text
            for item in inputs.values()
            for pair in item.dataset.splits["train"]
            for text in (pair[:1] if item.dataset.labels else pair)
        )
        model.write_bytes(bpe.train_sentencepiece(texts, args.vocab_size, args.character_coverage))
    (folder / "dict.txt").write_text(bpe.sentencepiece_dictionary(model), encoding="utf-8")


def versions() -> dict[str, str]:
    """Return the versions of what makes the outputs."""
    import fairseq
    import sentencepiece
    import torch

    modules = (fairseq, sentencepiece, torch)
    return {"python": platform.python_version()} | {
        module.__name__: str(module.__version__) for module in modules
    }


def prepare(args: argparse.Namespace) -> None:
    """Do what the command line says.

    Raises:
        CorpusError: bad input, or an output folder that is in the way.
    """
    out = args.out_dir.resolve()
    settings = read_settings(args)
    inputs = read_inputs(args)
    plan = make_plan(inputs, settings, out, args.overwrite)
    if not plan.build:
        print(f"nothing to do: {out} is up to date")
        return

    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        stage = Path(scratch) / "new"
        stage.mkdir()
        if plan.manifest:
            manifest, home = plan.manifest, out
        else:
            home = stage
            make_dictionary(args, inputs, stage)
            trained = args.bpe == "sentencepiece" and not args.sentencepiece_model
            manifest = {
                "settings": settings,
                "files": {file.name: sha256(file) for file in sorted(stage.iterdir())},
                "trained_on": list(inputs) if trained else [],
                "tasks": {},
            }
        load = (
            partial(bpe.load_gpt2, args.gpt2_bpe_dir)
            if args.bpe == "gpt2"
            else partial(bpe.load_sentencepiece, home / "spm.model")
        )
        with bpe.start_workers(args.workers, load) as pool:
            for task in plan.build:
                dataset = inputs[task].dataset
                print(f"{task}: encoding and binarizing ...", flush=True)
                build_task(task, dataset, stage, home / "dict.txt", pool, args.workers)
                manifest["tasks"][task] = {
                    "corpus": dataset.name,
                    "title": dataset.title or task,
                    "writing": asdict(Writing.of(text for text, _ in dataset.splits["train"])),
                    "labels": list(dataset.labels),
                    "counts": {split: len(pairs) for split, pairs in dataset.splits.items()},
                    "raw": inputs[task].raw,
                    "files": hash_files(stage, f"text/{task}", f"data-bin/{task}"),
                }
        manifest["versions"] = versions()
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        (stage / MANIFEST).write_text(text, encoding="utf-8")
        install(stage, out, plan.drop)
    print(f"built {', '.join(plan.build)} in {out}")


def positive(text: str) -> int:
    """Parse a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raw-dir", type=Path, help="folder of the raw corpora")
    parser.add_argument("--out-dir", type=Path, required=True, help="folder to write, DATA above")
    parser.add_argument(
        "--tasks",
        default=",".join(READERS),
        help="tasks to prepare from --raw-dir; '' for none (default: %(default)s)",
    )
    parser.add_argument(
        "--custom",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="also prepare a classification task of your own, see custom.py; may be repeated",
    )
    parser.add_argument(
        "--bpe",
        required=True,
        choices=("gpt2", "sentencepiece"),
        help="gpt2 for a pretrained BART, sentencepiece to train from scratch",
    )
    parser.add_argument(
        "--gpt2-bpe-dir",
        type=Path,
        metavar="DIR",
        help=f"folder with fairseq's {', '.join(bpe.GPT2_FILES)}; they are never downloaded",
    )
    parser.add_argument(
        "--sentencepiece-model",
        type=Path,
        metavar="FILE",
        help="use this model instead of training one",
    )
    parser.add_argument(
        "--vocab-size",
        type=positive,
        default=8000,
        help="number of SentencePiece pieces, if the texts give so many (default: %(default)s)",
    )
    parser.add_argument(
        "--character-coverage",
        type=float,
        default=1.0,
        help="share of the training texts' characters that get pieces, the rest is written as "
        "bytes, which fairseq-generate shows as <0xE2>; 0.9995 suits Japanese and Chinese "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--workers", type=positive, default=1, help="number of processes (default: %(default)s)"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace data that was made with other settings; other files in --out-dir are kept",
    )
    return parser


if __name__ == "__main__":
    exit_on_error(lambda: prepare(get_parser().parse_args()))
