"""Task `emotion_dialogue`: response generation, and emotion recognition beside it (paper, Section 3)."""

import copy
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fairseq import utils
from fairseq.data import Dictionary, FairseqDataset, ListDataset
from fairseq.data.iterators import EpochBatchIterator
from fairseq.distributed.utils import is_master
from fairseq.tasks import FairseqTask, register_task
from fairseq.tasks.translation import TranslationTask
from omegaconf import OmegaConf
from torch import Tensor, nn

from emo_mtl.data.batch_iterator import ScheduledBatchIterator, scheduled_iterator
from emo_mtl.data.datasets import MultitaskDataset, PairDataset
from emo_mtl.data.dictionaries import find_languages, load_dictionary, load_shared_dictionary
from emo_mtl.data.emotions import Emotions, read_emotions
from emo_mtl.data.splits import (
    Splits,
    balanced_weights_in,
    check_kept,
    check_turns,
    turns_in,
)
from emo_mtl.errors import UserError
from emo_mtl.generation import response
from emo_mtl.generation.fast.beam_search import BeamSearchGenerator
from emo_mtl.generation.mmi import as_language_model, check_mmi
from emo_mtl.generation.ngram_block import block_ngrams, set_given
from emo_mtl.generation.wanted import expected, with_wanted
from emo_mtl.inference import bpe, model_files
from emo_mtl.inference.text import Writing
from emo_mtl.models.heads import add_heads, zero_unused
from emo_mtl.names import AUTO, GOLD, RESPONSE
from emo_mtl.optim.horizon import set_horizon
from emo_mtl.tasks.config import (
    LENGTHS,
    EmotionDialogueConfig,
    parse_class_weights,
    parse_loss_weights,
    parse_task_names,
)
from emo_mtl.tasks.flags import (
    check_class_weighted,
    check_generation,
    check_group,
    check_lengths,
    check_sampling,
    check_training,
)
from emo_mtl.tasks.state import check_state, merged_state, own_state
from emo_mtl.tasks.validation_bleu import bleu_keys, log_bleu
from emo_mtl.training.checks import (
    check_gradient,
    check_launcher,
    fit_lengths,
    warn_of_clipping,
    warn_of_gain,
)
from emo_mtl.training.position import check_room
from emo_mtl.training.preemption import Preemption
from emo_mtl.training.restore import check_start
from emo_mtl.training.start import check_models, choose_start


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
        check_lengths(cfg)
        check_sampling(cfg)
        self.classification_tasks = parse_task_names(cfg.classification_tasks)
        self.loss_weights = parse_loss_weights(cfg.loss_weights, self.classification_tasks)
        self.class_weighted = parse_class_weights(cfg.class_weights, self.classification_tasks)
        self.preemption = Preemption()
        self.splits = Splits(cfg, src_dict, tgt_dict)
        self.state.merge_state_dict(
            own_state(cfg, self.classification_tasks, src_dict, self.data_folder())
        )
        if cfg.emotion_task:
            encoder = self.build_bpe(cfg.bpe_config)
            emotions = read_emotions(self.data_folder(), cfg, encoder, src_dict)
            self.state.merge_state_dict(
                {"emotion_task": emotions.task, "emotions": emotions.tokens}
            )
        check_class_weighted(cfg.class_weights, self.class_weighted, self.multi_label)

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
        if model_files.is_model_folder(data):
            dictionary = load_dictionary(data / model_files.DICTIONARY)
            return cls(cfg, dictionary, dictionary)
        folder = model_files.data_bin(data) / RESPONSE
        cfg.source_lang, cfg.target_lang = find_languages(folder, cfg.source_lang, cfg.target_lang)
        dictionary = load_shared_dictionary(folder, cfg.source_lang, cfg.target_lang)
        # Two objects: undoing a BPE (--remove-bpe) makes fairseq add words to that of the responses.
        return cls(cfg, dictionary, copy.deepcopy(dictionary))

    @property
    def heads(self) -> dict[str, list[str]]:
        """The labels of each classification head, in the order of its classes."""
        return self.state.heads

    @property
    def multi_label(self) -> list[str]:
        """The classification tasks whose utterances may have several labels."""
        return self.state.multi_label

    @property
    def class_weights(self) -> dict[str, list[float]]:
        """The weight of each class of the tasks that have such (`--class-weights`)."""
        return self.state.class_weights

    def writing(self, name: str) -> Writing | None:
        """How the corpus of a task writes; None where it is not known."""
        found = self.state.writing.get(name)
        return found and Writing.from_json(found, "the checkpoint")

    @property
    def emotions(self) -> Emotions:
        """Those that responses can be asked for."""
        return Emotions(self.state.emotion_task, self.state.emotions)

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
        super().load_state_dict(merged_state(state_dict, self.state_dict(), self.cfg))
        for flag in LENGTHS:  # old checkpoints have none
            setattr(self.cfg, flag, getattr(self.state, flag))
        if self.cfg.emotion:
            self.emotions.check(self.cfg.emotion, "--emotion", self.heads, (AUTO, GOLD))

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
        is_training = split == self.cfg.train_subset
        names = self.trained_tasks[1:] if is_training else self.classification_tasks
        self.datasets[split] = self.splits.load(
            self.data_folder(epoch if is_training else 1),
            split,
            {name: self.heads[name] for name in names},
            self.emotions,
            self.emotion_dropout(is_training),
            self.multi_label,
        )
        if is_training:
            turns = turns_in(self.datasets[split])
            check_turns(self.data_folder(epoch), self.cfg.context_turns, turns)
            weights = balanced_weights_in(self.datasets[split], self.heads, self.class_weighted)
            self.state.merge_state_dict({"turns": turns, "class_weights": weights})

    def emotion_dropout(self, is_training: bool) -> float:
        """Share of the utterances of a split that are given without the emotion of their response."""
        if self.cfg.emotion_task:
            return self.cfg.emotion_dropout if is_training else 0
        return 0 if self.cfg.emotion == GOLD else 1

    def room_of(self, name: str) -> int:
        """Tokens that the inputs of a task leave free for a wanted emotion."""
        return self.emotions.room if name == RESPONSE else 0

    def turns_of(self, name: str) -> int:
        """How many of the last turns of a conversation a task is given: a head as many as in its training."""
        most = self.cfg.context_turns
        return most if name == RESPONSE else min(most, self.state.turns.get(name, 1))

    def build_dataset_for_inference(
        self, src_tokens: Sequence[Tensor], src_lengths: Sequence[int], constraints: Any = None
    ) -> PairDataset:
        """Typed utterances (fairseq-interactive) in the format of training.

        Raises:
            UserError: the emotions of their responses are asked for
        """
        if self.cfg.emotion == GOLD:
            raise UserError(
                f"--emotion {GOLD}: typed utterances have no responses: name an emotion, or {AUTO}"
            )
        tokens = ListDataset(src_tokens, src_lengths)
        source = self.splits.encoder_input(tokens, "input", room=self.room_of(RESPONSE))
        return self.splits.pairs(source, None, constraints=constraints)

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
        check_kept(self.data_folder(), dataset, indices, kept, max_positions)
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
        max_positions: Any = None,
        ignore_invalid_inputs: bool = False,
        disable_iterator_cache: bool = False,
        **kwargs: Any,
    ) -> ScheduledBatchIterator:
        """An iterator over the schedule, kept for the next epoch as fairseq keeps its own."""
        if not disable_iterator_cache and dataset in self.dataset_to_epoch_iter:
            return self.dataset_to_epoch_iter[dataset]

        def keep(indices: np.ndarray) -> np.ndarray:
            if max_positions is None:
                return indices
            return self.filter_indices_by_size(
                indices, dataset, max_positions, ignore_invalid_inputs
            )

        sampling = (self.cfg.task_sampling, self.cfg.sampling_temperature)
        iterator = scheduled_iterator(dataset, *sampling, keep, **kwargs)
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
            start = choose_start(self.command_cfg.checkpoint)
        model = super().build_model(cfg, from_checkpoint)
        frozen = {name for name, weight in self.loss_weights.items() if weight == 0}
        add_heads(model, self.heads, frozen)
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
        identity = model_files.leave_model(
            Path(cfg.checkpoint.save_dir),
            data,
            data / RESPONSE / f"dict.{self.cfg.source_lang}.txt",
            self.state.bpe,
            bpe.given_flags(self.cfg.bpe_config),
        )
        self.state.merge_state_dict({"bpe": identity})

    def build_bpe(self, args: Any) -> Any:
        """fairseq's BPE for lines of several turns (:class:`emo_mtl.inference.bpe.TurnsBPE`).

        Where the model's is known, that one: found without any flag, or compared.

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
        return found and bpe.TurnsBPE(found, decodes=not (self.state.bpe and is_undone))

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
        """As every task's, of all heads, with or without a part in the update (:func:`zero_unused`)."""
        zero_unused(model)
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

    def post_validate(self, model: nn.Module, stats: Mapping[str, Any], agg: Any) -> None:
        """Called in training, after each validation: warns of a model that does not read its input."""
        warn_of_gain(stats)

    # ---- generation

    def build_generator(
        self,
        models: Sequence[nn.Module],
        args: Namespace,
        seq_gen_cls: Any = None,
        extra_gen_cls_kwargs: dict[str, Any] | None = None,
        prefix_allowed_tokens_fn: Any = None,
        mmi_weight: float | None = None,
    ) -> Any:
        """fairseq's generator, at most `--max-target-length` tokens, with an n-gram blocker that blocks.

        A response holds none of `response.never_generated`; :meth:`inference_step` puts the first `<s>`.
        With `seq_gen_cls=SequenceGenerator` beam search is fairseq's own. `mmi_weight` is that of
        `--mmi-weight` by default.

        Raises:
            UserError: a flag that does not work here (`docs/flags.md`)
        """
        check_group("generation", args)
        extra = extra_gen_cls_kwargs or {}
        weight = self.cfg.mmi_weight if mmi_weight is None else mmi_weight
        check_mmi(weight, args, extra.get("lm_model") is not None)
        if seq_gen_cls is None and not getattr(args, "print_alignment", False):
            seq_gen_cls = BeamSearchGenerator
        longest = min(self.cfg.max_target_length, *(m.max_decoder_positions() for m in models))
        settings = {
            **response.limits(self.tgt_dict, longest),
            **extra,
            **as_language_model(models, self.tgt_dict, weight),
        }
        generator = super().build_generator(
            models, args, seq_gen_cls, settings, prefix_allowed_tokens_fn
        )
        block_ngrams(generator, getattr(args, "no_repeat_ngram_size", 0), self.tgt_dict.pad())
        return generator

    def inference_step(
        self,
        generator: Any,
        models: Sequence[nn.Module],
        sample: dict[str, Any],
        prefix_tokens: Tensor | None = None,
        constraints: Any = None,
    ) -> Any:
        """Generate, with the emotion of `--emotion`.

        Every response starts with `<s>`, which `--prefix-size` does not count.
        """
        wanted = self.cfg.emotion
        if wanted not in ("", GOLD):  # the data set has the gold ones
            net_input = sample["net_input"]
            sources = net_input["src_tokens"]
            is_auto = wanted == AUTO
            labels = expected(self, models[0], sources) if is_auto else [wanted] * len(sources)
            sample = {**sample, "net_input": with_wanted(self, net_input, labels)}
        prefix_tokens = response.first_tokens(sample, prefix_tokens, self.tgt_dict.bos())
        set_given(generator, prefix_tokens.size(1))
        return super().inference_step(generator, models, sample, prefix_tokens, constraints)
