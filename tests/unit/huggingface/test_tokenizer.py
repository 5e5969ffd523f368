"""Tokens have fairseq's numbers in transformers, and a dictionary has them again after an import."""

import json
from pathlib import Path

import pytest
import sentencepiece
from fairseq.data import Dictionary
from fairseq.data.encoders.gpt2_bpe import GPT2BPE, GPT2BPEConfig
from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.errors import UserError
from emo_mtl.huggingface.library import hide_broken_torchaudio
from emo_mtl.huggingface.tokenizer import (
    dictionary_of,
    save_gpt2_tokenizer,
    save_sentencepiece_tokenizer,
)

hide_broken_torchaudio()
transformers = pytest.importorskip("transformers", reason="needs the extra emo-mtl[hf]")
tokenizers = pytest.importorskip("tokenizers", reason="comes with transformers")

TEXTS = [
    "I lost my keys .",
    "don't  you   know ?",
    " leading and trailing ",
    "WOOOOO hahahaha !!!!!",
    "an é, a ü, a 語, a 😀",
    "<s> a </s> <unk> <mask> <pad> <0x41> madeupword0000 <|endoftext|>",
    "",
]
ANY_TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30)


@pytest.fixture(scope="module")
def spm_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As preprocess/prepare.py trains it: bytes for unknown characters, spaces as they are."""
    path = tmp_path_factory.mktemp("spm") / "spm.model"
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TEXTS * 20),
            model_writer=file,
            vocab_size=330,
            hard_vocab_limit=False,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            minloglevel=2,
        )
    return path


@pytest.fixture(scope="module")
def spm_dictionary(spm_model: Path) -> Dictionary:
    model = sentencepiece.SentencePieceProcessor(model_file=str(spm_model))
    dictionary = Dictionary()
    for number in range(3, model.get_piece_size()):  # 0, 1, 2 are <unk>, <s>, </s>
        dictionary.add_symbol(model.id_to_piece(number))
    for symbol in ("madeupword0000", "<mask>"):
        dictionary.add_symbol(symbol)
    return dictionary


@pytest.fixture(scope="module")
def gpt2_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """encoder.json and vocab.bpe with 4 merges instead of 50,000."""
    folder = tmp_path_factory.mktemp("gpt2")
    merges = [("Ġ", "k"), ("e", "y"), ("Ġk", "ey"), ("o", "s")]
    units = [*bytes_to_unicode().values(), *map("".join, merges), "<|endoftext|>"]
    encoder = {unit: number for number, unit in enumerate(units)}
    (folder / "encoder.json").write_text(json.dumps(encoder), encoding="utf-8")
    lines = ["#version: 0.2", *map(" ".join, merges)]
    (folder / "vocab.bpe").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def gpt2_dictionary() -> Dictionary:
    """All units, in an order of their own as in fairseq's dict.txt."""
    dictionary = Dictionary()
    for number in reversed(range(256 + 4 + 1)):
        dictionary.add_symbol(str(number))
    for symbol in ("madeupword0000", "<mask>"):
        dictionary.add_symbol(symbol)
    return dictionary


def encode(bpe, dictionary: Dictionary, text: str) -> list[int]:
    """The numbers of `<s> tokens </s>` in fairseq."""
    numbers = dictionary.encode_line(bpe(text), add_if_not_exist=False).tolist()
    return [dictionary.bos(), *numbers]


class TestSentencePiece:
    @pytest.fixture(scope="class")
    def both(self, spm_model, spm_dictionary, tmp_path_factory):
        """fairseq's encoder, and the tokenizer as a user of the folder loads it."""
        folder = tmp_path_factory.mktemp("tokenizer")
        save_sentencepiece_tokenizer(folder, spm_dictionary, spm_model, 12)
        model = sentencepiece.SentencePieceProcessor(model_file=str(spm_model))
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        return lambda text: " ".join(model.encode(text, out_type=str)), tokenizer

    @pytest.mark.parametrize("text", TEXTS)
    def test_numbers(self, both, spm_dictionary, text):
        bpe, tokenizer = both
        assert tokenizer(text)["input_ids"] == encode(bpe, spm_dictionary, text)

    @given(text=ANY_TEXT)
    def test_numbers_of_any_text(self, both, spm_dictionary, text):
        bpe, tokenizer = both
        assert tokenizer(text)["input_ids"] == encode(bpe, spm_dictionary, text)

    def test_decodes_what_it_encoded(self, both):
        _, tokenizer = both
        numbers = tokenizer("I lost my keys .")["input_ids"]
        assert tokenizer.decode(numbers, skip_special_tokens=True) == "I lost my keys ."

    def test_truncates_and_keeps_the_end(self, both):
        _, tokenizer = both
        numbers = tokenizer("I lost my keys . " * 9, truncation=True)["input_ids"]
        assert len(numbers) == 12
        assert (numbers[0], numbers[-1]) == (0, 2)

    def test_pads_on_the_right(self, both):
        _, tokenizer = both
        batch = tokenizer(["I lost my keys .", "I"], padding=True)
        assert batch["input_ids"][1][0] == 0
        assert batch["input_ids"][1][-1] == 1
        assert batch["attention_mask"][1][-1] == 0

    def test_back_to_a_dictionary(self, both, spm_dictionary):
        found = dictionary_of(both[1], Path("folder"))
        assert [*found.symbols, "<mask>"] == spm_dictionary.symbols

    def test_other_files_are_refused(self, spm_model, spm_dictionary, tmp_path):
        wrong = tmp_path / "wrong.model"
        wrong.write_bytes(b"no model")
        with pytest.raises(UserError, match="no SentencePiece model"):
            save_sentencepiece_tokenizer(tmp_path, spm_dictionary, wrong, 12)
        other = Dictionary()
        other.add_symbol("elsewhere")
        with pytest.raises(UserError, match="found no piece 'elsewhere', one of 1 symbols"):
            save_sentencepiece_tokenizer(tmp_path, other, spm_model, 12)

    def test_dictionary_of_the_texts(self, spm_model, spm_dictionary, tmp_path, caplog):
        """`fairseq-preprocess --joined-dictionary` leaves out pieces that no text has: they are <unk>."""
        joined = Dictionary()
        for symbol in [*spm_dictionary.symbols[4:-40], "madeupword0000", "<mask>"]:
            joined.add_symbol(symbol)
        tokenizer = save_sentencepiece_tokenizer(tmp_path, joined, spm_model, 64)
        assert "of its pieces" in caplog.text
        model = sentencepiece.SentencePieceProcessor(model_file=str(spm_model))
        found = [tokenizer(text)["input_ids"] for text in TEXTS]
        assert found == [
            encode(lambda text: " ".join(model.encode(text, out_type=str)), joined, text)
            for text in TEXTS
        ]
        assert any(3 in numbers for numbers in found)


class TestGPT2:
    @pytest.fixture(scope="class")
    def both(self, gpt2_files, gpt2_dictionary, tmp_path_factory):
        folder = tmp_path_factory.mktemp("tokenizer")
        files = gpt2_files / "encoder.json", gpt2_files / "vocab.bpe"
        save_gpt2_tokenizer(folder, gpt2_dictionary, *files, 12)
        config = GPT2BPEConfig(gpt2_encoder_json=str(files[0]), gpt2_vocab_bpe=str(files[1]))
        return GPT2BPE(config).encode, transformers.AutoTokenizer.from_pretrained(folder)

    @pytest.mark.parametrize("text", TEXTS)
    def test_numbers(self, both, gpt2_dictionary, text):
        bpe, tokenizer = both
        numbers = tokenizer(text)["input_ids"]
        assert numbers == encode(bpe, gpt2_dictionary, text)
        assert tokenizer.decode(numbers, skip_special_tokens=True) == text

    @given(text=ANY_TEXT)
    def test_numbers_of_any_text(self, both, gpt2_dictionary, text):
        bpe, tokenizer = both
        assert tokenizer(text)["input_ids"] == encode(bpe, gpt2_dictionary, text)

    def test_back_to_a_dictionary(self, both, gpt2_dictionary):
        found = dictionary_of(both[1], Path("folder"))
        assert [*found.symbols, "<mask>"] == gpt2_dictionary.symbols

    def test_other_files_are_refused(self, gpt2_files, gpt2_dictionary, tmp_path):
        encoder, merges = gpt2_files / "encoder.json", gpt2_files / "vocab.bpe"
        with pytest.raises(UserError, match="found something else"):
            save_gpt2_tokenizer(tmp_path, gpt2_dictionary, merges, merges, 12)
        with pytest.raises(UserError, match=r"found 261 units .* made of the texts .*train again"):
            save_gpt2_tokenizer(tmp_path, Dictionary(), encoder, merges, 12)
        foreign = Dictionary()
        foreign.add_symbol("50000")
        with pytest.raises(UserError, match="found no unit 50000, one of 1 symbols"):
            save_gpt2_tokenizer(tmp_path, foreign, encoder, merges, 12)
        other = tmp_path / "other.bpe"
        other.write_text("#version: 0.2\nx y\n", encoding="utf-8")
        with pytest.raises(UserError, match="found merges that do not belong to"):
            save_gpt2_tokenizer(tmp_path, gpt2_dictionary, encoder, other, 12)


class TestDictionaryOf:
    def test_refused(self, tmp_path):
        vocabulary = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "a": 4}  # not BART's order
        words = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
        tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words)
        with pytest.raises(UserError, match="first tokens <pad> <s> </s> <unk> and the last a"):
            dictionary_of(tokenizer, tmp_path)
