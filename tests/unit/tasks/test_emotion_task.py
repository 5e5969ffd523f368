"""`--emotion-task`: what a training reads, and what generation puts in front of utterances."""

import shutil
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from fairseq.data import Dictionary
from fairseq.tasks.translation import TranslationTask
from helpers.data import binarize, make_dictionary, write_data_bin

from emo_mtl.data.dictionaries import read_dictionary
from emo_mtl.errors import UserError

SIZES = {"train": 60, "valid": 17, "test": 11}
LABELS = ["w1", "w2_w3"]


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A BPE whose tokens are words."""
    plain = Namespace(encode=str, decode=str)
    monkeypatch.setattr(TranslationTask, "build_bpe", lambda self, args: plain)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The usual data, and a task `next` with the utterances of the responses."""
    data = write_data_bin(tmp_path_factory.mktemp("next") / "data-bin", SIZES)
    labels = make_dictionary(LABELS, data / "next" / "label" / "dict.txt")
    shutil.copytree(data / "e6" / "input0", data / "next" / "input0")
    for split, size in SIZES.items():
        for end in ("bin", "idx"):
            source = data / "response" / f"{split}.source-target.source.{end}"
            shutil.copy(source, data / "next" / "input0" / f"{split}.{end}")
        binarize([LABELS[i % 2] for i in range(size)], labels, data / "next" / "label" / split)
    return data


def sources(build, folder: Path, split: str = "train", **flags: str):
    _, task, _, _ = build(folder, classification_tasks="next", **flags)
    task.load_dataset(split)
    return task, task.dataset(split).datasets["response"].src


def texts(task, items, count: int = 60) -> list[str]:
    return [task.source_dictionary.string(items[i]) for i in range(count)]


def test_the_label_is_a_turn_in_front(build, folder):
    _, plain = sources(build, folder)
    task, source = sources(build, folder, emotion_task="next", emotion_dropout="0")
    expected = [
        f"{('w1', 'w2 w3')[i % 2]} </s> {text}" for i, text in enumerate(texts(task, plain))
    ]
    assert texts(task, source) == expected
    assert task.emotions.task == "next"
    words = read_dictionary(folder / "response" / "dict.source.txt")
    assert task.emotions.tokens == {
        label: words.encode_line(text, add_if_not_exist=False).tolist()
        for label, text in (("w1", "w1"), ("w2_w3", "w2 w3"))
    }
    assert task.dataset("train").datasets["next"].dataset.src[0].tolist() == plain[0].tolist()


def test_left_out_in_training_only(build, folder):
    task, source = sources(build, folder, emotion_task="next", emotion_dropout="0.5")
    assert 10 < sum(" </s> " in text for text in texts(task, source)) < 50
    task, source = sources(build, folder, "valid", emotion_task="next", emotion_dropout="0.5")
    assert all(" </s> " in text for text in texts(task, source, 17))


def epochs(task) -> list[list]:
    """What the batches of two epochs hold, as numbers."""
    iterator = task.get_batch_iterator(
        task.dataset("train"), max_tokens=200, max_positions=(1024, 1024), seed=3
    )
    return [
        [batch["net_input"]["src_tokens"].tolist() for batch in iterator.next_epoch_itr()]
        for _ in range(2)
    ]


def test_off_is_bit_for_bit_as_before(build, folder, data_bin):
    """The folder has a task more, but not its label in front."""
    _, task, _, _ = build(folder, classification_tasks="")
    task.load_dataset("train")
    _, before, _, _ = build(data_bin, classification_tasks="")
    before.load_dataset("train")
    assert epochs(task) == epochs(before)
    assert (task.emotions.room, task.room_of("response")) == (0, 0)


def test_epochs_differ(build, folder):
    task, _ = sources(build, folder, emotion_task="next", emotion_dropout="0.5")
    first, second = epochs(task)

    def with_label(batches: list) -> set[tuple[int, ...]]:
        eos = task.source_dictionary.eos()
        return {tuple(row) for batch in batches for row in batch if row.count(eos) == 2}

    assert with_label(first) != with_label(second)
    again, _ = sources(build, folder, emotion_task="next", emotion_dropout="0.5")
    assert epochs(again) == [first, second]


def test_long_utterances_leave_room(build, folder):
    """An utterance has the same tokens with any emotion and without one."""
    flags = {"emotion_task": "next", "max_source_length": "8"}
    task, source = sources(build, folder, emotion_dropout="0", **flags)
    assert source.sizes.max() == 8
    assert task.room_of("response") == 3
    assert np.max(source.dataset.sizes) == 5
    with pytest.raises(UserError, match="--max-source-length 5: found a label of 3 tokens"):
        sources(build, folder, emotion_task="next", max_source_length="5")


class TestRefused:
    @pytest.mark.parametrize("count", [60, 59])
    def test_other_utterances(self, build, folder, tmp_path, count):
        other = shutil.copytree(folder, tmp_path / "data-bin")
        words = Dictionary.load(str(other / "response" / "dict.source.txt"))
        binarize(["w1"] * count, words, other / "next" / "input0" / "train")
        _, task, _, _ = build(other, emotion_task="next")
        with pytest.raises(UserError, match=f"{count} utterances that are not the 60 of"):
            task.load_dataset("train")

    def test_no_such_task(self, build, folder):
        with pytest.raises(UserError, match=r"joy/label/dict.txt: no such file"):
            build(folder, emotion_task="joy")

    def test_no_bpe(self, build, folder, monkeypatch):
        monkeypatch.setattr(TranslationTask, "build_bpe", lambda self, args: None)
        with pytest.raises(UserError, match="--emotion-task next: found no BPE"):
            build(folder, emotion_task="next")

    @pytest.mark.parametrize("labels", [["w1", "auto"], ["gold", "w1"], ["w1_w2", "w1__w2"]])
    def test_labels(self, build, folder, tmp_path, labels):
        other = shutil.copytree(folder, tmp_path / "data-bin")
        make_dictionary(labels, other / "next" / "label" / "dict.txt")
        with pytest.raises(UserError, match=r"found the label .*rename it"):
            build(other, classification_tasks="", emotion_task="next")

    def test_flags_of_generation(self, build, folder):
        with pytest.raises(UserError, match="--emotion w1: is a flag of fairseq-generate"):
            build(folder, emotion="w1")
        with pytest.raises(UserError, match=r"--mmi-weight 0\.5: is a flag of fairseq-generate"):
            build(folder, mmi_weight="0.5")
        with pytest.raises(
            UserError, match=r"--emotion-dropout 1.0: expected 0 or more, less than 1"
        ):
            build(folder, emotion_dropout="1")


class TestState:
    def saved(self, build, folder) -> dict:
        return sources(build, folder, emotion_task="next")[0].state_dict()

    def test_a_checkpoint_knows_its_emotions(self, build, folder, data_bin):
        saved = self.saved(build, folder)
        _, task, _, _ = build(data_bin, classification_tasks="")
        task.load_state_dict(dict(saved))
        assert list(task.emotions.tokens) == LABELS
        assert task.room_of("response") == 3
        assert task.room_of("next") == 0

    def test_one_of_before_has_none(self, build, data_bin):
        _, task, _, _ = build(data_bin)
        old = {k: v for k, v in task.state_dict().items() if not k.startswith("emotion")}
        task.load_state_dict(old)
        assert task.emotions.tokens == {}

    @pytest.mark.parametrize(
        ("wanted", "message"),
        [("w9", "was not trained with this emotion"), ("auto", None), ("w1", None), ("gold", None)],
    )
    def test_what_is_asked_for(self, build, folder, wanted, message):
        saved = self.saved(build, folder)
        _, task, _, _ = build(folder, classification_tasks="next")
        task.cfg.emotion = wanted
        if message:
            with pytest.raises(UserError, match=message):
                task.load_state_dict(dict(saved))
        else:
            task.load_state_dict(dict(saved))

    def test_a_model_without_emotions(self, build, data_bin):
        _, task, _, _ = build(data_bin)
        task.cfg.emotion = "gold"
        with pytest.raises(UserError, match="--emotion gold: the model knows no emotions"):
            task.load_state_dict(task.state_dict())


class TestGeneration:
    @pytest.fixture
    def asked(self, build, folder):
        """A task in generation, its model, and what reaches the generator."""

        def ask(wanted: str, task_and_model=None) -> tuple:
            _, trained, model, _ = build(folder, classification_tasks="next", emotion_task="next")
            _, task, _, _ = build(folder, classification_tasks="next")
            task.cfg.emotion = wanted
            task.load_state_dict(trained.state_dict())
            seen: list[list[int]] = []

            def generate(models, sample, **kwargs):
                net_input = sample["net_input"]
                lengths = net_input["src_lengths"].tolist()
                rows = net_input["src_tokens"].tolist()
                assert max(lengths) == len(rows[0])
                seen.extend(row[:n] for row, n in zip(rows, lengths, strict=True))

            tokens = [torch.tensor([5, 6, 2]), torch.tensor([7, 2]), torch.tensor([9, 5, 6, 2])]
            data = task.build_dataset_for_inference(tokens, [3, 2, 4])
            sample = data.collater([data[i] for i in range(3)])
            task.inference_step(Namespace(generate=generate), [model.eval()], sample)
            return task, model, sample, seen

        return ask

    def test_a_label(self, asked):
        task, _, sample, seen = asked("w2_w3")
        label = task.emotions.tokens["w2_w3"]
        rows = sample["net_input"]["src_tokens"].tolist()
        pad = task.source_dictionary.pad()
        plain = [[token for token in row if token != pad] for row in rows]
        assert seen == [[row[0], *label, *row[1:]] for row in plain]

    def test_none(self, asked):
        _, _, sample, seen = asked("")
        assert [len(row) for row in seen] == sample["net_input"]["src_lengths"].tolist()

    def test_auto_is_what_the_head_says_of_each(self, asked):
        task, model, sample, seen = asked("auto")
        for row, found in zip(sample["net_input"]["src_tokens"], seen, strict=True):
            alone = row[row.ne(task.source_dictionary.pad())][None]
            shifted = torch.cat([alone[:, -1:], alone[:, :-1]], dim=1)
            logits, _ = model(
                alone,
                src_lengths=torch.tensor([alone.size(1)]),
                prev_output_tokens=shifted,
                classification_head_name="next",
            )
            label = task.emotions.tokens[LABELS[int(logits.argmax())]]
            assert found == [int(alone[0, 0]), *label, *alone[0, 1:].tolist()]

    def test_gold_needs_responses(self, asked):
        with pytest.raises(UserError, match="--emotion gold: typed utterances have no responses"):
            asked("gold")
