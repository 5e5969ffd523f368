"""From a checkpoint and text to classes: what `EmoBART` and the commands share."""

import contextlib
import re
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fairseq import checkpoint_utils, tasks, utils
from fairseq.data import FairseqDataset, ListDataset
from fairseq.dataclass.configs import FairseqConfig
from fairseq.dataclass.utils import overwrite_args_by_name
from torch import Tensor, nn

from emo_mtl.checkpoints import read
from emo_mtl.data.datasets import PairDataset
from emo_mtl.errors import UserError
from emo_mtl.tasks.emotion_dialogue import EmotionDialogueTask

# The flags that name the files of each kind of BPE, and the files' names in the folder above a data-bin.
BPE_FILES = {
    "sentencepiece": {"sentencepiece_model": "spm.model"},
    "gpt2": {"gpt2_encoder_json": "encoder.json", "gpt2_vocab_bpe": "vocab.bpe"},
}


# ---- loading


def checkpoint_file(path: Path) -> Path:
    """A checkpoint for itself, and `checkpoint_best.pt` for a `--save-dir`.

    Raises:
        UserError: there is no such file
    """
    file = path / "checkpoint_best.pt" if path.is_dir() else path
    if not file.is_file():
        raise UserError(f"{file}: no such file, expected a checkpoint of fairseq-train")
    return file


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What fairseq makes of a checkpoint of `emotion_dialogue`; nothing of it is run.

    Raises:
        UserError: not a checkpoint, a damaged one, one of another task, or one that would run code when it
            is loaded
    """
    if "heads" not in (read(path).get("task_state") or {}):
        raise UserError(
            f"{path}: found no classification heads, expected a checkpoint of "
            "fairseq-train --task emotion_dialogue"
        )
    return checkpoint_utils.load_checkpoint_to_cpu(str(path))


def data_folder(state: dict[str, Any], data: str | Path | None) -> Path:
    """`data`, or by default the folder that a checkpoint was trained on: the first of several.

    Raises:
        UserError: there is no such folder
    """
    folder = Path(data or utils.split_paths(state["cfg"].task.data)[0])
    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder, expected the prepared data (data-bin) "
            + ("" if data else "that the checkpoint names: give data (--data)")
        )
    return folder


def build_model(
    state: dict[str, Any], data: Path, classification_tasks: Sequence[str] = (), seed: int = 1
) -> tuple[EmotionDialogueTask, nn.Module]:
    """The task on a data folder and the model of a checkpoint, with its heads, for inference.

    Args:
        state: of :func:`load_checkpoint`
        classification_tasks: also read these tasks' labels from `data`, and compare them with the
            checkpoint's; a head that the checkpoint lacks is initialised with `seed`

    Raises:
        UserError: data that does not fit the checkpoint
    """
    overrides = {
        "data": str(data),
        "classification_tasks": ",".join(classification_tasks),
        "loss_weights": "",
        "eval_bleu": False,
    }
    cfg = state["cfg"]
    overwrite_args_by_name(cfg, overrides)
    task = tasks.setup_task(cfg.task)
    task.load_state_dict(state["task_state"])
    with seeded(seed, torch.device("cpu")):
        model = task.build_model(cfg.model, from_checkpoint=True)
    model.new_heads = set(classification_tasks) - state["task_state"]["heads"].keys()
    model.load_state_dict(state["model"], strict=True, model_cfg=cfg.model)
    model.eval()
    model.prepare_for_inference_(FairseqConfig())  # as fairseq's commands do
    return task, model


# ---- text


def find_bpe(data: Path, bpe: str | None, files: dict[str, str | Path | None]) -> Namespace:
    """The BPE flags of fairseq, from what was given and what lies in the folder above `data`.

    Raises:
        UserError: no BPE was given or found, or a file of it is missing
    """
    home = data.resolve().parent
    given = [kind for kind, names in BPE_FILES.items() if any(files[name] for name in names)]
    there = [
        kind
        for kind, names in BPE_FILES.items()
        if all((home / name).is_file() for name in names.values())
    ]
    kind = bpe or next(iter(given + there), None)
    if kind not in BPE_FILES:
        raise UserError(
            f"{home}: found {f'bpe {kind!r}' if kind else 'no spm.model, nor encoder.json and vocab.bpe'}, "
            "expected the BPE that the data was prepared with: give sentencepiece_model, or "
            "gpt2_encoder_json and gpt2_vocab_bpe (flags: --sentencepiece-model and so on; nothing is "
            "downloaded)"
        )
    flags = {flag: str(files[flag] or home / name) for flag, name in BPE_FILES[kind].items()}
    return check_bpe(Namespace(bpe=kind, **flags))


def check_bpe(flags: Namespace) -> Namespace:
    """Return `--bpe` and its files' flags; raise `UserError` where one of the files is missing."""
    for flag in BPE_FILES[flags.bpe]:
        file = getattr(flags, flag)
        if file is None or not Path(file).is_file():
            raise UserError(
                f"--bpe {flags.bpe}: found {file or 'nothing'} as --{flag.replace('_', '-')}, expected a "
                "file: give the one that the data was prepared with (nothing is downloaded)"
            )
    return flags


def load_bpe(task: EmotionDialogueTask, flags: Namespace) -> Any:
    """fairseq's encoder and decoder of text; `UserError` for files that are no such BPE."""
    try:
        return task.build_bpe(flags)
    except (OSError, RuntimeError, ValueError) as error:
        files = ", ".join(getattr(flags, flag) for flag in BPE_FILES[flags.bpe])
        raise UserError(f"{files}: cannot be read as {flags.bpe} BPE ({error})") from error


def text_dataset(
    task: EmotionDialogueTask, bpe: Any, texts: Sequence[str], where: str = "text"
) -> PairDataset:
    """Utterances as text, encoded and in the format of training.

    Args:
        where: what error messages name before the number of a text, from 1

    Raises:
        UserError: a text that is empty or cannot be encoded
    """
    if isinstance(texts, str):
        raise UserError(f"{where}: found one string, expected a list of strings")
    tokens = [
        encode(task, bpe, text, f"{where} {number}") for number, text in enumerate(texts, start=1)
    ]
    dataset = ListDataset(tokens, [len(item) for item in tokens])
    utterances = task.as_input(dataset, task.cfg.max_source_length, where)
    return task.pair_dataset(utterances, utterances)


def encode(task: EmotionDialogueTask, bpe: Any, text: str, where: str) -> Tensor:
    """`tokens </s>` of a text, 1-dimensional; white space of any kind becomes spaces."""
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"{where}: found {text!r}, expected an utterance")
    try:
        text.encode()
    except UnicodeEncodeError as error:  # one half of a surrogate pair
        raise UserError(f"{where}: found {text[error.start]!r}, expected Unicode text") from error
    pieces = bpe.encode(re.sub(r"\s", " ", text.strip()))
    return task.source_dictionary.encode_line(pieces, add_if_not_exist=False).long()


# ---- inference


@contextlib.contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Seed torch within the block and restore its state behind it; nothing for None."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def batches(
    dataset: FairseqDataset, batch_size: int, device: torch.device
) -> Iterator[dict[str, Any]]:
    """Batches of similar lengths on a device; `batch["id"]` says which items they hold."""
    for indices in dataset.batch_by_size(dataset.ordered_indices(), max_sentences=batch_size):
        batch = dataset.collater([dataset[i] for i in indices])
        yield utils.apply_to_sample(lambda tensor: tensor.to(device), batch)


def predict(
    task: EmotionDialogueTask,
    model: nn.Module,
    name: str,
    dataset: FairseqDataset,
    batch_size: int,
) -> np.ndarray:
    """Probabilities of one head's classes for each item of a dataset, N x C, in the items' order."""
    device = next(model.parameters()).device
    probabilities = np.zeros((len(dataset), len(task.heads[name])))
    with torch.no_grad():
        for batch in batches(dataset, batch_size, device):
            logits, _ = model(**batch["net_input"], classification_head_name=name)  # B x C
            probabilities[batch["id"].cpu()] = logits.float().softmax(dim=1).cpu()
    return probabilities
