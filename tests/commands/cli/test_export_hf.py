"""`emo-mtl export-hf` on a checkpoint of fairseq-train, and what transformers makes of the folders."""

import json
import re
from pathlib import Path

import pytest
import torch
from helpers.checkpoints import real_state
from helpers.commands import REPOSITORY, run_command
from helpers.config import printed
from helpers.shell import bash

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.huggingface.library import hide_broken_torchaudio
from emo_mtl.inference.hub_interface import EmoBART

hide_broken_torchaudio()
transformers = pytest.importorskip("transformers", reason="needs the extra emo-mtl[hf]")

TRAIN = [
    *("--user-dir", "emo_mtl", "--task", "emotion_dialogue", "--cpu", "--seed", "1"),
    *("--arch", "emo_bart_tiny", "--encoder-embed-dim", "32", "--encoder-ffn-embed-dim", "64"),
    *("--classification-tasks", "e6,e2", "--loss-weights", "e6=0,e2=0", "--num-workers", "0"),
    *(
        "--criterion",
        "multitask_nll",
        "--optimizer",
        "adam",
        "--lr",
        "0.01",
        "--lr-scheduler",
        "fixed",
        "--dropout",
        "0",
    ),
    *(
        "--max-tokens",
        "512",
        "--max-update",
        "60",
        "--disable-validation",
        "--no-epoch-checkpoints",
    ),
]


@pytest.fixture(scope="module")
def checkpoint(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 updates on the responses: every one starts with `<s>`, and has an end."""
    folder = tmp_path_factory.mktemp("trained")
    run_command("fairseq-train", sample / "data-bin", *TRAIN, "--save-dir", folder)
    return folder / "checkpoint_last.pt"


@pytest.fixture(scope="module")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders, with data and BPE found by way of the checkpoint."""
    folder = tmp_path_factory.mktemp("exported") / "model"
    main(["export-hf", str(checkpoint), str(folder)])
    return folder


@pytest.fixture(scope="module")
def utterances(sample: Path) -> list[str]:
    return (sample / "text" / "response" / "test.source").read_text("utf-8").split("\n")[:-1]


class TestGeneration:
    def test_agrees_with_fairseq_generate(self, sample, checkpoint, exported, utterances):
        command = [
            "fairseq-generate",
            sample / "data-bin",
            *TRAIN[:4],
            "--path",
            checkpoint,
            "--cpu",
        ]
        search = ["--beam", "5", "--no-repeat-ngram-size", "3", "--batch-size", "50"]
        bpe = ["--bpe", "sentencepiece", "--sentencepiece-model", sample / "spm.model"]
        output = run_command(*command, *search, *bpe).stdout
        lines = dict(re.findall(r"^D-(\d+)\t\S+\t(.*)$", output, flags=re.MULTILINE))
        expected = [lines[str(number)] for number in range(len(utterances))]
        assert all(expected)

        tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
        model = transformers.AutoModelForSeq2SeqLM.from_pretrained(exported)
        inputs = tokenizer(utterances, padding=True, truncation=True, return_tensors="pt")
        found = tokenizer.batch_decode(model.generate(**inputs), skip_special_tokens=True)
        assert found == expected

    @pytest.mark.skipif(
        int(transformers.__version__.split(".")[0]) >= 5,
        reason="transformers 5 has no pipeline text2text-generation",
    )
    def test_pipeline(self, exported, utterances):
        respond = transformers.pipeline("text2text-generation", str(exported))
        tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
        model = transformers.AutoModelForSeq2SeqLM.from_pretrained(exported)
        tokens = model.generate(**tokenizer(utterances[0], return_tensors="pt"))[0]
        expected = tokenizer.decode(tokens, skip_special_tokens=True)
        assert respond(utterances[0]) == [{"generated_text": expected}]

    def test_ctranslate2_takes_the_folder(self, exported, utterances, tmp_path):
        """Greedy search, in which only the network and the tokens count."""
        ctranslate2 = pytest.importorskip("ctranslate2", reason="needs ctranslate2")
        converter = ctranslate2.converters.TransformersConverter(str(exported))
        converter.convert(str(tmp_path / "ct2"))
        translator = ctranslate2.Translator(str(tmp_path / "ct2"), intra_threads=1)
        tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
        model = transformers.AutoModelForSeq2SeqLM.from_pretrained(exported)
        inputs = tokenizer(utterances, padding=True, truncation=True, return_tensors="pt")
        expected = model.generate(**inputs, num_beams=1, early_stopping=False)
        results = translator.translate_batch(
            [tokenizer.convert_ids_to_tokens(row) for row in tokenizer(utterances)["input_ids"]],
            target_prefix=[["<s>"]] * len(utterances),
            beam_size=1,
            no_repeat_ngram_size=3,
            max_decoding_length=63,
        )
        found = [tokenizer.convert_tokens_to_ids(result.hypotheses[0]) for result in results]
        assert found == [[n for n in row if n not in (1, 2)] for row in expected.tolist()]

    def test_compared_by_the_example(self, sample, checkpoint, exported, programs):
        pytest.importorskip("ctranslate2", reason="needs ctranslate2")
        files = f"{exported} {checkpoint} {sample / 'data-bin'}"
        sizes = "--sentences 6 --batch-size 4 --rounds 1"
        table = bash(f"python examples/serving/compare.py {files} {sizes}", REPOSITORY, programs)
        rows = [line.strip("| ").split(" | ") for line in table.splitlines()[3:]]
        assert [(row[0], row[-1]) for row in rows[:2]] == [("emo_mtl", "6"), ("transformers", "6")]
        assert len(rows) == 4


class TestClassification:
    @pytest.mark.parametrize("task", ["e6", "e2"])
    def test_pipeline_agrees_with_classify(self, checkpoint, exported, utterances, task):
        bart = EmoBART.from_pretrained(checkpoint, device="cpu")
        scores = bart.classify(utterances[:40], task, typed=False)
        rows = [next(iter(found[task].items())) for found in scores]

        classify = transformers.pipeline("text-classification", str(exported / task), device="cpu")
        found = classify(utterances[:40], truncation=True, batch_size=7)
        assert [result["label"] for result in found] == [label for label, _ in rows]
        for result, (_, probability) in zip(found, rows, strict=True):
            assert result["score"] == pytest.approx(probability, abs=1e-4)


class TestFolder:
    def test_files(self, exported):
        for name in ("model.safetensors", "config.json", "tokenizer_config.json"):
            for folder in (exported, exported / "e6", exported / "e2"):
                assert (folder / name).is_file(), folder / name
        config = json.loads((exported / "generation_config.json").read_text("utf-8"))
        assert (config["num_beams"], config["no_repeat_ngram_size"]) == (5, 3)
        labels = json.loads((exported / "e2" / "config.json").read_text("utf-8"))["id2label"]
        assert labels == {"0": "negative", "1": "positive"}
        assert [path.name for path in exported.parent.iterdir()] == ["model"]  # no drafts

    def test_model_card(self, exported):
        card = (exported / "README.md").read_text("utf-8")
        assert card.startswith("---\nlibrary_name: transformers\n")
        for part in (
            "CC BY-NC-SA 4.0",
            "counselling",
            "Biased corpora",
            "| `model/e2` | negative,",
        ):
            assert part in card
        assert "e12" not in card  # no such head
        code = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)[-1]
        assert "I'm so happy." in printed(exec, code)

    def test_import_is_bit_identical(self, checkpoint, exported, sample, tmp_path):
        out = tmp_path / "model.pt"
        main(["import-hf", str(exported), str(out)])
        expected = real_state(torch.load(checkpoint, weights_only=True)["model"])
        found = torch.load(out, weights_only=True)["model"]
        left_out = {name for name in expected if name.startswith("classification_heads.")}
        assert expected.keys() - found.keys() == {*left_out, "decoder.output_projection.weight"}
        for name, value in found.items():
            assert torch.equal(value, expected[name]), name
        symbols = [line.split(" ")[0] for line in (tmp_path / "dict.txt").open(encoding="utf-8")]
        dictionary = (sample / "dict.txt").read_text("utf-8").splitlines()
        assert symbols == [line.split(" ")[0] for line in dictionary]


class TestRefused:
    def test_existing_folder(self, checkpoint, exported, tmp_path):
        before = (exported / "README.md").stat().st_ino
        with pytest.raises(UserError, match="exists already; choose another folder"):
            main(["export-hf", str(checkpoint), str(exported)])
        assert (exported / "README.md").stat().st_ino == before

    def test_overwrite_replaces_only_an_export(self, checkpoint, exported, tmp_path):
        mine = tmp_path / "mine"
        mine.mkdir()
        (mine / "thesis.txt").write_text("years of work", encoding="utf-8")
        with pytest.raises(UserError, match="expected an earlier output"):
            main(["export-hf", str(checkpoint), str(mine), "--overwrite"])
        assert (mine / "thesis.txt").read_text("utf-8") == "years of work"

        out = tmp_path / "out"
        main(["export-hf", str(checkpoint), str(out)])
        (out / "README.md").write_text("old", encoding="utf-8")
        main(["export-hf", str(checkpoint), str(out), "--overwrite"])
        assert (out / "README.md").read_text("utf-8") != "old"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]

    def test_other_bpe_leaves_nothing(self, checkpoint, tmp_path):
        encoder, merges = tmp_path / "encoder.json", tmp_path / "vocab.bpe"
        encoder.write_text('{"a": 0}', encoding="utf-8")
        merges.write_text("#version\n", encoding="utf-8")
        bpe = ["--gpt2-encoder-json", str(encoder), "--gpt2-vocab-bpe", str(merges)]
        with pytest.raises(UserError, match="text was encoded with sentencepiece"):
            main(["export-hf", str(checkpoint), str(tmp_path / "out"), "--bpe", "gpt2", *bpe])
        assert sorted(path.name for path in tmp_path.iterdir()) == ["encoder.json", "vocab.bpe"]

    def test_data_that_is_gone(self, sample, checkpoint, tmp_path):
        state = torch.load(checkpoint, weights_only=True)
        state["cfg"]["task"]["data"] = "gone/data-bin"
        torch.save(state, tmp_path / "moved.pt")
        arguments = ["export-hf", str(tmp_path / "moved.pt"), str(tmp_path / "out")]
        with pytest.raises(UserError, match="gone/data-bin: found no dictionary"):
            main(arguments)
        main([*arguments, "--data", str(sample / "data-bin")])

    def test_folder_without_data(self, sample, checkpoint, tmp_path):
        (tmp_path / "data-bin").mkdir()
        arguments = ["export-hf", str(checkpoint), str(tmp_path / "out")]
        with pytest.raises(UserError, match="found no dictionary, expected prepared data"):
            main([*arguments, "--data", str(tmp_path / "data-bin")])
