"""Finding a model's BPE, and refusing another one."""

from argparse import Namespace
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from emo_mtl.errors import UserError
from emo_mtl.inference import bpe


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path


def write(folder: Path, **files: str) -> None:
    """Files by name, with `_` for the dot."""
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


def spm(folder: Path) -> bpe.Identity:
    return bpe.identity_of(Namespace(bpe="sentencepiece", sentencepiece_model=folder / "spm.model"))


class TestNotKnown:
    """Data of plain fairseq-preprocess, or a checkpoint of before: what was given or lies there is taken."""

    def test_beside_the_data(self, folder):
        write(folder, encoder_json="e", vocab_bpe="v")
        gpt2 = Namespace(
            bpe="gpt2",
            gpt2_encoder_json=str(folder / "encoder.json"),
            gpt2_vocab_bpe=str(folder / "vocab.bpe"),
        )
        assert bpe.find(None, {}, [folder]) == gpt2
        write(folder, spm_model="s")
        assert bpe.find(None, {"bpe": None}, [folder]).bpe == "sentencepiece"
        assert bpe.find(None, {"bpe": "gpt2"}, [folder]) == gpt2

    def test_given(self, folder):
        write(folder, spm_model="s", a_json="e", a_bpe="v")
        files = {"gpt2_encoder_json": folder / "a.json", "gpt2_vocab_bpe": folder / "a.bpe"}
        found = bpe.find(None, {**files, "sentencepiece_model": None}, [folder])
        assert (found.bpe, found.gpt2_vocab_bpe) == ("gpt2", str(folder / "a.bpe"))

    def test_addresses_of_fairseq_are_no_files(self, folder):
        write(folder, encoder_json="e", vocab_bpe="v")
        found = bpe.find(None, {"bpe": "gpt2", "gpt2_vocab_bpe": "https://a/vocab.bpe"}, [folder])
        assert found.gpt2_vocab_bpe == str(folder / "vocab.bpe")

    def test_missing(self, folder):
        with pytest.raises(UserError, match=r"found no BPE, expected spm\.model"):
            bpe.find(None, {}, [folder])
        with pytest.raises(UserError, match="--gpt2-encoder-json"):
            bpe.find(None, {"bpe": "gpt2"}, [folder])
        with pytest.raises(UserError, match="found --bpe 'gpt3'"):
            bpe.find(None, {"bpe": "gpt3"}, [folder])


class TestKnown:
    def test_found_in_any_folder_by_its_content(self, folder):
        for name, text in (("a", "other"), ("b", "own")):
            (folder / name).mkdir()
            write(folder / name, spm_model=text)
        own = spm(folder / "b")
        found = bpe.find(own, {}, [folder / "gone", folder / "a", folder / "b"])
        assert found.sentencepiece_model == str(folder / "b" / "spm.model")

    def test_another_file_is_refused(self, folder):
        write(folder, spm_model="own", other_model="other")
        own = spm(folder)
        for given in (
            {"sentencepiece_model": folder / "other.model"},
            {"bpe": "sentencepiece", "sentencepiece_model": folder / "other.model"},
        ):
            with pytest.raises(UserError, match=r"other\.model: found SHA-256"):
                bpe.find(own, given, [folder])
        write(folder, spm_model="changed")
        with pytest.raises(UserError, match=r"spm\.model: found SHA-256"):
            bpe.find(own, {}, [folder])

    def test_another_kind_is_refused(self, folder):
        write(folder, spm_model="own", encoder_json="e", vocab_bpe="v")
        for given in ({"bpe": "gpt2"}, {"gpt2_vocab_bpe": folder / "vocab.bpe"}):
            with pytest.raises(UserError, match="was encoded with sentencepiece"):
                bpe.find(spm(folder), given, [folder])

    def test_missing(self, folder):
        write(folder, spm_model="own")
        own = spm(folder)
        (folder / "spm.model").unlink()
        with pytest.raises(UserError, match=r"spm\.model: no such file.*--sentencepiece-model"):
            bpe.find(own, {}, [folder])


def test_identity_in_manifests_of_before(folder):
    """They note the digests of GPT-2's files, which were not kept."""
    files = {"encoder.json": "1", "vocab.bpe": "2", "dict.txt": "3"}
    manifest = {"settings": {"bpe": "gpt2", "files": files}, "files": {"dict.txt": "3"}}
    own = {"kind": "gpt2", "sha256": {"encoder.json": "1", "vocab.bpe": "2"}}
    assert bpe.identity_in(manifest) == own
    new = {"settings": {"bpe": "gpt2"}, "files": files}
    assert bpe.identity_in(new) == own


def test_flags_of_fairseq():
    """A group of its config names the kind `_name`."""
    group = OmegaConf.create({"_name": "sentencepiece", "sentencepiece_model": "a"})
    expected = {"bpe": "sentencepiece", "sentencepiece_model": "a"}
    assert bpe.given_flags(group).items() >= expected.items()
    assert bpe.given_flags(Namespace(**expected)) == expected
    assert bpe.given_flags(None) == {}


class Words:
    """Stands in for fairseq's BPE: capital letters are its tokens."""

    def encode(self, text: str) -> str:
        return text.upper()

    def decode(self, tokens: str) -> str:
        return tokens.lower()


class TestTurns:
    def test_line_of_turns(self):
        encoder = bpe.TurnsBPE(Words())
        assert encoder.encode("a b __eou__ c") == "A B </s> C"
        assert encoder.encode("a b__eou__c __eou__") == "A B </s> C"
        assert encoder.decode("A B </s> C") == "a b __eou__ c"

    def test_one_turn_is_as_ever(self):
        encoder = bpe.TurnsBPE(Words())
        for line in ("a b", "", " a "):
            assert encoder.encode(line) == Words().encode(line)
            assert encoder.decode(line.strip()) == line.strip().lower()

    def test_text_of_a_turn_has_no_marks(self):
        assert bpe.TurnsBPE(Words()).encode_turns(["a __eou__ b", "c"]) == "A __EOU__ B </s> C"

    def test_undone_already(self):
        assert bpe.TurnsBPE(Words(), decodes=False).decode("A </s> B") == "A </s> B"
