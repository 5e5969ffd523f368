"""A trained checkpoint from Python: `EmoBART.from_pretrained("checkpoints/mt")`, `respond`, `classify`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from emo_mtl.data.datasets import PairDataset
from emo_mtl.errors import UserError
from emo_mtl.generation.settings import INTEGER, check_range, generation_config
from emo_mtl.generation.wanted import with_wanted
from emo_mtl.inference.classification import predict
from emo_mtl.inference.encoding import Text, batches, text_dataset
from emo_mtl.inference.loading import (
    build_model,
    checkpoint_file,
    data_folder,
    find_bpe,
    load_checkpoint,
    seeded,
)
from emo_mtl.inference.text import as_people_write
from emo_mtl.names import AUTO, RESPONSE
from emo_mtl.tasks.emotion_dialogue import EmotionDialogueTask


class EmoBART:
    """Answers utterances and recognises their emotions, with one checkpoint.

    Each text is an utterance by itself, or a list of the turns of a conversation, of which it is the last;
    there is no memory from call to call. As many of the last turns are read as in training
    (`--context-turns`, 1 by default), by a head as many as its own training texts had. Texts are read as
    people type them (`I'm sad.`) and answers are written so, whatever the corpora look like; with
    `typed=False` both are as in the corpora (`I'm sad .`), as in fairseq's commands. White
    space of any kind (line ends, tabs) counts as a space. A text that is longer than the model's
    `--max-source-length` (64 tokens by default) is cut off there, which is logged. `</s>`, `<mask>`,
    `__eou__` and the like are plain text. Not safe for threads: one call at a time.
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
            data: the prepared folder, of which the dictionary is read; by default what training left
                beside the checkpoint, or the folder that it was trained on
            bpe: `sentencepiece` or `gpt2`; by default the model's
            sentencepiece_model: its file; by default `spm.model` beside the data or the checkpoint
            gpt2_encoder_json: the first file of GPT-2's BPE; by default `encoder.json` there
            gpt2_vocab_bpe: the second; by default `vocab.bpe` there
            device: such as `cpu`, `cuda` or `cuda:1`; a GPU where there is one by default

        Raises:
            UserError: a file that is missing, or that is not what it should be. A checkpoint that
                would run code when it is loaded is refused, and nothing of it is run.
        """
        state = load_checkpoint(checkpoint_file(Path(path)))
        given = {
            "bpe": bpe,
            "sentencepiece_model": sentencepiece_model,
            "gpt2_encoder_json": gpt2_encoder_json,
            "gpt2_vocab_bpe": gpt2_vocab_bpe,
        }
        task, model = build_model(state, data_folder(state, data))
        encoder = task.build_bpe(find_bpe(task, given))
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(task, model.to(device), encoder)

    @property
    def heads(self) -> dict[str, list[str]]:
        """The labels of each classification head."""
        return self.task.heads

    @property
    def multi_label(self) -> list[str]:
        """The heads that may give an utterance several labels."""
        return self.task.multi_label

    def classify(
        self,
        texts: Sequence[Text],
        task: str | None = None,
        batch_size: int = 64,
        typed: bool = True,
    ) -> list[dict[str, dict[str, float]]]:
        """Recognise the emotion of each text.

        Args:
            texts: utterances, or conversations (lists of turns), of which the last turn is recognised
            task: the head to apply, such as `e6`; all heads for None
            typed: bring each text to the form of the head's corpus

        Returns:
            for each text: head -> label -> probability, the most probable label first; they sum to 1, but
            with the heads of `multi_label`, each of whose labels has a probability of its own

        Raises:
            UserError: no such head, a batch size below 1, or a text that is empty or no text
        """
        check_range("batch_size", batch_size, int, 1, INTEGER)
        if task is not None and task not in self.heads:
            raise UserError(
                f"task {task!r}: found the heads {', '.join(self.heads) or 'none'}, expected one of them"
            )
        found: list[dict[str, dict[str, float]]] = [{} for _ in texts]
        for name in self.heads if task is None else [task]:
            dataset = self._encode(texts, name, typed)
            for row, item in zip(
                predict(self.task, self.model, name, dataset, batch_size), found, strict=True
            ):
                order = row.argsort(kind="stable")[::-1]
                item[name] = {self.heads[name][i]: float(row[i]) for i in order}
        return found

    def respond(
        self,
        texts: Sequence[Text],
        beam: int = 5,
        no_repeat_ngram_size: int = 3,
        seed: int | None = None,
        batch_size: int = 32,
        typed: bool = True,
        emotion: str | Sequence[str | None] | None = None,
        mmi_weight: float = 0.0,
        **settings: Any,
    ) -> list[str]:
        """Answer each text; beam search gives the same answers every time.

        Args:
            texts: utterances, or conversations (lists of turns), of which the last turn is answered
            beam: width of the beam. With `sampling` that many answers are drawn, and the most
                probable of them is returned: 1 for plain sampling
            no_repeat_ngram_size: no n-gram of tokens of this length twice; 0: no limit
            seed: of sampling; by default torch's random numbers go on where they are
            typed: bring each text to the form of the dialogues, and write the answers as people do
            emotion: that the answers are to have, one of :attr:`emotions`, or a list with one for each text;
                `auto` for the one that the head of `--emotion-task` expects; None for no wish
            mmi_weight: how much less an answer is worth the more it fits everything, from 0 (as in training)
                to 1: `--mmi-weight`; in beam search
            settings: others of fairseq's flags of generation, with `_` for `-`: `lenpen`, `unnormalized`,
                `unkpen`, `min_len`, `max_len_b`, `temperature`; `sampling=True` with `sampling_topk` or
                `sampling_topp`; `diverse_beam_groups` with `diverse_beam_strength`; `diversity_rate`

        Raises:
            UserError: a setting that does not exist, has no effect here or makes no sense, a text that is
                empty or no text, or an emotion that the model was not trained with
        """
        check_range("batch_size", batch_size, int, 1, INTEGER)
        if seed is not None:
            check_range("seed", seed, int, 0, 2**63 - 1)
        dataset = self._encode(texts, RESPONSE, typed)
        generator = self.build_generator(
            mmi_weight, beam=beam, no_repeat_ngram_size=no_repeat_ngram_size, **settings
        )
        wanted = self.wanted_emotions(texts, emotion, typed)
        ignored = getattr(generator, "symbols_to_strip_from_output", {generator.eos})
        answers = [""] * len(dataset)
        with torch.no_grad(), seeded(seed, self._device):
            for batch in batches(dataset, batch_size, self._device):
                net_input = {key: batch["net_input"][key] for key in ("src_tokens", "src_lengths")}
                ids = batch["id"].tolist()
                net_input = with_wanted(self.task, net_input, [wanted[i] for i in ids])
                found = self.task.inference_step(generator, [self.model], {"net_input": net_input})
                for index, hypotheses in zip(ids, found, strict=True):
                    tokens = hypotheses[0]["tokens"].int().cpu()
                    text = self.task.target_dictionary.string(
                        tokens, extra_symbols_to_ignore=ignored
                    )
                    answers[index] = self.bpe.decode(text)
        if typed and self.task.writing(RESPONSE):
            return [as_people_write(answer) for answer in answers]
        return answers

    @property
    def emotions(self) -> list[str]:
        """The emotions that an answer can be asked for; none without `--emotion-task` in training."""
        return list(self.task.emotions.tokens)

    @property
    def expects_emotions(self) -> bool:
        """Whether a head expects the emotion of an answer (`auto`)."""
        return self.task.emotions.task in self.heads

    def check_emotion(self, emotion: str) -> None:
        """Raise `UserError` where an emotion (or `auto`) cannot be asked for."""
        self.task.emotions.check(emotion, "emotion", self.heads, (AUTO,))

    def wanted_emotions(
        self,
        texts: Sequence[Text],
        emotion: str | Sequence[str | None] | None,
        typed: bool = True,
    ) -> list[str | None]:
        """The emotion that the answer to each text is to have; None for no wish.

        Args:
            texts, emotion, typed: as of :meth:`respond`, where `auto` stands for an emotion

        Raises:
            UserError: as of :meth:`respond`
        """
        if emotion is None or isinstance(emotion, str):
            emotion = [emotion] * len(texts)
        wanted = list(emotion)
        if len(wanted) != len(texts):
            raise UserError(
                f"emotion: found {len(wanted)} emotions, expected {len(texts)}, one for each text"
            )
        for label in set(wanted) - {None}:
            self.check_emotion(str(label))
        if AUTO in wanted:
            head = self.task.emotions.task
            asked = [i for i, label in enumerate(wanted) if label == AUTO]
            found = self.classify([texts[i] for i in asked], head, typed=typed)
            for i, scores in zip(asked, found, strict=True):
                wanted[i] = next(iter(scores[head]))
        return wanted

    def _encode(self, texts: Sequence[Text], name: str, typed: bool) -> PairDataset:
        """Utterances in the format of training of the task `name`."""
        writing = self.task.writing(name) if typed else None
        return text_dataset(self.task, self.bpe, texts, name, writing=writing)

    @property
    def context_turns(self) -> int:
        """How many of the last turns of a conversation are read to answer, where they are not too long."""
        return self.task.cfg.context_turns

    def turns_read(self, conversation: Sequence[str], typed: bool = True) -> int:
        """How many of a conversation's last turns are read to answer it; `UserError` as of `respond`."""
        return self._encode([conversation], RESPONSE, typed).src.turns

    @property
    def titles(self) -> dict[str, str]:
        """A name for people of each head, such as `Emotion` of `e6`; the head's own where there is none."""
        return {name: self.task.state.titles.get(name, name) for name in self.heads}

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def build_generator(self, mmi_weight: float = 0.0, **settings: Any) -> Any:
        """fairseq's generator; `UserError` as of :meth:`respond`."""
        check_range("mmi_weight", mmi_weight, float, 0, 1)
        longest = min(self.task.cfg.max_target_length, self.model.max_decoder_positions()) - 1
        config = generation_config(settings, len(self.task.target_dictionary), longest)
        return self.task.build_generator([self.model], config, mmi_weight=mmi_weight)
