"""Task `emotion_dialogue`: response generation, and emotion recognition beside it (paper, Section 3)."""

import copy
import logging
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fairseq import utils
from fairseq.data import Dictionary, FairseqDataset, ListDataset, data_utils
from fairseq.data.iterators import EpochBatchIterator
from fairseq.distributed.utils import is_master
from fairseq.tasks import FairseqTask, register_task
from fairseq.tasks.translation import TranslationTask
from omegaconf import OmegaConf
from torch import Tensor, nn

from emo_mtl.data.batch_iterator import ScheduledBatchIterator, scheduled_iterator
from emo_mtl.data.datasets import BARTInputDataset, LabelledDataset, MultitaskDataset, PairDataset
from emo_mtl.data.loading import (
    PREPARE_AGAIN,
    check_same_dictionary,
    dictionary_sha256,
    load_dictionary,
    load_label_numbers,
    load_labels,
    load_tokens,
    parse_loss_weights,
    parse_task_names,
)
from emo_mtl.errors import UserError
from emo_mtl.generation.fast.beam_search import BeamSearchGenerator
from emo_mtl.generation.ngram_block import NGramBlock
from emo_mtl.generation.settings import never_generated
from emo_mtl.inference import bpe, model_files
from emo_mtl.inference.text import Writing
from emo_mtl.names import RESPONSE
from emo_mtl.optim.horizon import set_horizon
from emo_mtl.tasks.config import LENGTHS, EmotionDialogueConfig
from emo_mtl.tasks.flags import check_generation, check_group, check_training
from emo_mtl.tasks.validation_bleu import bleu_keys, log_bleu
from emo_mtl.training.checks import check_gradient, check_launcher, fit_lengths, warn_of_clipping
from emo_mtl.training.preemption import Preemption
from emo_mtl.training.restore import (
    check_models,
    check_room,
    check_start,
    check_state,
    choose_start,
)

logger = logging.getLogger(__name__)


@register_task("emotion_dialogue", dataclass=EmotionDialogueConfig)
class EmotionDialogueTask(TranslationTask):
    """Response generation as fairseq's `translation`, with any number of classification tasks.

    A checkpoint keeps the names and labels of its heads and a digest of its dictionary in the task's
    state, so that generation and classification rebuild the heads without any flag.
    """

    cfg: EmotionDialogueConfig
    position: Mapping[str, int] = {}  # in the data, of the checkpoint that a training goes on from

    def __init__(self, cfg: EmotionDialogueConfig, src_dict: Dictionary, tgt_dict: Dictionary):
        super().__init__(cfg, src_dict, tgt_dict)
        check_generation(self.command_cfg)
        for flag in LENGTHS:
            if getattr(cfg, flag) < 2:
                raise UserError(
                    f"--{flag.replace('_', '-')} {getattr(cfg, flag)}: expected 2 or more, since "
                    "<s> and </s> are 2 tokens"
                )
        self.classification_tasks = parse_task_names(cfg.classification_tasks)
        self.loss_weights = parse_loss_weights(cfg.loss_weights, self.classification_tasks)
        self.preemption = Preemption()
        heads = {}
        for name in self.classification_tasks:
            folder = self.data_folder() / name
            heads[name] = load_labels(folder / "label" / "dict.txt")
            check_same_dictionary(folder / "input0" / "dict.txt", src_dict)
        self.state.merge_state_dict(
            {
                "heads": heads,
                "dictionary_sha256": dictionary_sha256(src_dict),
                **{flag: getattr(cfg, flag) for flag in LENGTHS},
                **model_files.notes_for_checkpoint(self.data_folder()),
            }
        )

    @classmethod
    def add_args(cls, parser: ArgumentParser) -> None:
        """Add the task's flags; without --total-num-update, `polynomial_decay` is left to `set_horizon`."""
        super().add_args(parser)
        parser.set_defaults(total_num_update=0)

    @classmethod
    def setup_task(cls, cfg: EmotionDialogueConfig, **kwargs: Any) -> "EmotionDialogueTask":
        """Load the dictionaries; source and target must share one, as BART shares its embeddings.

        A save folder will do where no data is loaded (fairseq-interactive).

        Raises:
            UserError: no data folder, dictionaries that differ, or a `--path` that is no checkpoint
        """
        check_models(cfg._get_root() if OmegaConf.is_config(cfg) else {})
        data = Path(utils.split_paths(cfg.data)[0])
        folder = model_files.data_bin(data) / RESPONSE
        if model_files.is_model_folder(data):
            dictionary = load_dictionary(data / model_files.DICTIONARY)
            return cls(cfg, dictionary, dictionary)
        if not folder.is_dir():
            raise UserError(
                f"{folder}: no such folder, expected the binarized responses: {PREPARE_AGAIN}"
            )
        if cfg.source_lang is None or cfg.target_lang is None:
            cfg.source_lang, cfg.target_lang = data_utils.infer_language_pair(str(folder))
        if cfg.source_lang is None or cfg.target_lang is None:
            raise UserError(
                f"{folder}: found no binarized file, expected train.source-target.source.idx and so on: "
                f"{PREPARE_AGAIN}"
            )
        src_dict = load_dictionary(folder / f"dict.{cfg.source_lang}.txt")
        check_same_dictionary(folder / f"dict.{cfg.target_lang}.txt", src_dict)
        # Two objects: undoing a BPE (--remove-bpe) makes fairseq add words to that of the responses.
        return cls(cfg, src_dict, copy.deepcopy(src_dict))

    @property
    def heads(self) -> dict[str, list[str]]:
        """The labels of each classification head, in the order of its classes."""
        return self.state.heads

    def writing(self, name: str) -> Writing | None:
        """How the corpus of a task writes; None where it is not known."""
        found = self.state.writing.get(name)
        return found and Writing.from_json(found, "the checkpoint")

    @property
    def command_cfg(self) -> Any:
        """The config of the whole command, which fairseq-train goes on reading; empty without one."""
        return self.cfg._get_root() if OmegaConf.is_config(self.cfg) else {}

    @property
    def trained_tasks(self) -> list[str]:
        """Response generation, then the classification tasks whose weight is not 0."""
        return [RESPONSE, *(name for name, weight in self.loss_weights.items() if weight)]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what a checkpoint notes of its heads, lengths and text, after :func:`check_state`."""
        check_state(state_dict, self.state, self.data_folder())
        own = self.state_dict()
        merged = {
            "heads": {**state_dict.get("heads", {}), **own["heads"]},
            "bpe": state_dict.get("bpe") or own["bpe"],
            # of the data of the training, where it says so
            **{key: {**own[key], **state_dict.get(key, {})} for key in ("writing", "titles")},
        }
        given = {f: getattr(self.cfg, f) for f in LENGTHS}
        given = {f: v for f, v in given.items() if v != getattr(EmotionDialogueConfig, f)}
        super().load_state_dict({**state_dict, **merged, **given})
        for flag in LENGTHS:  # old checkpoints have none
            setattr(self.cfg, flag, getattr(self.state, flag))

    def data_folder(self, epoch: int = 1) -> Path:
        """The folder of an epoch's training data: fairseq takes several, separated by colons, in turn."""
        paths = utils.split_paths(self.cfg.data)
        return model_files.data_bin(Path(paths[(epoch - 1) % len(paths)]))

    # ---- data

    def load_dataset(
        self, split: str, epoch: int = 1, combine: bool = False, **kwargs: Any
    ) -> None:
        """Load the responses, and each of `--classification-tasks`, of one split.

        Raises:
            UserError: a file that is missing, cut off or empty, or that does not fit its labels
        """
        folder = self.data_folder(epoch if split == self.cfg.train_subset else 1)
        names = self.classification_tasks
        if split == self.cfg.train_subset:
            names = [name for name in names if name in self.trained_tasks]
        datasets = {RESPONSE: self.load_responses(folder / RESPONSE, split)}
        for name in names:
            datasets[name] = self.load_classification(folder / name, split, name)
        for name, dataset in datasets.items():
            logger.info(f"{split} {name}: {len(dataset):,} examples")
        self.datasets[split] = MultitaskDataset(datasets) if names else datasets[RESPONSE]

    def load_responses(self, folder: Path, split: str) -> PairDataset:
        """Utterances and responses as `<s> tokens </s>`."""
        src, tgt = self.cfg.source_lang, self.cfg.target_lang
        prefix = str(folder / f"{split}.{src}-{tgt}.")
        source = self.load_utterances(prefix + src, self.cfg.max_source_length)
        target = self.load_utterances(prefix + tgt, self.cfg.max_target_length)
        if len(source) != len(target):
            raise UserError(
                f"{prefix}{tgt}.bin: found {len(target):,} responses, expected {len(source):,}, one for "
                f"each utterance: {PREPARE_AGAIN}"
            )
        return self.pair_dataset(source, target, shuffle=split != "test")

    def load_classification(self, folder: Path, split: str, name: str) -> LabelledDataset:
        """Utterances as `<s> tokens </s>`, each with its class number."""
        utterances = self.load_utterances(
            str(folder / "input0" / split), self.cfg.max_source_length
        )
        labels = load_label_numbers(
            str(folder / "label" / split), self.heads[name], len(utterances)
        )
        pairs = self.pair_dataset(utterances, utterances, shuffle=split != "test")
        return LabelledDataset(pairs, labels)

    def load_utterances(self, prefix: str, max_length: int) -> BARTInputDataset:
        tokens = load_tokens(prefix, self.src_dict, self.cfg.dataset_impl)
        return self.as_input(tokens, max_length, prefix)

    def as_input(self, tokens: FairseqDataset, max_length: int, where: str) -> BARTInputDataset:
        """Sequences `tokens </s>` in BART's format; says how many are cut off at `max_length`."""
        cut = int((np.asarray(tokens.sizes) + 1 > max_length).sum())
        if cut:
            logger.info(
                f"{where}: {cut:,} of {len(tokens):,} utterances are longer than {max_length} tokens "
                "and are cut off there"
            )
        return BARTInputDataset(tokens, self.src_dict.bos(), self.src_dict.eos(), max_length)

    def pair_dataset(
        self,
        source: FairseqDataset,
        target: FairseqDataset | None,
        shuffle: bool = False,
        constraints: Any = None,
    ) -> PairDataset:
        return PairDataset(
            source,
            source.sizes,
            self.src_dict,
            target,
            None if target is None else target.sizes,
            self.tgt_dict,
            left_pad_source=self.cfg.left_pad_source,
            left_pad_target=self.cfg.left_pad_target,
            shuffle=shuffle,
            constraints=constraints,
            num_buckets=self.cfg.num_batch_buckets,
            pad_to_multiple=self.cfg.required_seq_len_multiple,
        )

    def build_dataset_for_inference(
        self, src_tokens: Sequence[Tensor], src_lengths: Sequence[int], constraints: Any = None
    ) -> PairDataset:
        """Typed utterances (fairseq-interactive) in the format of training."""
        tokens = ListDataset(src_tokens, src_lengths)
        source = self.as_input(tokens, self.cfg.max_source_length, "input")
        return self.pair_dataset(source, None, constraints=constraints)

    def filter_indices_by_size(
        self,
        indices: np.ndarray,
        dataset: FairseqDataset,
        max_positions: Any = None,
        ignore_invalid_inputs: bool = False,
    ) -> np.ndarray:
        """As every task's.

        Raises:
            UserError: no example of a task is short enough
        """
        kept = super().filter_indices_by_size(
            indices, dataset, max_positions, ignore_invalid_inputs
        )
        if isinstance(dataset, MultitaskDataset):
            lost = dataset.names_of(indices) - dataset.names_of(kept)
        else:
            lost = {RESPONSE} if len(kept) == 0 < len(indices) else set()
        for name in sorted(lost):
            raise UserError(
                f"{self.data_folder() / name}: every example is longer than {max_positions} tokens (source, "
                "target): raise --max-source-positions and --max-target-positions (and --max-tokens), or "
                "lower --max-source-length"
            )
        return kept

    def get_batch_iterator(self, dataset: FairseqDataset, **kwargs: Any) -> EpochBatchIterator:
        """fairseq's iterator; over the training set of several tasks, one that follows the schedule."""
        if dataset is not self.datasets.get(self.cfg.train_subset):
            return super().get_batch_iterator(dataset, **kwargs)
        scheduled = isinstance(dataset, MultitaskDataset)
        make = self.scheduled_iterator if scheduled else super().get_batch_iterator
        iterator = make(dataset, **kwargs)
        check_room(self.position, kwargs.get("epoch", 1), len(iterator))
        set_horizon(self.command_cfg, len(iterator))
        return iterator

    def scheduled_iterator(
        self,
        dataset: MultitaskDataset,
        max_tokens: int | None = None,
        max_sentences: int | None = None,
        max_positions: Any = None,
        ignore_invalid_inputs: bool = False,
        required_batch_size_multiple: int = 1,
        seed: int = 1,
        num_shards: int = 1,
        shard_id: int = 0,
        num_workers: int = 0,
        epoch: int = 1,
        data_buffer_size: int = 0,
        disable_iterator_cache: bool = False,
        skip_remainder_batch: bool = False,
        **unused: Any,
    ) -> ScheduledBatchIterator:
        """An iterator over the schedule, whose order depends on seed and epoch only."""
        if not disable_iterator_cache and dataset in self.dataset_to_epoch_iter:
            return self.dataset_to_epoch_iter[dataset]

        def keep(indices: np.ndarray) -> np.ndarray:
            if max_positions is None:
                return indices
            return self.filter_indices_by_size(
                indices, dataset, max_positions, ignore_invalid_inputs
            )

        iterator = scheduled_iterator(
            dataset,
            self.cfg.task_sampling,
            epoch,
            keep,
            limits={
                "max_tokens": max_tokens,
                "max_sentences": max_sentences,
                "required_batch_size_multiple": required_batch_size_multiple,
            },
            seed=seed,
            num_shards=num_shards,
            shard_id=shard_id,
            num_workers=num_workers,
            buffer_size=data_buffer_size,
            skip_remainder_batch=skip_remainder_batch,
        )
        if not disable_iterator_cache:
            self.dataset_to_epoch_iter[dataset] = iterator
        return iterator

    # ---- model and training

    def build_model(self, cfg: Any, from_checkpoint: bool = False) -> nn.Module:
        """The model with a head for each classification task; heads of weight 0 are frozen.

        Raises:
            UserError: in training, a flag that cannot be used, or a checkpoint to start from that is missing,
                damaged, or of something else; a model without classification heads
        """
        start = None
        if not from_checkpoint and "checkpoint" in self.command_cfg:
            check_training(self.command_cfg, self.data_folder(), self.classification_tasks)
            checkpoint = self.command_cfg.checkpoint
            start = choose_start(checkpoint)
            # By default rank 0 sends it to the others as a pickle with fairseq's config, which torch >= 2.6
            # refuses.
            checkpoint.load_checkpoint_on_all_dp_ranks = True
        model = super().build_model(cfg, from_checkpoint)
        if self.heads and not hasattr(model, "register_classification_head"):
            raise UserError(
                f"{type(model).__name__} has no classification heads, expected one for each of "
                f"{', '.join(self.heads)}: use --arch emo_bart_large, emo_bart_base or emo_bart_tiny"
            )
        for name, labels in self.heads.items():
            model.register_classification_head(name, num_classes=len(labels))
            if self.loss_weights.get(name) == 0:
                model.classification_heads[name].requires_grad_(False)
        fit_lengths(self.cfg, model, bool(self.heads), from_checkpoint)
        if start is not None:
            check_start(start, self.command_cfg, self, model)
        if self.cfg.eval_bleu and self.cfg.eval_bleu_remove_bpe is None:
            # undoes the BPE before BLEU
            self.tokenizer = self.build_bpe(self.cfg.bpe_config) or self.tokenizer
        return model

    def leave_model_files(self, cfg: Any) -> None:
        """Copy dictionary, BPE and manifest into the folder of the checkpoints; cfg: of fairseq-train."""
        if cfg.checkpoint.no_save or not is_master(cfg.distributed_training):
            return
        data = self.data_folder()
        self.state.bpe = model_files.leave_model(
            Path(cfg.checkpoint.save_dir),
            data,
            data / RESPONSE / f"dict.{self.cfg.source_lang}.txt",
            self.state.bpe,
            bpe.given_flags(self.cfg.bpe_config),
        )

    def build_bpe(self, args: Any) -> Any:
        """fairseq's BPE; where the model's is known, that one: found without any flag, or compared.

        With `--post-process` (`--remove-bpe`) fairseq has undone the BPE already when it decodes.

        Raises:
            UserError: another BPE than the model's, or files that are missing or damaged
        """
        flags = args
        if self.state.bpe is not None:
            flags = bpe.find(self.state.bpe, bpe.given_flags(args), self.bpe_folders())
        with bpe.readable(flags):
            found = super().build_bpe(flags)
        is_undone = self.common_eval.get("post_process") is not None
        return bpe.EncodeOnly(found) if self.state.bpe and is_undone else found

    @property
    def common_eval(self) -> Mapping[str, Any]:
        """The flags of fairseq's commands that read checkpoints; nothing outside of them."""
        return self.command_cfg.get("common_eval") or {}

    def bpe_folders(self) -> list[Path]:
        """Where the files of the BPE may lie: beside the data, and beside the checkpoints."""
        checkpoints = utils.split_paths(self.common_eval.get("path") or "")
        return [model_files.home(self.data_folder()), *(Path(path).parent for path in checkpoints)]

    def build_criterion(self, cfg: Any, *args: Any, **kwargs: Any) -> nn.Module:
        """The criterion; warns where gradient clipping undoes the weights.

        Raises:
            UserError: started by a launcher for several processes, of which fairseq takes no notice
        """
        check_launcher(os.environ, self.cfg.distributed_world_size)
        warn_of_clipping(self.cfg, len(self.trained_tasks), self.loss_weights.values())
        return super().build_criterion(cfg, *args, **kwargs)  # 0.12.2 has no from_checkpoint

    def begin_epoch(self, epoch: int, model: nn.Module) -> None:
        """Called in training only: the save folder becomes a model's, and signals are listened to."""
        super().begin_epoch(epoch, model)
        if "checkpoint" in self.command_cfg:
            self.leave_model_files(self.command_cfg)
        self.preemption.listen()

    def train_step(
        self, sample: dict[str, Any], model: nn.Module, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, float, dict[str, Any]]:
        """As every task's; logs a signal to end, for :meth:`reduce_metrics` of all ranks.

        Raises:
            UserError: fairseq's trainer found a gradient that is NaN or infinite
        """
        check_gradient(sys.exc_info()[1], model)
        loss, sample_size, logs = super().train_step(sample, model, *args, **kwargs)
        return loss, sample_size, {**logs, "preempted": int(self.preemption.received is not None)}

    def optimizer_step(self, optimizer: Any, model: nn.Module, update_num: int) -> None:
        """Step; a head whose task had no part in the update has a gradient of 0, in every mode.

        Distributed and fp16 training fill these zeros in anyway; without them a head would be stepped
        differently (Adam's momentum, weight decay) on one process.
        """
        for name, parameter in model.named_parameters():
            if (
                "classification_heads." in name
                and parameter.requires_grad
                and parameter.grad is None
            ):
                parameter.grad = torch.zeros_like(parameter)
        super().optimizer_step(optimizer, model, update_num)

    # ---- validation

    def valid_step(
        self, sample: dict[str, Any], model: nn.Module, criterion: nn.Module
    ) -> tuple[Tensor, float, dict[str, Any]]:
        """As in `translation`; the BLEU counts of a classification batch are 0."""
        if sample.get("task", RESPONSE) == RESPONSE:
            return super().valid_step(sample, model, criterion)
        loss, sample_size, logs = FairseqTask.valid_step(self, sample, model, criterion)
        if self.cfg.eval_bleu:
            logs |= dict.fromkeys(bleu_keys(), 0)
        return loss, sample_size, logs

    def reduce_metrics(self, logging_outputs: list[dict[str, Any]], criterion: nn.Module) -> None:
        """As in `translation`, with BLEU by :func:`log_bleu`; ends a training that is preempted."""
        if any(log.get("preempted", 0) for log in logging_outputs):
            self.preemption.stop(self.command_cfg)
        FairseqTask.reduce_metrics(self, logging_outputs, criterion)
        log_bleu(logging_outputs)

    # ---- generation

    def build_generator(
        self,
        models: Sequence[nn.Module],
        args: Namespace,
        seq_gen_cls: Any = None,
        extra_gen_cls_kwargs: dict[str, Any] | None = None,
        prefix_allowed_tokens_fn: Any = None,
    ) -> Any:
        """fairseq's generator, at most `--max-target-length` tokens, with an n-gram blocker that blocks.

        A response holds none of `never_generated`; :meth:`inference_step` puts the first `<s>`.
        With `seq_gen_cls=SequenceGenerator` beam search is fairseq's own.

        Raises:
            UserError: a flag that does not work here (`docs/flags.md`)
        """
        check_group("generation", args)
        if seq_gen_cls is None and not getattr(args, "print_alignment", False):
            seq_gen_cls = BeamSearchGenerator
        defaults = {
            "max_len": min(
                self.cfg.max_target_length, *(model.max_decoder_positions() for model in models)
            ),
            "tokens_to_suppress": tuple(never_generated(self.tgt_dict)),
        }
        generator = super().build_generator(
            models,
            args,
            seq_gen_cls,
            {**defaults, **(extra_gen_cls_kwargs or {})},
            prefix_allowed_tokens_fn,
        )
        ngram_size = getattr(args, "no_repeat_ngram_size", 0)
        if ngram_size > 0 and getattr(generator, "repeat_ngram_blocker", None) is not None:
            generator.repeat_ngram_blocker = NGramBlock(ngram_size, self.tgt_dict.pad())
        return generator

    def inference_step(
        self,
        generator: Any,
        models: Sequence[nn.Module],
        sample: dict[str, Any],
        prefix_tokens: Tensor | None = None,
        constraints: Any = None,
    ) -> Any:
        """Generate; every response starts with `<s>`, which `--prefix-size` does not count."""
        if prefix_tokens is None:
            src_tokens = sample["net_input"]["src_tokens"]
            prefix_tokens = src_tokens.new_full((src_tokens.size(0), 1), self.tgt_dict.bos())
        elif sample.get("target") is not None:  # fairseq-generate took them from the responses
            prefix_tokens = sample["target"][:, : prefix_tokens.size(1) + 1]
        blocker = getattr(generator, "repeat_ngram_blocker", None)
        if isinstance(blocker, NGramBlock):
            blocker.given = prefix_tokens.size(1)
        return super().inference_step(generator, models, sample, prefix_tokens, constraints)
