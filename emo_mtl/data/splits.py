"""From binarized files, or text that is encoded already, to the datasets that a model is given."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fairseq.data import Dictionary, FairseqDataset
from torch import Tensor

from emo_mtl.data.binarized import load_label_numbers, load_tokens
from emo_mtl.data.datasets import BARTInputDataset, LabelledDataset, MultitaskDataset, PairDataset
from emo_mtl.data.dictionaries import PREPARE_AGAIN
from emo_mtl.data.emotions import EmotionDataset, Emotions
from emo_mtl.data.turns import Kept, all_tokens, keep_turns
from emo_mtl.errors import UserError
from emo_mtl.names import RESPONSE

logger = logging.getLogger(__name__)


class Splits:
    """Datasets in the one format of training, validation, generation and classification.

    Args:
        cfg: the task's; its lengths are looked up at each call, since a checkpoint and the positions of a
            model still change them
        src_dict, tgt_dict: of utterances and of responses
    """

    def __init__(self, cfg: Any, src_dict: Dictionary, tgt_dict: Dictionary):
        self.cfg, self.src_dict, self.tgt_dict = cfg, src_dict, tgt_dict

    # ---- files

    def load(
        self,
        folder: Path,
        split: str,
        heads: Mapping[str, Sequence[str]],
        emotions: Emotions,
        dropout: float,
        multi_label: Collection[str] = (),
    ) -> PairDataset | MultitaskDataset:
        """One split of the responses, and of the classification tasks where there are some.

        Args:
            folder: of the binarized tasks
            heads: name of each classification task -> its labels, in order
            emotions: that the model can be asked for
            dropout: share of the utterances without the emotion of the response; 1: none is read
            multi_label: those of them whose utterances have several labels

        Raises:
            UserError: a file that is missing, cut off or empty, or that does not fit its labels
        """
        responses = self.responses(folder, split, emotions, dropout)
        labelled = {
            name: self.classification(folder, split, name, labels, name in multi_label)
            for name, labels in heads.items()
        }
        datasets: dict[str, FairseqDataset] = {RESPONSE: responses, **labelled}
        for name, dataset in datasets.items():
            logger.info(f"{split} {name}: {len(dataset):,} examples")
        return MultitaskDataset(datasets) if labelled else responses

    def responses(
        self, folder: Path, split: str, emotions: Emotions, dropout: float
    ) -> PairDataset:
        """Utterances and their responses; arguments and `UserError` as of :meth:`load`."""
        src, tgt = self.cfg.source_lang, self.cfg.target_lang
        prefix = str(folder / RESPONSE / f"{split}.{src}-{tgt}.")
        source: BARTInputDataset | EmotionDataset = self._read(prefix + src, emotions.room)
        target = self.decoder_output(self._tokens(prefix + tgt), prefix + tgt)
        if len(source) != len(target):
            raise UserError(
                f"{prefix}{tgt}.bin: found {len(target):,} responses, expected {len(source):,}, one for "
                f"each utterance: {PREPARE_AGAIN}"
            )
        if emotions.tokens and dropout < 1:
            numbers = self.emotion_numbers(folder, split, emotions, prefix + src)
            tokens = list(emotions.tokens.values())
            source = EmotionDataset(source, tokens, numbers, dropout, self.cfg.seed)
        return self.pairs(source, target, shuffle=split != "test")

    def emotion_numbers(
        self, folder: Path, split: str, emotions: Emotions, responses: str
    ) -> Tensor:
        """Class numbers of the responses: the labels of the task that has the same utterances.

        Args:
            responses: prefix of the binarized utterances that are responded to

        Returns:
            shape (number of responses)

        Raises:
            UserError: no such task, other labels, or other utterances
        """
        prefix = str(folder / emotions.task / "input0" / split)
        found, expected = self._tokens(prefix), self._tokens(responses)
        if len(found) == len(expected):
            same = np.array_equal(found.sizes, expected.sizes)
            if same and np.array_equal(all_tokens(found), all_tokens(expected)):
                labels = str(folder / emotions.task / "label" / split)
                return load_label_numbers(labels, list(emotions.tokens), len(found))
        raise UserError(
            f"--emotion-task {emotions.task}: found in {prefix}.bin {len(found):,} utterances that are not "
            f"the {len(expected):,} of {responses}.bin, expected the same ones in the same order, with the "
            "labels of their responses: prepare it from the same dialogues, with a label for each response "
            f"(emo-mtl prepare --reply-labels {emotions.task}=COLUMN)"
        )

    def classification(
        self, folder: Path, split: str, name: str, labels: Sequence[str], several: bool = False
    ) -> LabelledDataset:
        """Utterances, each with its class number, or `several`; `UserError` as of :meth:`load`."""
        prefix = str(folder / name / "input0" / split)
        utterances = self._read(prefix)
        prefix = str(folder / name / "label" / split)
        numbers = load_label_numbers(prefix, labels, len(utterances), several)
        pairs = self.pairs(utterances, utterances, shuffle=split != "test")
        return LabelledDataset(pairs, numbers)

    def _read(self, prefix: str, room: int = 0) -> BARTInputDataset:
        inputs = self.encoder_input(self._tokens(prefix), prefix, room=room)
        if inputs.kept:
            log_turns(inputs.kept, self.cfg.context_turns, self.cfg.max_source_length, prefix)
        return inputs

    def _tokens(self, prefix: str) -> FairseqDataset:
        return load_tokens(prefix, self.src_dict, self.cfg.dataset_impl)

    # ---- format

    def encoder_input(
        self, tokens: FairseqDataset, where: str, turns: int | None = None, room: int = 0
    ) -> BARTInputDataset:
        """What the encoder reads of utterances: every one comes through here, of files and typed.

        Args:
            tokens: each item `tokens </s>`, or several turns of this kind, the last one last
            where: what the log names if some are cut off
            turns: the last turns to read; `--context-turns` for None
            room: tokens that are left free for a wanted emotion

        Returns:
            each item `<s> tokens </s>`, with the room at most `--max-source-length` long
        """
        most, max_length = turns or self.cfg.context_turns, self.cfg.max_source_length - room
        kept = keep_turns(tokens, self.src_dict.eos(), most, max_length)
        return self._bart_input(tokens, max_length, where, kept)

    def decoder_output(self, tokens: FairseqDataset, where: str) -> BARTInputDataset:
        """What the decoder is to say, at most `--max-target-length` long, as `<s> tokens </s>`."""
        return self._bart_input(tokens, self.cfg.max_target_length, where)

    def _bart_input(
        self, tokens: FairseqDataset, max_length: int, where: str, kept: Kept | None = None
    ) -> BARTInputDataset:
        starts = 0 if kept is None else kept.starts
        cut = int((np.asarray(tokens.sizes) - starts + 1 > max_length).sum())
        if cut:
            logger.info(
                f"{where}: {cut:,} of {len(tokens):,} utterances are longer than {max_length} tokens "
                "and are cut off there"
            )
        return BARTInputDataset(tokens, self.src_dict.bos(), self.src_dict.eos(), max_length, kept)

    def pairs(
        self,
        source: BARTInputDataset | EmotionDataset,
        target: BARTInputDataset | None,
        shuffle: bool = False,
        constraints: Any = None,
    ) -> PairDataset:
        """Utterances with what the decoder is to say, padded as the flags ask.

        Args:
            source: of :meth:`encoder_input`, with emotions or without
            target: of :meth:`decoder_output`; the utterances themselves to classify; None to generate
            shuffle: mix examples of equal length
            constraints: of fairseq's generation
        """
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


def log_turns(kept: Kept, most: int, max_length: int, where: str) -> None:
    """Say how many turns there are more than are read, and of how many contexts turns have no room.

    Args:
        kept: of the items
        most: turns asked for
        max_length: of an input in tokens
        where: the items' name
    """
    there, shortened = int(kept.given.max(initial=1)), int((kept.dropped > 0).sum())
    if there > most:
        logger.info(
            f"{where}: up to {there} turns, of which the last {most} are read (--context-turns)"
        )
    if shortened:
        level = logging.WARNING if 20 * shortened > len(kept.dropped) else logging.INFO
        logger.log(
            level,
            f"{where}: {shortened:,} of {len(kept.dropped):,} contexts of {most} turns are longer than "
            f"{max_length} tokens: their oldest turns are left out (--max-source-length: about 128 for 3 "
            "turns, 256 for 5)",
        )


def turns_in(dataset: PairDataset | MultitaskDataset) -> dict[str, int]:
    """Name of each task of a dataset of :meth:`Splits.load` -> the most turns that an input of it has."""
    parts = dataset.datasets if isinstance(dataset, MultitaskDataset) else {RESPONSE: dataset}
    pairs = {
        name: part.dataset if isinstance(part, LabelledDataset) else part
        for name, part in parts.items()
    }
    return {name: pair.src.turns for name, pair in pairs.items()}


def balanced_weights(counts: Sequence[int]) -> list[float]:
    """The weights of classes that occur so often: n / (C n_c), so that all have one part in a loss.

    As scikit-learn's `class_weight="balanced"` (King and Zeng 2001). A class without an example has the
    weight 0, and is none of the C.
    """
    share = sum(counts) / sum(count > 0 for count in counts)
    return [share / count if count else 0.0 for count in counts]


def balanced_weights_in(
    dataset: PairDataset | MultitaskDataset,
    heads: Mapping[str, Sequence[str]],
    names: Iterable[str],
) -> dict[str, list[float]]:
    """Name of each task of :meth:`Splits.load` that has such weights -> :func:`balanced_weights`, logged.

    Args:
        heads: name of each classification task -> its C labels
        names: of those with class weights, of which only the trained ones are loaded
    """
    parts = dataset.datasets if isinstance(dataset, MultitaskDataset) else {}
    found = {}
    for name in (name for name in names if name in parts):
        labels = heads[name]
        found[name] = balanced_weights(
            np.bincount(parts[name].labels, minlength=len(labels)).tolist()
        )
        shown = ", ".join(f"{k} {w:.3g}" for k, w in zip(labels, found[name], strict=True))
        logger.info(f"{name}: class weights {shown}")
        missing = [label for label, w in zip(labels, found[name], strict=True) if w == 0]
        if missing:
            logger.warning(
                f"{name}: no training example of {', '.join(missing)}: class weight 0, so that examples of "
                "it do not count in the validation loss"
            )
    return found


def check_turns(folder: Path, most: int, turns: Mapping[str, int]) -> None:
    """Raise `UserError` where a training asks for several turns, and its responses have none.

    Args:
        folder: of the binarized tasks
        most: turns asked for
        turns: of :func:`turns_in`
    """
    if turns[RESPONSE] < most and turns[RESPONSE] == 1:
        raise UserError(
            f"--context-turns {most}: found one turn in each line of {folder / RESPONSE}, expected what was "
            f"said before too: prepare the data with emo-mtl prepare --context-turns {most}, or leave the "
            "flag out"
        )


def check_kept(
    folder: Path, dataset: FairseqDataset, indices: np.ndarray, kept: np.ndarray, most: Any
) -> None:
    """Raise `UserError` where every example of a task is too long for the model.

    Args:
        folder: of the binarized tasks
        indices: examples of the dataset
        kept: those of them that are short enough
        most: tokens of the longest (source, target) that is kept
    """
    if isinstance(dataset, MultitaskDataset):
        lost = dataset.names_of(indices) - dataset.names_of(kept)
    else:
        lost = {RESPONSE} if len(kept) == 0 < len(indices) else set()
    for name in sorted(lost):
        raise UserError(
            f"{folder / name}: every example is longer than {most} tokens (source, "
            "target): raise --max-source-positions and --max-target-positions (and --max-tokens), or "
            "lower --max-source-length"
        )
