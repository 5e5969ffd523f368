"""One command from the raw corpora to data-bin, and what it does when it runs again."""

import json
from pathlib import Path

import pytest
from helpers.raw_files import write, write_gpt2_bpe

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.preparation import encode, tec
from emo_mtl.preparation.corpus import SPLITS
from emo_mtl.preparation.plan import load_manifest


def run(*arguments: object) -> None:
    """Call the command line in this process."""
    main(["prepare", *map(str, arguments)])


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below a folder."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def read_bin(prefix: Path, dictionary: Path) -> list[str]:
    """Return the lines of a binarized file, as symbols joined by spaces."""
    from fairseq.data import Dictionary, data_utils

    symbols = Dictionary.load(str(dictionary))
    dataset = data_utils.load_indexed_dataset(str(prefix), symbols)
    return [symbols.string(dataset[index]) for index in range(len(dataset))]


def text_lines(path: Path) -> list[str]:
    return path.read_text("utf-8").removesuffix("\n").split("\n")


@pytest.fixture
def gpt2_dir(tmp_path: Path) -> Path:
    return write_gpt2_bpe(tmp_path / "gpt2")


@pytest.fixture
def small(raw: Path, tmp_path: Path) -> list[object]:
    """Arguments that prepare the two smallest tasks with SentencePiece."""
    out = tmp_path / "data"
    return ["--raw-dir", raw, "--out-dir", out, "--bpe", "sentencepiece", "--vocab-size", 400,
            "--tasks", "e6,e2"]  # fmt: skip


@pytest.fixture
def mood(tmp_path: Path) -> Path:
    """A task of the user's own, with characters that the corpora do not have."""
    for split in SPLITS:
        write(tmp_path / "mood" / f"{split}.tsv", f"très {split}\tup\nnée ☛ là\tdown\n")
    return tmp_path / "mood"


class TestOutputs:
    def test_all_tasks_with_sentencepiece(self, raw: Path, tmp_path: Path) -> None:
        out = tmp_path / "data"
        run("--raw-dir", raw, "--out-dir", out, "--bpe", "sentencepiece", "--vocab-size", 400,
            "--workers", 2)  # fmt: skip
        names = {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()}
        ends = ("bin", "idx")
        sides = ("source", "target")
        parts = [f"{task}/{part}" for task in ("e2", "e6", "e12") for part in ("input0", "label")]
        assert names == {
            "dict.txt", "manifest.json", "spm.model",
            *(f"data-bin/response/dict.{side}.txt" for side in sides),
            *(f"data-bin/response/{split}.source-target.{side}.{end}"
              for split in SPLITS for side in sides for end in ends),
            *(f"text/response/{split}.{side}" for split in SPLITS for side in sides),
            *(f"data-bin/{part}/dict.txt" for part in parts),
            *(f"data-bin/{part}/{split}.{end}"
              for part in parts for split in SPLITS for end in ends),
            *(f"text/{task}/{split}.{end}"
              for task in ("e2", "e6", "e12") for split in SPLITS for end in ("input", "label")),
        }  # fmt: skip
        dictionaries = {
            path.read_bytes() for path in out.rglob("dict*.txt") if path.parent.name != "label"
        }
        assert len(dictionaries) == 1
        assert text_lines(out / "data-bin/e6/label/dict.txt") == [f"{x} 1" for x in tec.LABELS]

        from fairseq.data.encoders.sentencepiece_bpe import SentencepieceBPE, SentencepieceConfig

        model = str(out / "spm.model")
        decode = SentencepieceBPE(SentencepieceConfig(sentencepiece_model=model)).decode
        binned = out / "data-bin"
        for split in SPLITS:
            for side in sides:
                lines = read_bin(
                    binned / f"response/{split}.source-target.{side}",
                    binned / f"response/dict.{side}.txt",
                )
                text = text_lines(out / f"text/response/{split}.{side}")
                assert [decode(line) for line in lines] == text
            for part in parts:
                lines = read_bin(binned / part / split, binned / part / "dict.txt")
                task, kind = part.split("/")
                text = text_lines(out / f"text/{task}/{split}.{kind.removesuffix('0')}")
                assert [line if kind == "label" else decode(line) for line in lines] == text

    def test_gpt2(self, raw: Path, tmp_path: Path, gpt2_dir: Path) -> None:
        out = tmp_path / "data"
        run("--raw-dir", raw, "--out-dir", out, "--bpe", "gpt2", "--gpt2-bpe-dir", gpt2_dir,
            "--tasks", "response")  # fmt: skip
        binned = out / "data-bin/response"
        for side in ("source", "target"):
            dictionary = binned / f"dict.{side}.txt"
            assert dictionary.read_bytes() == (gpt2_dir / "dict.txt").read_bytes()
            lines = read_bin(binned / f"train.source-target.{side}", dictionary)
            units = {i: u for u, i in json.loads((gpt2_dir / "encoder.json").read_text()).items()}
            from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode

            of_unit = {unit: byte for byte, unit in bytes_to_unicode().items()}
            decoded = [
                bytes(of_unit[char] for i in line.split() for char in units[int(i)]).decode()
                for line in lines
            ]
            assert decoded == text_lines(out / f"text/response/train.{side}")

    def test_real_gpt2_files_give_fairseqs_ids(self, real: Path) -> None:
        folder = real / "gpt2_bpe"
        encode.check_gpt2_files(folder)
        assert encode.load_gpt2(folder)("Hello world") == "15496 995"

    def test_same_bytes_whatever_the_workers(self, small: list[object], tmp_path: Path) -> None:
        run(*small)
        run(*small, "--workers", 3, "--out-dir", tmp_path / "again")
        assert snapshot(tmp_path / "data") == snapshot(tmp_path / "again")

    def test_manifest(self, small: list[object], tmp_path: Path) -> None:
        run(*small)
        manifest = load_manifest(tmp_path / "data")
        assert manifest is not None
        assert manifest["tasks"]["e6"]["counts"] == {"train": 16, "valid": 2, "test": 2}
        assert manifest["tasks"]["e2"]["labels"] == ["negative", "positive"]
        assert list(manifest["tasks"]["e2"]["raw"]) == ["train.tsv", "dev.tsv"]
        assert set(manifest["versions"]) == {"python", "fairseq", "sentencepiece", "torch"}
        assert str(tmp_path) not in json.dumps(manifest)


class TestAgain:
    def test_nothing_to_do(
        self, small: list[object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run(*small)
        before = {file: file.stat().st_mtime_ns for file in (tmp_path / "data").rglob("*")}
        capsys.readouterr()
        run(*small)
        assert "nothing to do: " in capsys.readouterr().out
        assert before == {file: file.stat().st_mtime_ns for file in (tmp_path / "data").rglob("*")}

    def test_damaged_output_is_rebuilt(
        self, small: list[object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run(*small)
        before = snapshot(tmp_path / "data")
        (tmp_path / "data/data-bin/e2/label/valid.bin").write_bytes(b"")
        capsys.readouterr()
        run(*small)
        assert "built e2 in " in capsys.readouterr().out
        assert snapshot(tmp_path / "data") == before

    def test_changed_input_is_rebuilt_with_a_new_model(
        self, small: list[object], raw: Path, tmp_path: Path
    ) -> None:
        run(*small)
        before = snapshot(tmp_path / "data")
        path = raw / "tec" / tec.FILE
        write(path, path.read_text("utf-8").replace("tweet", "message ñ"))
        run(*small)
        after = snapshot(tmp_path / "data")
        assert before["spm.model"] != after["spm.model"]
        assert after["text/e6/train.input"].startswith(b"message ")
        assert before["data-bin/e2/input0/dict.txt"] != after["data-bin/e2/input0/dict.txt"]

    def test_changed_input_is_refused_where_it_would_strand_a_task(
        self, small: list[object], raw: Path, tmp_path: Path
    ) -> None:
        run(*small)
        before = snapshot(tmp_path / "data")
        path = raw / "tec" / tec.FILE
        write(path, path.read_text("utf-8").replace("tweet", "message"))
        with pytest.raises(UserError, match=r"a dictionary out of date, which e2 also uses"):
            run(*small, "--tasks", "e6")
        assert snapshot(tmp_path / "data") == before

    def test_custom_task_is_added_with_the_same_dictionary(
        self, small: list[object], mood: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "data"
        run(*small)
        before = snapshot(out)
        run(*small, "--tasks", "", "--custom", f"mood={mood}")
        after = snapshot(out)
        assert {name for name in before if before[name] != after[name]} == {"manifest.json"}
        lines = read_bin(out / "data-bin/mood/input0/train", out / "dict.txt")
        assert "<0xE2> <0x98> <0x9B>" in lines[1]  # ☛, unknown to the model, as bytes
        assert "<unk>" not in " ".join(lines)
        labels = out / "data-bin/mood/label"
        assert read_bin(labels / "test", labels / "dict.txt") == ["up", "down"]
        manifest = load_manifest(out)
        assert manifest is not None
        assert list(manifest["tasks"]) == ["e6", "e2", "mood"]

    def test_own_model_by_name_is_the_same_setting(
        self, small: list[object], mood: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "data"
        run(*small)
        model = (out / "spm.model").read_bytes()
        run("--out-dir", out, "--bpe", "sentencepiece", "--sentencepiece-model", out / "spm.model",
            "--tasks", "", "--custom", f"mood={mood}")  # fmt: skip
        assert (out / "spm.model").read_bytes() == model
        assert (out / "data-bin/mood/input0/train.bin").exists()

    def test_given_model(self, small: list[object], mood: Path, tmp_path: Path) -> None:
        run(*small)
        out = tmp_path / "other"
        run("--out-dir", out, "--bpe", "sentencepiece", "--sentencepiece-model",
            tmp_path / "data/spm.model", "--tasks", "", "--custom", f"mood={mood}")  # fmt: skip
        for name in ("spm.model", "dict.txt"):
            assert (out / name).read_bytes() == (tmp_path / "data" / name).read_bytes()


class TestOutDir:
    def test_foreign_folder_is_refused_and_its_files_survive_overwrite(
        self, small: list[object], tmp_path: Path
    ) -> None:
        out = tmp_path / "data"
        notes = write(out / "data-bin/e6/notes.txt", "mine")
        with pytest.raises(UserError, match=r"found files that prepare did not make"):
            run(*small)
        assert snapshot(out) == {"data-bin/e6/notes.txt": b"mine"}
        run(*small, "--overwrite")
        assert notes.read_text() == "mine"
        assert (out / "data-bin/e6/input0/train.bin").exists()

    def test_other_settings_are_refused_and_overwritten_on_demand(
        self, small: list[object], tmp_path: Path, gpt2_dir: Path
    ) -> None:
        out = tmp_path / "data"
        run(*small)
        before = snapshot(out)
        write(out / "data-bin/e2/notes.txt", "mine")
        other = [*small, "--bpe", "gpt2", "--gpt2-bpe-dir", gpt2_dir, "--tasks", "e6"]
        with pytest.raises(UserError, match=r"made with other settings .*\"vocab_size\": 400"):
            run(*other)
        assert before.items() <= snapshot(out).items()
        run(*other, "--overwrite")
        left = snapshot(out)
        assert not {name for name in left if name.startswith(("data-bin/e2", "text/e2", "spm"))} - {
            "data-bin/e2/notes.txt"
        }
        assert left["dict.txt"] == (gpt2_dir / "dict.txt").read_bytes()

    def test_failure_leaves_nothing(
        self, small: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from fairseq.data import indexed_dataset

        def fail(*_: object, **__: object) -> None:
            raise OSError("no space left on device")

        monkeypatch.setattr(indexed_dataset, "make_builder", fail)
        with pytest.raises(OSError, match="no space left on device"):
            run(*small)
        assert [path.name for path in tmp_path.iterdir()] == ["raw"]


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--tasks", "e7"], r"--tasks: found 'e7', expected some of response,e6,e2,e12"),
            (["--tasks", ""], r"--tasks: found no task"),
            (["--custom", "mood"], r"--custom mood: found the name 'mood' without a folder"),
            (["--custom", "e6=x"], r"--custom e6=x: .* a NAME that no other task has"),
            (["--custom", "response=x"], r"--custom response=x: "),
            (["--custom", "../x=x"], r"--custom ../x=x: "),
            (["--custom", "my.task=x"], r"found the name 'my.task' which is not made of"),
            (["--custom", "keys=x"], r"found the name 'keys' which torch's modules need"),
            (["--custom", "a" * 300 + "=x"], r"which is not made of 1 to 64 letters"),
            (["--bpe", "gpt2"], r"--bpe gpt2: found no --gpt2-bpe-dir"),
            (["--bpe", "gpt2", "--gpt2-bpe-dir", "."], r"expected fairseq's encoder.json, vocab"),
            (["--sentencepiece-model", __file__], r"expected a SentencePiece model"),
            (["--vocab-size", 100], r"--vocab-size 100: found SentencePiece's error"),
        ],
    )
    def test_argument(
        self, small: list[object], tmp_path: Path, arguments: list[object], message: str
    ) -> None:
        with pytest.raises(UserError, match=message):
            run(*small, *arguments)
        assert not (tmp_path / "data").exists()

    def test_dictionary_of_another_bpe(self, gpt2_dir: Path) -> None:
        write(gpt2_dir / "dict.txt", "0 1\n1 1\n")
        with pytest.raises(UserError, match=r"no entry for 256 units of encoder.json, such as 2"):
            encode.check_gpt2_files(gpt2_dir)
        write(gpt2_dir / "encoder.json", "[1]")
        with pytest.raises(UserError, match=r"encoder.json: found something else"):
            encode.check_gpt2_files(gpt2_dir)

    def test_missing_folder_of_your_own(self, small: list[object], tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"train.tsv: found no such file.*text<TAB>label"):
            run(*small, "--custom", f"mood={tmp_path / 'nothing'}")

    @pytest.mark.parametrize("content", ["", "\n \n"])
    @pytest.mark.parametrize("name", ["encoder.json", "dict.txt"])
    def test_gpt2_file_without_text(self, gpt2_dir: Path, name: str, content: str) -> None:
        write(gpt2_dir / name, content)
        with pytest.raises(UserError, match=name):
            encode.check_gpt2_files(gpt2_dir)

    def test_raw_dir_is_needed(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"found no --raw-dir"):
            run("--out-dir", tmp_path / "data", "--bpe", "sentencepiece")
