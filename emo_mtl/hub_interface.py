"""A trained checkpoint from Python: `EmoBART.from_pretrained("checkpoints/mt")`, `respond`, `classify`.

The functions below the class are what it shares with the command lines (`emo-mtl classify`).
"""

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
from fairseq.dataclass.configs import FairseqConfig, GenerationConfig
from fairseq.dataclass.utils import overwrite_args_by_name
from torch import Tensor, nn

from emo_mtl import compat  # noqa: F401  (first: it prepares torch for fairseq's checkpoints)
from emo_mtl.criterions import multitask_nll  # noqa: F401  (registers what a checkpoint names)
from emo_mtl.data.datasets import PairDataset
from emo_mtl.errors import UserError
from emo_mtl.models import emo_bart  # noqa: F401
from emo_mtl.tasks.emotion_dialogue import EmotionDialogueTask

# The arguments that name the files of each kind of BPE, and the files' names beside a data-bin.
BPE_FILES = {
    "sentencepiece": {"sentencepiece_model": "spm.model"},
    "gpt2": {"gpt2_encoder_json": "encoder.json", "gpt2_vocab_bpe": "vocab.bpe"},
}


class EmoBART:
    """Answers utterances and recognises their emotions, with one checkpoint.

    Each text is an utterance by itself, as in training: there is no memory of earlier ones. White
    space of any kind (line ends, tabs) counts as a space. A text that is longer than the model's
    `--max-source-length` (64 tokens by default) is cut off there, which is logged. `</s>`, `<mask>`
    and the like are plain text. Not safe for threads: one call at a time.
    """

    def __init__(self, task: EmotionDialogueTask, model: nn.Module, bpe: Any):
        self.task = task
        self.model = model
        self.bpe = bpe

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        data: str | Path | None = None,
        bpe: str | None = None,
        sentencepiece_model: str | Path | None = None,
        gpt2_encoder_json: str | Path | None = None,
        gpt2_vocab_bpe: str | Path | None = None,
        device: str | None = None,
    ) -> "EmoBART":
        """Load a checkpoint of `fairseq-train --task emotion_dialogue`.

        Args:
            path: checkpoint, or a `--save-dir` with `checkpoint_best.pt` in it
            data: the prepared folder (data-bin), of which the dictionary is read; the one that the
                checkpoint was trained on by default
            bpe: `sentencepiece` or `gpt2`; by default found from the files
            sentencepiece_model, gpt2_encoder_json, gpt2_vocab_bpe: the files of the BPE; by default
                `spm.model`, or `encoder.json` and `vocab.bpe`, in the folder above `data`
            device: such as `cpu`, `cuda` or `cuda:1`; a GPU where there is one by default

        Raises:
            UserError: a file that is missing, or that is not what it should be. A checkpoint that
                would run code when it is loaded is refused, and nothing of it is run.
        """
        state = load_checkpoint(checkpoint_file(Path(path)))
        folder = Path(data or utils.split_paths(state["cfg"].task.data)[0])
        if not folder.is_dir():
            raise UserError(
                f"{folder}: no such folder, expected the prepared data (data-bin) "
                + ("" if data else f"that {path} names: give data (--data)")
            )
        files = {
            "sentencepiece_model": sentencepiece_model,
            "gpt2_encoder_json": gpt2_encoder_json,
            "gpt2_vocab_bpe": gpt2_vocab_bpe,
        }
        encoder = find_bpe(folder, bpe, files)
        task, model = build_model(state, folder)
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(task, model.to(device), load_bpe(task, encoder))

    @property
    def heads(self) -> dict[str, list[str]]:
        """The labels of each classification head."""
        return self.task.heads

    def classify(
        self, texts: Sequence[str], task: str | None = None, batch_size: int = 64
    ) -> list[dict[str, dict[str, float]]]:
        """Recognise the emotion of each text.

        Args:
            task: the head to apply, such as `e6`; all heads for None

        Returns:
            for each text: head -> label -> probability, the most probable label first

        Raises:
            UserError: no such head, or a text that is empty or no text
        """
        if task is not None and task not in self.heads:
            raise UserError(
                f"task {task!r}: found the heads {', '.join(self.heads) or 'none'}, expected one of them"
            )
        dataset = text_dataset(self.task, self.bpe, texts)
        found: list[dict[str, dict[str, float]]] = [{} for _ in texts]
        for name in self.heads if task is None else [task]:
            for row, item in zip(
                predict(self.task, self.model, name, dataset, batch_size), found, strict=True
            ):
                order = row.argsort(kind="stable")[::-1]
                item[name] = {self.heads[name][i]: float(row[i]) for i in order}
        return found

    def respond(
        self,
        texts: Sequence[str],
        beam: int = 5,
        no_repeat_ngram_size: int = 3,
        seed: int | None = None,
        batch_size: int = 32,
        **settings: Any,
    ) -> list[str]:
        """Answer each text; beam search gives the same answers every time.

        Args:
            beam: width of the beam. With `sampling` that many answers are drawn, and the most
                probable of them is returned: 1 for plain sampling
            no_repeat_ngram_size: no n-gram of tokens of this length twice; 0: no limit
            seed: of sampling; by default torch's random numbers go on where they are
            settings: fairseq's other flags of generation, with `_` for `-`: `lenpen`,
                `sampling=True`, `sampling_topk`, `sampling_topp`, `temperature`, ...

        Raises:
            UserError: a setting that does not exist or makes no sense, or a text that is empty or no text
        """
        dataset = text_dataset(self.task, self.bpe, texts)
        generator = self._generator(
            beam=beam, no_repeat_ngram_size=no_repeat_ngram_size, **settings
        )
        ignored = getattr(generator, "symbols_to_strip_from_output", {generator.eos})
        answers = [""] * len(dataset)
        with torch.no_grad(), seeded(seed, self._device):
            for batch in batches(self.task, dataset, batch_size, self._device):
                sample = {key: batch["net_input"][key] for key in ("src_tokens", "src_lengths")}
                found = self.task.inference_step(generator, [self.model], {"net_input": sample})
                for index, hypotheses in zip(batch["id"].tolist(), found, strict=True):
                    tokens = hypotheses[0]["tokens"].int().cpu()
                    text = self.task.target_dictionary.string(
                        tokens, extra_symbols_to_ignore=ignored
                    )
                    answers[index] = self.bpe.decode(text)
        return answers

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def _generator(self, **settings: Any) -> Any:
        try:
            if settings["beam"] < 1 or settings["no_repeat_ngram_size"] < 0:
                raise ValueError("expected a beam of 1 or more, and n-grams of 0 or more tokens")
            return self.task.build_generator([self.model], GenerationConfig(**settings))
        except (AssertionError, TypeError, ValueError) as error:  # the first two are fairseq's
            shown = ", ".join(f"{name}={value!r}" for name, value in settings.items())
            raise UserError(f"{shown}: cannot generate with these settings ({error})") from error


@contextlib.contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Seed torch within the block and restore its state behind it; nothing for None."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


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
        UserError: not a checkpoint, one of another task, or one that would run code when loaded
    """
    try:
        # torch < 2.6 protects fairseq's own call only if asked; mapped, this reads no weights yet.
        content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
        if not isinstance(content, dict) or "heads" not in content.get("task_state", {}):
            raise UserError(
                f"{path}: found no classification heads, expected a checkpoint of "
                "fairseq-train --task emotion_dialogue"
            )
        return checkpoint_utils.load_checkpoint_to_cpu(str(path))
    except Exception as error:  # torch raises many kinds; a `UserError` is not one of them
        if culprit := re.search(r"GLOBAL (\S+)", str(error)):
            raise UserError(
                f"{path}: refused: found {culprit[1]}, which could run code when it is loaded (nothing was "
                "run), expected numbers and settings: use a file that fairseq-train wrote"
            ) from error
        raise UserError(f"{path}: cannot be read as a checkpoint ({error})") from error


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
        # Lets the model have heads that the checkpoint lacks; there is no optimizer here.
        "reset_optimizer": True,
    }
    cfg = state["cfg"]
    overwrite_args_by_name(cfg, overrides)
    task = tasks.setup_task(cfg.task)
    task.load_state_dict(state["task_state"])
    with seeded(seed, torch.device("cpu")):
        model = task.build_model(cfg.model, from_checkpoint=True)
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


def batches(
    task: EmotionDialogueTask, dataset: FairseqDataset, batch_size: int, device: torch.device
) -> Iterator[dict[str, Any]]:
    """Batches of similar lengths on a device; `batch["id"]` says which items they hold."""
    if not len(dataset):
        return
    iterator = task.get_batch_iterator(
        dataset, max_sentences=batch_size, disable_iterator_cache=True
    )
    for batch in iterator.next_epoch_itr(shuffle=False):
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
        for batch in batches(task, dataset, batch_size, device):
            logits, _ = model(**batch["net_input"], classification_head_name=name)  # B x C
            probabilities[batch["id"].cpu()] = logits.float().softmax(dim=1).cpu()
    return probabilities
