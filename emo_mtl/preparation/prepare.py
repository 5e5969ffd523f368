"""Making a folder of data from raw corpora; `emo-mtl prepare --help` shows what is in it.

All is built in a temporary folder beside it: a failure leaves it as it was. Made again, only what is out
of date is built.
"""

import json
import platform
import shutil
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from emo_mtl.errors import UserError
from emo_mtl.inference.bpe import GPT2_FILES
from emo_mtl.inference.model_files import MANIFEST
from emo_mtl.inference.text import Writing
from emo_mtl.inference.turns import last_turn
from emo_mtl.io import sha256
from emo_mtl.names import RESPONSE, name_fault
from emo_mtl.preparation import custom, dailydialog, encode, examples
from emo_mtl.preparation.binarize import build_task
from emo_mtl.preparation.corpora import PAPER, READERS
from emo_mtl.preparation.corpus import SPLITS, Dataset
from emo_mtl.preparation.dialogues import folder as dialogues
from emo_mtl.preparation.dialogues.summary import summary
from emo_mtl.preparation.licences import terms_of
from emo_mtl.preparation.plan import Input, hash_files, install, make_plan

FORMAT = 2  # raise it when the same inputs and settings give other outputs than before


@dataclass(frozen=True)
class Options:
    """What to prepare, and how.

    Attributes:
        out_dir: the folder to write
        bpe: gpt2 for a pretrained BART, sentencepiece to train from scratch
        raw_dir: the folder of the raw corpora, for `tasks`
        tasks: of `READERS`; None for those of `PAPER` where there is a `raw_dir`, without `response` where
            there are `responses`
        responses: folders or files of dialogues of your own, see `emo_mtl.preparation.dialogues`
        utterance_labels: `NAME=COLUMN` of the dialogues: a classification task of each turn
        reply_labels: the same of each reply, from what was said before
        context_turns: the most turns in an input
        custom: `NAME=FOLDER` of classification tasks of your own, see `emo_mtl.preparation.custom`
        gpt2_bpe_dir: the folder of fairseq's files, for gpt2
        sentencepiece_model: used instead of training one
        vocab_size: pieces of SentencePiece, if the texts give so many
        character_coverage: share of the training texts' characters that get pieces
        workers: processes
        overwrite: replace data that was made with other settings
    """

    out_dir: Path
    bpe: str
    raw_dir: Path | None = None
    tasks: Sequence[str] | None = None
    responses: Sequence[Path] = ()
    utterance_labels: Sequence[str] = ()
    reply_labels: Sequence[str] = ()
    context_turns: int = 1
    custom: Sequence[str] = ()
    gpt2_bpe_dir: Path | None = None
    sentencepiece_model: Path | None = None
    vocab_size: int = 8000
    character_coverage: float = 1.0
    workers: int = 1
    overwrite: bool = False


def read_inputs(options: Options) -> dict[str, Input]:
    """Read and check the corpora of all tasks that are asked for.

    Raises:
        UserError: a wrong name of a task, or a bad corpus.
    """
    inputs = paper_tasks(options)
    inputs |= dialogue_tasks(options, inputs)
    inputs |= custom_tasks(options, inputs)
    if not inputs:
        raise UserError.at(
            "--tasks",
            found="no task",
            expected="at least one",
            fix="name one, or use --responses or --custom",
        )
    for name, item in inputs.items():
        print(f"{name}: {item.dataset.summary()}", flush=True)
    return inputs


def paper_tasks(options: Options) -> dict[str, Input]:
    """The tasks of the paper's corpora, and of the others of `READERS`, that are asked for."""
    tasks = options.tasks
    if tasks is None:
        own = (RESPONSE,) if options.responses else ()
        others = (options.responses, options.custom, options.utterance_labels, options.reply_labels)
        is_paper = options.raw_dir or not any(others)
        tasks = [task for task in PAPER if task not in own] if is_paper else []
    for task in tasks:
        if task not in READERS:
            raise UserError.at(
                "--tasks",
                found=repr(task),
                expected=f"some of {','.join(READERS)}",
                fix="correct the name; a task of your own goes to --custom NAME=FOLDER",
            )
        if not options.raw_dir:
            raise UserError.at(
                f"--tasks {','.join(tasks)}",
                found="no --raw-dir",
                expected="the folder of the raw corpora",
                fix="add --raw-dir, or leave --tasks out to prepare --responses and --custom only",
            )
    if not options.raw_dir:
        return {}
    if RESPONSE in tasks and options.responses:
        raise UserError.at(
            f"--tasks {','.join(tasks)}",
            found=f"{RESPONSE} beside --responses",
            expected="one of the two",
            fix=f"leave out {RESPONSE}, and add --responses RAW/dailydialog to have its dialogues too",
        )
    return {task: paper_task(options, task, options.raw_dir / READERS[task][0]) for task in tasks}


def paper_task(options: Options, task: str, folder: Path) -> Input:
    """One task of the paper's, of its corpus's folder; the responses with as many turns as asked for."""
    if task != RESPONSE:
        dataset = READERS[task][1](folder)
        return Input(dataset, hashes(dataset, folder))
    dataset = dailydialog.read(folder, options.context_turns)
    return Input(dataset, hashes(dataset, folder), made_with(options.context_turns))


def made_with(turns: int) -> dict[str, Any]:
    """What a manifest notes of the turns in an input; nothing of one, as before there could be several."""
    return {"context_turns": turns} if turns > 1 else {}


def dialogue_tasks(options: Options, taken: Collection[str]) -> dict[str, Input]:
    """The responses, and the tasks of columns, of dialogues of one's own; `taken` are names of others."""
    turns = options.context_turns
    paths = options.responses
    wanted = [
        (item, flag, find)
        for flag, items, find in (
            ("--utterance-labels", options.utterance_labels, examples.utterance_labels),
            ("--reply-labels", options.reply_labels, examples.reply_labels),
        )
        for item in items
    ]
    if wanted and not paths:
        raise UserError.at(
            f"{wanted[0][1]} {wanted[0][0]}",
            found="no --responses",
            expected="the dialogues whose column it is",
            fix="add --responses FOLDER",
        )
    if not paths:
        return {}
    twice = [path for i, path in enumerate(paths) if path.resolve() in map(Path.resolve, paths[:i])]
    if twice:
        raise UserError.at(
            "--responses",
            found=f"{twice[0]} twice",
            expected="different dialogues",
            fix="leave one of them out",
        )
    corpora = [dialogues.read(path) for path in paths]
    for corpus in corpora:
        print(summary(corpus), flush=True)
    raw = {}
    for number, (path, corpus) in enumerate(zip(paths, corpora, strict=True), start=1):
        home = path.parent if path.is_file() else path
        for file in corpus.files:
            raw[f"{number}/{file.relative_to(home).as_posix()}"] = sha256(file)
    made = made_with(turns)
    of = [
        {
            "name": corpus.name,
            "format": corpus.format,
            "terms": terms_of(corpus.name),
            "dialogues": {split: len(corpus.splits[split]) for split in SPLITS},
        }
        for corpus in corpora
    ]
    inputs = {RESPONSE: Input(examples.responses(corpora, turns), raw, {**made, "corpora": of})}
    for item, flag, find in wanted:
        name, _, column = item.partition("=")
        check_task_name(f"{flag} {item[:200]}", name, column, "COLUMN", {*taken, *inputs})
        dataset = examples.labels(name, corpora, find, column, turns)
        inputs[name] = Input(dataset, raw, {**made, "corpora": of, flag.strip("-"): column})
    return inputs


def custom_tasks(options: Options, taken: Collection[str]) -> dict[str, Input]:
    """The classification tasks of one's own; `taken` are names of others."""
    inputs: dict[str, Input] = {}
    for item in options.custom:
        name, _, given = item.partition("=")
        check_task_name(f"--custom {item[:200]}", name, given, "FOLDER", {*taken, *inputs})
        dataset = custom.read(Path(given))
        inputs[name] = Input(dataset, hashes(dataset, Path(given)))
    return inputs


def check_task_name(where: str, name: str, value: str, kind: str, taken: Collection[str]) -> None:
    """Raise `UserError` where `NAME=VALUE` has a name that cannot be used, or no value.

    Args:
        where: the flag
        kind: what the value is
        taken: the names of other tasks
    """
    fault = name_fault(name) or ("which another task has" if name in taken else None)
    if fault or not value:
        raise UserError.at(
            where,
            found=f"the name {name[:100]!r} {fault or f'without a {kind.lower()}'}",
            expected=f"NAME={kind} with a NAME that no other task has",
            fix="choose a short name of letters, digits, _ and -, such as mood=my_data/mood",
        )


def hashes(dataset: Dataset, folder: Path) -> dict[str, str]:
    """The sha256 of a dataset's raw files by their path in the folder."""
    return {file.relative_to(folder).as_posix(): sha256(file) for file in dataset.files}


def read_settings(options: Options) -> dict[str, Any]:
    """Return the settings that decide how texts are encoded.

    Raises:
        UserError: files that they need are missing.
    """
    settings: dict[str, Any] = {"format": FORMAT, "bpe": options.bpe}
    if options.bpe == "gpt2":
        if not options.gpt2_bpe_dir:
            raise UserError.at(
                "--bpe gpt2",
                found="no --gpt2-bpe-dir",
                expected=f"a folder with {', '.join(GPT2_FILES)}",
                fix="add --gpt2-bpe-dir",
            )
        encode.check_gpt2_files(options.gpt2_bpe_dir)
        files = {name: sha256(options.gpt2_bpe_dir / name) for name in GPT2_FILES}
        return {**settings, "files": files}
    if options.sentencepiece_model:
        encode.sentencepiece_dictionary(options.sentencepiece_model)
        return {**settings, "model": sha256(options.sentencepiece_model)}
    return {
        **settings,
        "vocab_size": options.vocab_size,
        "character_coverage": options.character_coverage,
    }


def make_dictionary(options: Options, inputs: dict[str, Input], folder: Path) -> None:
    """Write `folder/dict.txt` and the files of the BPE."""
    if options.gpt2_bpe_dir and options.bpe == "gpt2":
        for name in GPT2_FILES:
            shutil.copyfile(options.gpt2_bpe_dir / name, folder / name)
        return
    model = folder / "spm.model"
    if not options.sentencepiece_model:
        print("training SentencePiece on the training texts of all tasks ...", flush=True)
    if options.sentencepiece_model:
        shutil.copyfile(options.sentencepiece_model, model)
    else:
        texts = (
            text
            for item in inputs.values()
            for pair in item.dataset.splits["train"]
            for text in (last_turn(pair[0]), *(() if item.dataset.labels else pair[1:]))
        )
        model.write_bytes(
            encode.train_sentencepiece(texts, options.vocab_size, options.character_coverage)
        )
    (folder / "dict.txt").write_text(encode.sentencepiece_dictionary(model), encoding="utf-8")


def versions() -> dict[str, str]:
    """Return the versions of what makes the outputs."""
    import fairseq
    import sentencepiece
    import torch

    modules = (fairseq, sentencepiece, torch)
    return {"python": platform.python_version()} | {
        module.__name__: str(module.__version__) for module in modules
    }


def prepare(options: Options) -> None:
    """Make a folder of data, or what of it is out of date.

    Raises:
        UserError: bad input, or an output folder that is in the way.
    """
    out = options.out_dir.resolve()
    settings = read_settings(options)
    inputs = read_inputs(options)
    plan = make_plan(inputs, settings, out, options.overwrite)
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
            make_dictionary(options, inputs, stage)
            trained = options.bpe == "sentencepiece" and not options.sentencepiece_model
            manifest = {
                "settings": settings,
                "files": {file.name: sha256(file) for file in sorted(stage.iterdir())},
                "trained_on": list(inputs) if trained else [],
                "tasks": {},
            }
        load = (
            partial(encode.load_gpt2, options.gpt2_bpe_dir)
            if options.gpt2_bpe_dir and options.bpe == "gpt2"
            else partial(encode.load_sentencepiece, home / "spm.model")
        )
        with encode.start_workers(options.workers, load) as pool:
            for task in plan.build:
                dataset = inputs[task].dataset
                print(f"{task}: encoding and binarizing ...", flush=True)
                build_task(task, dataset, stage, home / "dict.txt", pool)
                manifest["tasks"][task] = {
                    "corpus": dataset.name,
                    "title": dataset.title or task,
                    "writing": asdict(
                        Writing.of(last_turn(text) for text, _ in dataset.splits["train"])
                    ),
                    "labels": list(dataset.labels),
                    "counts": {split: len(pairs) for split, pairs in dataset.splits.items()},
                    "made": inputs[task].made,
                    "raw": inputs[task].raw,
                    "files": hash_files(stage, f"text/{task}", f"data-bin/{task}"),
                }
        manifest["versions"] = versions()
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        (stage / MANIFEST).write_text(text, encoding="utf-8")
        install(stage, out, plan.drop)
    print(f"built {', '.join(plan.build)} in {out}")
