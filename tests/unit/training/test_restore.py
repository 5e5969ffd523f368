"""The table of starts x wrong companions: each is right, refused with one line, or begun anew with one."""

import io
import shutil
import zipfile
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import torch
from fairseq import checkpoint_utils, options, tasks
from fairseq.data import iterators
from fairseq.trainer import Trainer
from fairseq_cli import generate as fairseq_generate
from fairseq_cli import interactive as fairseq_interactive
from fairseq_cli import train as fairseq_train
from fairseq_cli import validate as fairseq_validate
from helpers.checkpoints import RunsCode, cut, flip_a_bit, write
from helpers.commands import TASK
from helpers.config import parse, parse_train, train_argv
from helpers.data import WORDS, binarize, make_dictionary, write_data_bin
from omegaconf import DictConfig

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.inference.loading import build_model, checkpoint_file, load_checkpoint
from emo_mtl.models.emo_bart import fit_rows
from emo_mtl.training.checkpoints import newest_whole
from emo_mtl.training.start import Start, choose_start

SIZES = {"train": 60, "valid": 17, "test": 11}
# ---- the file and its companions


def train_briefly(data: Path, folder: Path, **flags: object) -> Path:
    """A checkpoint in the middle of the first epoch, after 3 updates of 4 micro-batches."""
    argv = train_argv(data, save_dir=folder, max_update=3, update_freq=4, seed=1, **flags)
    fairseq_train.main(parse_train(argv))
    return folder / "checkpoint_last.pt"


@pytest.fixture(scope="module")
def ours(data_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_briefly(data_bin, tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def plain(data_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Responses only."""
    folder = tmp_path_factory.mktemp("plain")
    return train_briefly(data_bin, folder, classification_tasks="")


def other_data(folder: Path, words: list[str] = WORDS, **labels: list[str]) -> Path:
    """A data folder whose dictionary has other words, or whose tasks have other labels."""
    write_data_bin(folder, SIZES)
    if words != WORDS:
        for path in folder.glob("**/dict*.txt"):
            if path.parent.name != "label":
                make_dictionary(words, path)
    for name, symbols in labels.items():
        dictionary = make_dictionary(symbols, folder / name / "label" / "dict.txt")
        for split in SIZES:
            count = max(2, SIZES[split] // 3)
            lines = [symbols[i % len(symbols)] for i in range(count)]
            binarize(lines, dictionary, folder / name / "label" / split)
    return folder


@pytest.fixture(scope="module")
def data_folders(data_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Data that belongs to the checkpoint, and data that does not."""
    folder = tmp_path_factory.mktemp("others")
    return {
        "same": data_bin,
        "dictionary": other_data(folder / "dictionary", WORDS[::-1]),
        "order": other_data(folder / "order", e2=["pos", "neg"]),
        "labels": other_data(folder / "labels", e2=["good", "bad"]),
        "number": other_data(folder / "number", e2=["neg", "neutral", "pos"]),
    }


@pytest.fixture(scope="module")
def translation(data_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of fairseq's own translation."""
    folder = tmp_path_factory.mktemp("translation")
    flags = {"task": "translation", "arch": "transformer", "criterion": "cross_entropy"}
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "max_update": 1, "save_dir": folder}
    argv = train_argv(data_bin / "response", **flags, **sizes)
    for flag in ("--classification-tasks", "--label-smoothing"):
        del argv[argv.index(flag) : argv.index(flag) + 2]
    fairseq_train.main(parse_train(argv))
    return folder / "checkpoint_last.pt"


def make_file(kind: str, ours: Path, translation: Path, folder: Path) -> Path:
    """A wrong file of a kind."""
    path = folder / "wrong.pt"
    if kind == "translation":
        shutil.copy(translation, path)
    elif kind == "missing":
        pass
    elif kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("notes.txt", "no tensors")
    elif kind == "code":
        content = torch.load(ours, weights_only=True)
        torch.save({**content, "surprise": RunsCode(folder / "ran")}, path)
    elif kind == "parameters":  # such as pytorch_model.bin
        torch.save(OrderedDict(torch.load(ours, weights_only=True)["model"]), path)
    elif kind == "old and cut off":
        content = torch.load(ours, weights_only=True)
        torch.save(content, path, _use_new_zipfile_serialization=False)
        path.write_bytes(path.read_bytes()[:-700])
    else:
        shutil.copy(ours, path)
        content = bytearray(path.read_bytes())
        if kind == "cut off":
            content = content[:-700]
        else:
            content[len(content) // 2] ^= 1
        path.write_bytes(content)
    return path


FILES = {  # kind of wrong file: what the message says
    "missing": "no such file",
    "folder": "is a folder",
    "empty": "empty",
    "cut off": "cut off",
    "flipped": "checksum",
    "old and cut off": "cannot be read",
    "zip": "no checkpoint of torch",
    "code": "could run code",
    "parameters": "found something else",
}


# ---- training


RESET = dict.fromkeys(
    ("reset_optimizer", "reset_dataloader", "reset_meters", "reset_lr_scheduler"), True
)
TRAINING = {  # start: flags, and whether the optimizer's state is kept
    "resume": ({}, True),
    "restore": ({"restore_file": "FILE"}, True),
    "reset-dataloader": ({"restore_file": "FILE", "reset_dataloader": True}, True),
    "reset-meters": ({"restore_file": "FILE", "reset_meters": True}, True),
    "reset-optimizer": ({"restore_file": "FILE", "reset_optimizer": True}, False),
    "reset-all": ({"restore_file": "FILE", **RESET}, False),
    "finetune": ({"finetune_from_model": "FILE"}, False),
}


@cache
def base_config(**flags: object):
    """Parsing takes longer than all else: it is done once."""
    return parse_train(train_argv(Path("data-bin"), seed=1, update_freq=4, **flags))


def start_training(data: Path, file: Path, save_dir: Path, how: str, **flags: object):
    """What fairseq-train does before it trains: the trainer, and the iterator at its position.

    Args:
        how: a key of `TRAINING`
        flags: other flags, of any group
    """
    save_dir.mkdir(exist_ok=True)
    if how == "resume" and file.exists():
        (shutil.copytree if file.is_dir() else shutil.copy)(file, save_dir / "checkpoint_last.pt")
    start = {
        key: str(file) if value == "FILE" else value for key, value in TRAINING[how][0].items()
    }
    cfg = deepcopy(base_config())
    cfg._set_flag("allow_objects", True)
    cfg.model = Namespace(**vars(cfg.model))  # which deepcopy takes as it is
    for key, value in {"data": str(data), "save_dir": str(save_dir), **start, **flags}.items():
        for group in ("checkpoint", "common", "dataset", "optimization", "task"):
            if key in cfg[group]:
                cfg[group][key] = value
        setattr(cfg.model, key, value)
    torch.manual_seed(1)
    task = tasks.setup_task(cfg.task)
    model = task.build_model(cfg.model)
    trainer = Trainer(cfg, task, model, task.build_criterion(cfg.criterion))
    _, epoch_itr = checkpoint_utils.load_checkpoint(cfg.checkpoint, trainer)
    return trainer, epoch_itr


def is_one_line(error: BaseException) -> bool:
    return len(str(error).splitlines()) == 1


@pytest.fixture
def attempt(ours, tmp_path) -> Callable:
    """Start a training in one of the ways, from the checkpoint by default."""

    def start(data: Path, how: str, file: Path = ours, **flags: object):
        return start_training(data, file, tmp_path / "save", how, **flags)

    return start


@pytest.mark.parametrize("how", TRAINING)
class TestWhose:
    def test_right_companions(self, how, attempt, ours, data_folders):
        """The parameters are those of the file, heads included."""
        trainer, _ = attempt(data_folders["same"], how)
        saved = torch.load(ours, weights_only=True)["model"]
        loaded = trainer.model.state_dict()
        for name, value in saved.items():
            assert torch.equal(loaded[name], value), name

    def test_other_dictionary_of_the_same_size(self, how, attempt, data_folders):
        with pytest.raises(UserError, match="its dictionary is not the one") as raised:
            attempt(data_folders["dictionary"], how)
        assert is_one_line(raised.value)

    def test_other_dictionary_without_tasks(self, how, plain, data_folders, tmp_path):
        """The plain iterator over the responses has no part in the check."""
        with pytest.raises(UserError, match="its dictionary is not the one"):
            start_training(
                data_folders["dictionary"], plain, tmp_path, how, classification_tasks=""
            )

    @pytest.mark.parametrize("labels", ["order", "labels", "number"])
    def test_other_labels(self, how, labels, attempt, ours, data_folders, caplog):
        """With the optimizer's state they are refused, without it the head begins anew."""
        if TRAINING[how][1]:
            with pytest.raises(UserError, match=r"labels|heads") as raised:
                attempt(data_folders[labels], how)
            assert is_one_line(raised.value)
            return
        trainer, _ = attempt(data_folders[labels], how)
        assert "the heads e2 begin anew" in caplog.text
        saved = torch.load(ours, weights_only=True)["model"]
        loaded = trainer.model.state_dict()
        assert torch.equal(
            loaded["classification_heads.e6.dense.weight"],
            saved["classification_heads.e6.dense.weight"],
        )
        dense = "classification_heads.e2.dense.weight"
        assert not torch.equal(loaded[dense], saved[dense])
        assert loaded["classification_heads.e2.out_proj.weight"].size(0) == len(
            trainer.task.heads["e2"]
        )

    def test_other_tasks(self, how, attempt, data_folders, caplog):
        if TRAINING[how][1]:
            with pytest.raises(UserError, match="--classification-tasks"):
                attempt(data_folders["same"], how, classification_tasks="e6")
        else:
            attempt(data_folders["same"], how, classification_tasks="e6")
            assert "its heads e2 are left out" in caplog.text


@pytest.mark.parametrize("how", ["resume", "restore", "reset-all", "finetune"])
class TestFile:
    @pytest.mark.parametrize(
        ("flag", "value"),
        [
            ("encoder_layers", 1),
            ("encoder_ffn_embed_dim", 64),
            ("max_source_positions", 128),
            ("encoder_attention_heads", 2),  # the parameters have the same shapes
            ("activation_fn", "relu"),
        ],
    )
    def test_other_architecture(self, how, flag, value, attempt, data_folders):
        with pytest.raises(UserError, match=f"--{flag.replace('_', '-')}") as raised:
            attempt(data_folders["same"], how, **{flag: value})
        assert is_one_line(raised.value)
        assert "another architecture" in str(raised.value)

    @pytest.mark.parametrize("kind", FILES)
    def test_wrong_file(self, how, kind, attempt, ours, translation, data_folders, tmp_path):
        if (how, kind) == ("resume", "missing"):
            return  # a first start
        path = make_file(kind, ours, translation, tmp_path)
        with pytest.raises(UserError, match=FILES[kind]) as raised:
            attempt(data_folders["same"], how, path)
        assert is_one_line(raised.value)
        assert not (tmp_path / "ran").exists()

    def test_translation(self, how, attempt, translation, data_folders):
        with pytest.raises(UserError) as raised:
            attempt(data_folders["same"], how, translation, classification_tasks="")
        assert is_one_line(raised.value)


# ---- rows


class TestRows:
    def test_right_number(self):
        rows = torch.rand(5, 3)
        assert fit_rows(rows, 5) is rows

    def test_mask_is_added(self):
        """bart.large.cnn and .xsum have none."""
        rows = torch.rand(50_264, 2)
        found = fit_rows(rows, 50_265)
        assert torch.equal(found[:-1], rows)
        torch.testing.assert_close(found[-1], rows.mean(dim=0))

    def test_padding_is_cut(self):
        rows = torch.rand(50_272, 2)
        assert torch.equal(fit_rows(rows, 50_265), rows[:50_265])

    @pytest.mark.parametrize("rows", [50_263, 50_266, 50_336, 999])
    def test_others_stay(self, rows):
        assert fit_rows(torch.rand(rows, 2), 50_265).size(0) == rows

    @staticmethod
    def pretrained(ours: Path, path: Path, change: int) -> Path:
        """As ours, but not of this task, with rows more or fewer."""
        content = torch.load(ours, weights_only=True)
        content["task_state"] = {}
        for name in ("encoder.embed_tokens", "decoder.embed_tokens", "decoder.output_projection"):
            rows = content["model"][f"{name}.weight"]
            rows = torch.cat([rows, torch.zeros(change, 16)]) if change > 0 else rows[:change]
            content["model"][f"{name}.weight"] = rows
        torch.save(content, path)
        return path

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (-1, "expected 45: a row is added for <mask>"),
            (3, "expected 45: the last 3 are cut off"),
        ],
    )
    @pytest.mark.parametrize("how", ["reset-all", "finetune"])
    def test_training(self, how, change, message, ours, data_bin, tmp_path, caplog):
        path = self.pretrained(ours, tmp_path / "model.pt", change)
        trainer, epoch_itr = start_training(data_bin, path, tmp_path / "save", how)
        assert message in caplog.text
        saved = torch.load(ours, weights_only=True)["model"]["encoder.embed_tokens.weight"]
        loaded = trainer.model.encoder.embed_tokens.weight
        assert torch.equal(loaded[:44], saved[:44])
        assert torch.equal(trainer.model.decoder.output_projection.weight, loaded)
        assert trainer.train_step([next(epoch_itr.next_epoch_itr())])["loss"] > 0

    def test_optimizers_state_does_not_fit(self, ours, data_bin, tmp_path):
        path = self.pretrained(ours, tmp_path / "model.pt", -1)
        with pytest.raises(
            UserError, match=r"optimizer's state does not fit: add --reset-optimizer"
        ):
            start_training(data_bin, path, tmp_path / "save", "reset-dataloader")

    @pytest.mark.parametrize("change", [-2, 4])
    def test_refused(self, change, ours, data_bin, tmp_path):
        path = self.pretrained(ours, tmp_path / "model.pt", change)
        with pytest.raises(UserError, match=rf"embeddings for {45 + change} symbols, but"):
            start_training(data_bin, path, tmp_path / "save", "finetune")

    def test_rows_of_this_task_stay(self, ours, data_bin, data_folders, tmp_path):
        data = other_data(tmp_path / "more", [*WORDS, "another"])
        with pytest.raises(UserError, match="its dictionary is not the one"):
            start_training(data, ours, tmp_path / "save", "finetune")


# ---- reading


@cache
def reading_config(command: str):
    argv = ["data-bin", *TASK[2:], "--path", "model.pt", "--max-tokens", "200"]
    if command != "validation":
        argv += ["--gen-subset", "valid", "--max-len-b", "3", "--beam", "1"]
    return parse(getattr(options, f"get_{command}_parser")(), argv)


def run_fairseq(command: str, data: Path, path: str) -> None:
    """fairseq-generate, fairseq-interactive or fairseq-validate."""
    cfg = deepcopy(reading_config(command))
    cfg.task.data, cfg.common_eval.path = str(data), path
    if command == "validation":
        fairseq_validate.main(cfg, Namespace(data=str(data)))
    else:
        (fairseq_generate if command == "generation" else fairseq_interactive).main(cfg)


READING = {
    "generate": lambda data, path, _good: run_fairseq("generation", data, path),
    "ensemble": lambda data, path, good: run_fairseq("generation", data, f"{good}:{path}"),
    "interactive": lambda data, path, _good: run_fairseq("interactive_generation", data, path),
    "classify": lambda data, path, _good: main(
        ["classify", path, "--data", str(data), "--cpu", "--subset", "valid"]
    ),
    # what EmoBART, chat, demo and export-hf begin with
    "EmoBART": lambda data, path, _good: build_model(
        load_checkpoint(checkpoint_file(Path(path))), data
    ),
    "validate": lambda data, path, _good: run_fairseq("validation", data, path),
}


class TestReading:
    @pytest.fixture(autouse=True)
    def no_input(self, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO(""))

    @pytest.mark.parametrize("how", ["ensemble", "classify", "EmoBART", "validate"])
    def test_right_companions(self, how, ours, data_folders, capsys):
        READING[how](data_folders["same"], str(ours), str(ours))

    @pytest.mark.parametrize("how", READING)
    def test_other_dictionary_of_the_same_size(self, how, ours, data_folders):
        with pytest.raises(UserError, match="its dictionary is not the one") as raised:
            READING[how](data_folders["dictionary"], str(ours), str(ours))
        assert is_one_line(raised.value)

    @pytest.mark.parametrize(
        "how", ["validate", "classify"]
    )  # the others read no labels of the data
    @pytest.mark.parametrize("labels", ["order", "labels", "number"])
    def test_other_labels(self, how, labels, ours, data_folders, capsys):
        with pytest.raises(UserError, match="expected those of the checkpoint: neg, pos"):
            READING[how](data_folders[labels], str(ours), str(ours))

    # fairseq-validate loads the file before it asks any task
    @pytest.mark.parametrize("how", [how for how in READING if how != "validate"])
    @pytest.mark.parametrize("kind", FILES)
    def test_wrong_file(self, how, kind, ours, translation, data_folders, tmp_path):
        path = make_file(kind, ours, translation, tmp_path)
        message = "no such file" if kind == "folder" else FILES[kind]
        with pytest.raises(UserError, match=f"{message}|is a folder") as raised:
            READING[how](data_folders["same"], str(path), str(ours))
        assert is_one_line(raised.value)
        assert not (tmp_path / "ran").exists()


# ---- the choice of the file


class TestNewestWhole:
    def test_damaged_ones_are_passed_over(self, tmp_path):
        last = write(tmp_path / "checkpoint_last.pt")
        cut(write(tmp_path / "checkpoint_best.pt", age=1))
        second = write(tmp_path / "checkpoint2.pt", age=2)
        write(tmp_path / "checkpoint1.pt", age=3)
        assert newest_whole(tmp_path, but=last) == second

    def test_none(self, tmp_path):
        assert newest_whole(tmp_path, but=write(tmp_path / "checkpoint_last.pt")) is None


class TestChooseStart:
    def config(self, folder: Path, restore_file: str = "checkpoint_last.pt") -> DictConfig:
        cfg = deepcopy(base_config().checkpoint)
        cfg.save_dir, cfg.restore_file = str(folder), restore_file
        return cfg

    def test_nothing_changes(self, tmp_path):
        cfg = self.config(tmp_path)
        choose_start(cfg)  # a first start
        write(tmp_path / "checkpoint_last.pt")
        choose_start(cfg)
        assert cfg.restore_file == "checkpoint_last.pt"

    def test_next_best(self, tmp_path, caplog):
        flip_a_bit(write(tmp_path / "checkpoint_last.pt"))
        best = write(tmp_path / "checkpoint_best.pt")
        choose_start(cfg := self.config(tmp_path))
        assert cfg.restore_file == str(best)
        assert "checkpoint_last.pt: damaged" in caplog.text
        assert str(best) in caplog.text

    def test_fine_tuning_goes_on_too(self, tmp_path):
        """fairseq takes only one of the two flags, and the first start is long over."""
        cut(write(tmp_path / "checkpoint_last.pt"))
        best = write(tmp_path / "checkpoint_best.pt")
        cfg = self.config(tmp_path)
        cfg.finetune_from_model = "model.pt"
        assert choose_start(cfg) == Start(best, True, True)
        assert cfg.restore_file == str(best)
        assert cfg.finetune_from_model is None

    def test_warns_before_an_earlier_training_is_overwritten(self, tmp_path, caplog):
        asked = write(tmp_path / "model.pt")
        choose_start(self.config(tmp_path, str(asked)))
        assert not caplog.text
        last = write(tmp_path / "checkpoint_last.pt")
        choose_start(self.config(tmp_path, str(asked)))
        assert f"{last}: will be overwritten" in caplog.text
        caplog.clear()
        choose_start(self.config(tmp_path, str(last)))
        assert not caplog.text

    def test_last_one_by_its_path(self, tmp_path):
        """Scripts that name the file that a first start has not made yet."""
        cfg = self.config(tmp_path, str(tmp_path / "checkpoint_last.pt"))
        assert choose_start(cfg) is None
        write(tmp_path / "checkpoint_last.pt")
        assert choose_start(cfg).path == tmp_path / "checkpoint_last.pt"

    def test_bare_name(self, tmp_path):
        """fairseq looks for it in the working folder, finds none and overwrites the last checkpoint."""
        (tmp_path / "save").mkdir()
        best = write(tmp_path / "save" / "checkpoint_best.pt")
        with pytest.raises(UserError, match=f"no such file.*give --restore-file {best}"):
            choose_start(self.config(tmp_path / "save", "checkpoint_best.pt"))

    def test_folder(self, tmp_path):
        cfg = self.config(tmp_path / "save")
        cfg.finetune_from_model = str(tmp_path)
        write(tmp_path / "model.pt")
        with pytest.raises(UserError, match=r"is a folder.*give --finetune-from-model .*model\.pt"):
            choose_start(cfg)

    def test_fine_tuning_looks_at_its_file_the_first_time_only(self, tmp_path):
        cfg = self.config(tmp_path)
        cfg.finetune_from_model = str(tmp_path / "gone.pt")
        with pytest.raises(UserError, match=r"--finetune-from-model .*gone\.pt: no such file"):
            choose_start(cfg)
        last = write(tmp_path / "checkpoint_last.pt")
        assert choose_start(cfg) == Start(last, True, True)

    @pytest.mark.parametrize("flag", RESET)
    def test_fine_tuning_takes_no_other_flag(self, tmp_path, flag):
        cfg = self.config(tmp_path)
        cfg.finetune_from_model, cfg[flag] = "model.pt", True
        with pytest.raises(UserError, match=f"found --{flag.replace('_', '-')} beside it"):
            choose_start(cfg)

    def test_no_other(self, tmp_path):
        cut(write(tmp_path / "checkpoint_last.pt"))
        with pytest.raises(
            UserError, match=r"checkpoint_last.pt: cut off.*remove it to start anew"
        ):
            choose_start(self.config(tmp_path))

    def test_file_that_was_asked_for(self, tmp_path):
        cut(asked := write(tmp_path / "model.pt"))
        other = write(tmp_path / "checkpoint_best.pt")
        with pytest.raises(UserError, match=f"model.pt: cut off.*--restore-file {other}"):
            choose_start(self.config(tmp_path, str(asked)))


# ---- the position in the data


class TestPosition:
    """12 micro-batches of the first epoch were seen, with --update-freq 4."""

    @pytest.mark.parametrize("tasks", ["e6,e2", ""])
    @pytest.mark.parametrize("freq", [1, 3, 5, 6, 8, 100])
    def test_other_update_freq(self, ours, plain, data_bin, tmp_path, tasks, freq):
        """Every micro-batch of the epoch is seen once, or training does not start."""
        file = ours if tasks else plain
        flags = {"classification_tasks": tasks, "update_freq": [freq]}
        if 12 % freq:
            with pytest.raises(
                UserError, match=rf"--update-freq {freq}: .*after 12 .*update-freq \[4\]"
            ):
                start_training(data_bin, file, tmp_path, "resume", **flags)
            return
        _, epoch_itr = start_training(data_bin, file, tmp_path, "resume", **flags)
        length = len(epoch_itr)
        groups = iterators.GroupedIterator(epoch_itr.next_epoch_itr(), freq)
        assert sum(len(group) for group in groups) == length - 12
        assert epoch_itr.end_of_epoch()

    def test_update_freq_of_the_epoch(self, ours, data_bin, tmp_path):
        start_training(data_bin, ours, tmp_path, "resume", update_freq=[4, 5])

    def test_reset_dataloader(self, ours, data_bin, tmp_path):
        _, epoch_itr = start_training(data_bin, ours, tmp_path, "reset-dataloader", update_freq=[5])
        assert epoch_itr.iterations_in_epoch == 0

    @pytest.mark.parametrize("tasks", ["e6,e2", ""])
    def test_other_seed(self, ours, plain, data_bin, tmp_path, tasks, caplog):
        file, flags = ours if tasks else plain, {"classification_tasks": tasks}
        start_training(data_bin, file, tmp_path, "resume", **flags)
        assert "drawn anew" not in caplog.text
        start_training(data_bin, file, tmp_path, "resume", seed=7, max_tokens=56, **flags)
        assert "--seed 1 became 7, --max-tokens 64 became 56: the rest of the epoch" in caplog.text

    @pytest.mark.parametrize("tasks", ["e6,e2", ""])
    def test_epoch_that_is_shorter(self, ours, plain, data_bin, tmp_path, tasks):
        file, flags = ours if tasks else plain, {"classification_tasks": tasks}
        with pytest.raises(UserError, match=r"after 12 micro-batches, but this run has [1-9]"):
            start_training(data_bin, file, tmp_path, "resume", max_tokens=4000, **flags)

    def test_of_another_task(self, plain, data_bin, tmp_path):
        """Epoch 41 of bart.large is not epoch 41 of these responses."""
        content = torch.load(plain, weights_only=True)
        content["task_state"] = {}
        content["last_optimizer_state"] = None
        torch.save(content, tmp_path / "foreign.pt")
        flags = {"classification_tasks": ""}
        with pytest.raises(UserError, match="in epoch 1 of other data: add --reset-dataloader"):
            start_training(data_bin, tmp_path / "foreign.pt", tmp_path / "a", "restore", **flags)
        start_training(data_bin, tmp_path / "foreign.pt", tmp_path / "b", "finetune", **flags)


class TestOptimizer:
    @pytest.mark.parametrize(
        ("flag", "value", "message"),
        [
            ("optimizer", "fused_adam", "the optimizer FairseqAdam, but this run has FusedAdam"),
            ("criterion", "label_smoothed_cross_entropy", "the criterion MultitaskNLL"),
        ],
    )
    def test_other(self, plain, data_bin, tmp_path, flag, value, message):
        """fairseq has an assertion for it."""
        shutil.copy(plain, tmp_path / "checkpoint_last.pt")
        flags = {"classification_tasks": "", "save_dir": tmp_path, flag: value}
        with pytest.raises(UserError, match=message) as raised:
            fairseq_train.main(parse_train(train_argv(data_bin, **flags)))
        assert "--reset-optimizer" in str(raised.value)
