"""A model as folders that transformers loads: one for generation, one for each head."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from fairseq.data import Dictionary

from emo_mtl.huggingface.convert import to_huggingface, to_huggingface_classifier
from emo_mtl.huggingface.model_card import model_card
from emo_mtl.huggingface.tokenizer import save_gpt2_tokenizer, save_sentencepiece_tokenizer
from emo_mtl.models.emo_bart import EmoBARTModel
from emo_mtl.names import RESPONSE
from emo_mtl.tasks.emotion_dialogue import EmotionDialogueTask

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def export(
    folder: Path,
    name: str,
    task: EmotionDialogueTask,
    model: EmoBARTModel,
    bpe: Namespace,
    updates: int,
) -> None:
    """Write generation, tokenizer and model card to a folder, and each head to a folder in it.

    Args:
        name: of the model, for its card
        bpe: of `emo_mtl.inference.loading.find_bpe`
        updates: of its training

    Raises:
        UserError: a model that BART's classes of transformers cannot hold
    """
    tokenizer = save_tokenizer(
        folder, task.source_dictionary, bpe, max_length=task.cfg.max_source_length
    )
    to_huggingface(model, task.target_dictionary).save_pretrained(folder)
    for head, labels in task.heads.items():
        several = head in task.multi_label
        to_huggingface_classifier(model, head, labels, several).save_pretrained(folder / head)
        tokenizer.save_pretrained(folder / head)
    found = {corpus: task.writing(corpus) for corpus in (RESPONSE, *task.heads)}
    writings = {corpus: writing for corpus, writing in found.items() if writing}
    card = model_card(
        name,
        model,
        task.heads,
        updates,
        writings,
        corpora=task.state.corpora,
        turns=task.cfg.context_turns,
        emotions=task.emotions,
        multi_label=task.multi_label,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def save_tokenizer(
    folder: Path, dictionary: Dictionary, bpe: Namespace, max_length: int
) -> "PreTrainedTokenizerBase":
    """Write the tokenizer of a BPE, of `emo_mtl.inference.loading.find_bpe`, to a folder."""
    if bpe.bpe == "gpt2":
        files = Path(bpe.gpt2_encoder_json), Path(bpe.gpt2_vocab_bpe)
        return save_gpt2_tokenizer(folder, dictionary, *files, max_length)
    return save_sentencepiece_tokenizer(
        folder, dictionary, Path(bpe.sentencepiece_model), max_length
    )
