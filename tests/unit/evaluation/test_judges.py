"""Judges that have seen no system: an encoder of sentences and a language model."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.evaluation.judges import (
    PEOPLE,
    SCRAMBLED,
    SHUFFLED,
    controls,
    judge,
    load_encoder,
    load_language_model,
)
from emo_mtl.huggingface.library import hide_broken_torchaudio

hide_broken_torchaudio()
transformers = pytest.importorskip("transformers", reason="needs the extra emo-mtl[hf]")

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij", "."]
SHAPE = {"vocab_size": len(PIECES), "hidden_size": 8, "num_hidden_layers": 1}
TEXTS = ("a b c", "d", "", "e f g h i j a b c d .")


def save_tokenizer(folder: Path) -> None:
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    names = {"bos_token": "[CLS]", "eos_token": "[SEP]"}
    transformers.BertTokenizerFast(str(folder / "vocab.txt"), **names).save_pretrained(folder)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "encoder"
    save_tokenizer(folder)
    torch.manual_seed(1)
    config = transformers.BertConfig(**SHAPE, num_attention_heads=2, intermediate_size=8)
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def language_model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "lm"
    save_tokenizer(folder)
    torch.manual_seed(1)
    config = transformers.LlamaConfig(**SHAPE, num_attention_heads=2, intermediate_size=8)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


class TestControls:
    GOLD = tuple(f"{letter} one two three four five" for letter in "abcdefgh")

    @pytest.mark.parametrize("seed", range(5))
    def test_by_kind(self, seed):
        found = controls(self.GOLD, seed)
        assert found[PEOPLE] == self.GOLD
        assert sorted(found[SHUFFLED]) == sorted(self.GOLD)
        assert all(a != b for a, b in zip(found[SHUFFLED], self.GOLD, strict=True))
        for text, gold in zip(found[SCRAMBLED], self.GOLD, strict=True):
            assert sorted(text.split()) == sorted(gold.split())
        assert found[SCRAMBLED] != list(self.GOLD)

    def test_by_a_seed(self):
        assert controls(self.GOLD, 1) == controls(self.GOLD, 1)
        assert controls(self.GOLD, 1) != controls(self.GOLD, 2)

    def test_one(self):
        assert controls(["a"], 1) == {PEOPLE: ["a"], SHUFFLED: ["a"], SCRAMBLED: ["a"]}


class TestJudge:
    def test_by_hand(self):
        """Vectors of two texts at right angles; perplexity e for one nat a token."""
        vectors = {"x": [1.0, 0.0], "y": [0.0, 1.0]}

        def embed(texts):
            return np.array([vectors[text] for text in texts])

        def nats(texts):
            return np.array([2.0 if text == "x" else 6.0 for text in texts]), np.array([2, 2])

        rows = judge({"sys": ["x", "y"]}, ["x", "x"], ["x", "y"], 1, embed, nats)
        by_name = {row.system: row for row in rows}
        assert list(by_name) == [PEOPLE, SHUFFLED, SCRAMBLED, "sys"]
        assert by_name["sys"].to_utterance == 50
        assert by_name["sys"].to_response == 100
        assert by_name["sys"].perplexity == pytest.approx(math.exp(8 / 4))
        assert by_name[SHUFFLED].to_response == 0

    def test_one_judge_alone(self):
        [row, *_] = judge({}, ["x"], ["x"], 1, None, lambda t: (np.array([1.0]), np.array([1])))
        assert math.isnan(row.to_utterance)
        assert row.perplexity == pytest.approx(math.e)


class TestModels:
    def test_embedding_is_the_mean_state(self, encoder):
        """Of the text's own tokens: padding and the batch change nothing."""
        embed = load_encoder(encoder)
        found = embed(TEXTS)
        model = transformers.BertModel.from_pretrained(encoder).eval()
        tokenizer = transformers.BertTokenizerFast.from_pretrained(encoder)
        for text, vector in zip(TEXTS, found, strict=True):
            with torch.no_grad():
                state = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0)
            expected = torch.nn.functional.normalize(state, dim=0).numpy()
            np.testing.assert_allclose(vector, expected, atol=1e-5)

    def test_nats_are_transformers_loss(self, language_model):
        """The mean over a text's tokens, from the begin-of-text symbol on."""
        total, tokens = load_language_model(language_model)(TEXTS)
        assert tokens.tolist() == [3, 1, 0, 11]
        assert total[2] == 0
        model = transformers.LlamaForCausalLM.from_pretrained(language_model).eval()
        tokenizer = transformers.BertTokenizerFast.from_pretrained(language_model)
        for row in (0, 1, 3):
            ids = [
                PIECES.index("[CLS]"),
                *tokenizer(TEXTS[row], add_special_tokens=False)["input_ids"],
            ]
            inputs = torch.tensor([ids])
            with torch.no_grad():
                loss = model(input_ids=inputs, labels=inputs).loss.item()
            assert total[row] / tokens[row] == pytest.approx(loss, rel=1e-4)

    def test_many_texts(self, encoder, language_model, monkeypatch):
        whole = load_encoder(encoder)(TEXTS), load_language_model(language_model)(TEXTS)[0]
        monkeypatch.setattr("emo_mtl.evaluation.judges.BATCH", 1)
        alone = load_encoder(encoder)(TEXTS), load_language_model(language_model)(TEXTS)[0]
        for a, b in zip(whole, alone, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)

    def test_no_model(self, tmp_path):
        with pytest.raises(UserError, match="cannot be loaded"):
            load_encoder(tmp_path)
        with pytest.raises(UserError, match=r"nowhere\.gguf: cannot be loaded"):
            load_language_model(tmp_path / "nowhere.gguf")


class TestCommand:
    @pytest.fixture
    def data(self, tmp_path) -> Path:
        for kind, lines in (("source", ["a b", "c", "d e"]), ("target", ["b c .", "d", "e"])):
            path = tmp_path / "data" / "text" / "response" / f"test.{kind}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        (tmp_path / "replies.txt").write_text("a\nb\nc\n", encoding="utf-8")
        return tmp_path

    def run(self, data: Path, *flags: object) -> list[dict]:
        argv = ["--data", data / "data", "--hypotheses", data / "replies.txt"]
        main(["judges", *map(str, [*argv, "--json", data / "out.json", *flags])])
        return json.loads((data / "out.json").read_text("utf-8"))["rows"]

    def test_table(self, data, encoder, language_model, capsys):
        rows = self.run(data, "--encoder", encoder, "--language-model", language_model)
        assert [row["system"] for row in rows[:1] + rows[-1:]] == [
            PEOPLE,
            str(data / "replies.txt"),
        ]
        assert rows[0]["to_response"] == pytest.approx(100)
        assert all(row["perplexity"] > 1 for row in rows)
        assert (
            "| system | to the utterance | to the response | perplexity |"
            in capsys.readouterr().out
        )

    def test_one_judge(self, data, encoder, capsys):
        rows = self.run(data, "--encoder", encoder, "--utterances", 2)
        assert math.isnan(rows[0]["perplexity"])
        assert rows[0]["responses"] == 2
        assert "| system | to the utterance | to the response |" in capsys.readouterr().out

    def test_none(self, data):
        with pytest.raises(UserError, match="found no judge"):
            self.run(data)

    def test_another_number_of_responses(self, data, encoder):
        (data / "replies.txt").write_text("a\n", encoding="utf-8")
        with pytest.raises(UserError, match="found 1 hypotheses, expected 3"):
            self.run(data, "--encoder", encoder)
