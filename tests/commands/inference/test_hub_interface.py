"""`EmoBART` in Python: the same as the command lines, on odd input too, and safe to load."""

import re
import shutil
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from helpers.checkpoints import RunsCode
from helpers.commands import TASK, run_command, run_python

from emo_mtl.errors import UserError
from emo_mtl.inference.encoding import encode
from emo_mtl.inference.hub_interface import EmoBART

TEXTS = [
    "I am so happy today !",
    "I miss her .",
    "Why did you do that to me ? I was waiting for you the whole day , and you did not even call .",
    "OK",
]
ODD = [
    "two\nlines\tand a tab",
    "a\0b",
    "😀👩‍👩‍👧",
    "שלום עולם",
    "\u200b",
    "x " * 10_000,
    "y" * 10_000,
]


@pytest.fixture(scope="module")
def bart(trained) -> EmoBART:
    return EmoBART.from_pretrained(trained[0], device="cpu")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "in.txt"
    path.write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    return path


class TestEqualsTheCommands:
    def test_respond(self, bart, sample, trained, source):
        bpe = ["--bpe", "sentencepiece", "--sentencepiece-model", sample / "spm.model"]
        command = ["fairseq-interactive", sample / "data-bin", *TASK, "--path", trained[0]]
        search = ["--beam", "5", "--no-repeat-ngram-size", "3", "--input", source]
        output = run_command(*command, *bpe, *search).stdout
        expected = re.findall(r"^D-\d+\t\S+\t(.*)$", output, flags=re.MULTILINE)
        assert len(expected) == len(TEXTS)
        assert bart.respond(TEXTS, typed=False) == expected

    def test_classify(self, bart, sample, trained, source, tmp_path):
        bpe = ["--bpe", "sentencepiece", "--sentencepiece-model", sample / "spm.model"]
        table = tmp_path / "out.tsv"
        command = ["emo-mtl", "classify", trained[0], "--data", sample / "data-bin", "--cpu"]
        run_command(*command, "--input", source, *bpe, "--predictions", table)
        rows = [row.split("\t") for row in table.read_text("utf-8").splitlines()[1:]]
        found = bart.classify(TEXTS)
        assert len(rows) == 3 * len(TEXTS)
        for number, head, _, label, probability in rows:
            best = next(iter(found[int(number) - 1][head].items()))
            assert (best[0], f"{best[1]:.4f}") == (label, probability)

    def test_without_user_dir(self, trained):
        """In a process that has imported nothing else, on the folder of the checkpoint."""
        code = (
            "from emo_mtl.inference.hub_interface import EmoBART\n"
            f"bart = EmoBART.from_pretrained({str(trained[0].parent)!r}, device='cpu')\n"
            "print('heads:', *bart.heads)"
        )
        assert "heads: e6 e2 e12" in run_python(code)


class TestClassify:
    def test_probabilities(self, bart):
        for found in bart.classify(TEXTS):
            assert list(found) == ["e6", "e2", "e12"]
            for head, scores in found.items():
                assert sorted(scores) == sorted(bart.heads[head])
                assert list(scores.values()) == sorted(scores.values(), reverse=True)
                assert sum(scores.values()) == pytest.approx(1)

    def test_batches_do_not_matter(self, bart):
        alone = [bart.classify([text], "e12")[0]["e12"] for text in TEXTS]
        for size in (1, 3, 64):
            for found, expected in zip(bart.classify(TEXTS, "e12", size), alone, strict=True):
                assert found == {"e12": pytest.approx(expected, abs=1e-5)}

    def test_unknown_head(self, bart):
        with pytest.raises(UserError, match=r"task 'e7': found the heads e6, e2, e12"):
            bart.classify(TEXTS, "e7")


class TestRespond:
    def test_batches_do_not_matter(self, bart):
        alone = [bart.respond([text])[0] for text in TEXTS]
        assert [bart.respond(TEXTS, batch_size=size) for size in (1, 3)] == [alone, alone]

    def test_no_trigram_twice(self, bart):
        (answer,) = bart.respond([TEXTS[0]], no_repeat_ngram_size=3, typed=False)
        tokens = bart.bpe.encode(answer).split()
        trigrams = list(zip(tokens, tokens[1:], tokens[2:], strict=False))
        assert len(set(trigrams)) == len(trigrams)

    def test_sampling_depends_on_the_seed_alone(self, bart):
        def draw(seed: int) -> list[str]:
            return bart.respond(TEXTS, beam=1, sampling=True, sampling_topp=0.95, seed=seed)

        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        first = draw(1)
        assert torch.equal(torch.rand(3), expected)  # the caller's random numbers are left alone
        assert draw(1) == first
        assert len({tuple(draw(seed)) for seed in range(5)}) > 1

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"beam": 0}, "beam: found 0, expected a whole number from 1 to"),
            ({"beam": "5"}, "beam: found '5'"),
            ({"no_repeat_ngram_size": -1}, "found -1, expected a whole number from 0 to"),
            ({"temperature": 0}, "temperature"),
            ({"sampling_topk": 5}, "sampling_topk: found no sampling"),
            ({"beams": 5}, "beams"),
        ],
    )
    def test_settings_that_make_no_sense(self, bart, settings, message):
        with pytest.raises(UserError, match=message):
            bart.respond(TEXTS, **settings)


class TestTyped:
    """Ten sentences in three spellings each: one answer."""

    SPELLINGS = (
        ("I'm sad.", "I ’ m sad .", "I’m sad ."),
        ("I can't sleep!", "I can ’ t sleep !", "I ca n't sleep !"),
        ("It's my dog, Rex.", "It ’ s my dog , Rex .", "It 's my dog , Rex ."),
        ("We're late, aren't we?", "We ’ re late , aren ’ t we ?", "We 're late , are n't we ?"),
        ("I'll be there.", "I ’ ll be there .", "I 'll be there ."),
        ("I've lost it...", "I ’ ve lost it ...", "I 've lost it ..."),
        ("She said: no.", "She said : no .", "She  said: no ."),
        ("Bob's ill!", "Bob ’ s ill !", "Bob’s ill !"),
        ("I'd love to.", "I ’ d love to .", "I 'd love to ."),
        ("Don't worry, Ann.", "Don ’ t worry , Ann .", "Do n't worry , Ann ."),
    )

    @pytest.mark.parametrize("spellings", SPELLINGS)
    def test_one_answer_and_one_emotion(self, bart, spellings):
        assert len(set(bart.respond(spellings, batch_size=1))) == 1
        first, *others = bart.classify(spellings, batch_size=1)
        assert all(found == first for found in others)

    def test_as_the_corpora_have_it(self, bart):
        """`typed=False` leaves text alone: the spellings are different texts."""
        found = bart.classify(self.SPELLINGS[0], "e6", batch_size=1, typed=False)
        assert found[0] != found[1]


class TestOddText:
    def test_handled(self, bart):
        assert len(bart.respond(ODD, beam=2)) == len(ODD)
        assert len(bart.classify(ODD)) == len(ODD)

    def test_white_space_is_spaces(self, bart):
        scores = [
            bart.classify([text], "e6") for text in ("so\nhappy", "so happy", "\t so happy \n")
        ]
        assert scores[0] == scores[1] == scores[2]

    def test_cut_off_is_logged(self, bart, caplog):
        with caplog.at_level("INFO", logger="emo_mtl"):
            bart.classify(["x " * 10_000, "y"])
        assert "1 of 2 utterances are longer than 64 tokens" in caplog.text

    def test_special_symbols_are_plain_text(self, bart):
        tokens = encode(bart.task, bart.bpe, "<s> </s> <pad> <unk> <mask>", "text")
        dictionary = bart.task.source_dictionary
        special = {dictionary.bos(), dictionary.pad(), dictionary.index("<mask>")}
        assert not special & set(tokens.tolist())
        assert tokens.tolist().index(dictionary.eos()) == len(tokens) - 1

    def test_no_texts(self, bart):
        assert bart.respond([]) == bart.classify([]) == []

    @pytest.mark.parametrize(
        ("texts", "message"),
        [
            (["fine", ""], "text 2: found ''"),
            ([" \n\t"], "text 1: found ' "),
            ([None], "text 1: found None"),
            (["\ud800"], "text 1: found .* Unicode"),
            ("one string", "expected a list of strings"),
        ],
    )
    def test_refused(self, bart, texts, message):
        for method in (bart.respond, bart.classify):
            with pytest.raises(UserError, match=message):
                method(texts)


class TestLoading:
    def test_checkpoint_that_would_run_code(self, trained, tmp_path):
        state = torch.load(trained[0], weights_only=True)
        torch.save({**state, "surprise": RunsCode(tmp_path / "ran")}, tmp_path / "evil.pt")
        with pytest.raises(UserError, match=r"refused: found (posix|nt)\.mkdir"):
            EmoBART.from_pretrained(tmp_path / "evil.pt")
        assert not (tmp_path / "ran").exists()

    def test_no_checkpoint(self, tmp_path):
        with pytest.raises(UserError, match=r"checkpoint_best\.pt: no such file"):
            EmoBART.from_pretrained(tmp_path)
        (tmp_path / "text.pt").write_text("text")
        with pytest.raises(UserError, match="cannot be read as a checkpoint"):
            EmoBART.from_pretrained(tmp_path / "text.pt")
        for content in ({"model": {}, "args": Namespace()}, [1, 2]):
            torch.save(content, tmp_path / "other.pt")
            with pytest.raises(
                UserError, match=r"expected .* that fairseq-train wrote|--task emotion"
            ):
                EmoBART.from_pretrained(tmp_path / "other.pt")

    def test_folders_that_moved(self, trained, sample, tmp_path, monkeypatch):
        """The checkpoint names a folder that is not there any more."""
        state = torch.load(trained[0], weights_only=True)
        state["cfg"]["task"]["data"] = str(tmp_path / "gone")
        torch.save(state, tmp_path / "moved.pt")
        with pytest.raises(UserError, match=r"gone: found no dictionary.* give data \(--data\)"):
            EmoBART.from_pretrained(tmp_path / "moved.pt")
        bart = EmoBART.from_pretrained(tmp_path / "moved.pt", sample / "data-bin", device="cpu")
        assert bart.respond(["hello"], beam=1)

    def test_dictionary_of_another_model(self, trained, data_bin, sample):
        with pytest.raises(UserError, match="dictionary is not the one"):
            EmoBART.from_pretrained(trained[0], data_bin, sentencepiece_model=sample / "spm.model")

    def test_bpe_that_is_none(self, trained, sample, tmp_path):
        (tmp_path / "spm.model").write_text("text")
        with pytest.raises(UserError, match=r"spm\.model: found SHA-256"):
            EmoBART.from_pretrained(trained[0], sentencepiece_model=tmp_path / "spm.model")
        state = torch.load(trained[0], weights_only=True)
        state["task_state"]["bpe"] = None  # of before: any file is taken
        torch.save(state, tmp_path / "old.pt")
        data = shutil.copytree(sample / "data-bin", tmp_path / "data" / "data-bin")  # no manifest
        with pytest.raises(UserError, match=r"spm\.model: cannot be read as sentencepiece"):
            EmoBART.from_pretrained(
                tmp_path / "old.pt", data, sentencepiece_model=tmp_path / "spm.model"
            )
