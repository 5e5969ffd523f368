"""Input that nobody thought of: every reader returns a value or raises its own error, nothing else.

A longer run: python -m pytest tests/fuzz --hypothesis-profile=soak
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers.data import LABELS, WORDS, binarize, make_dictionary
from helpers.raw_files import write
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.data.binarized import load_label_numbers, load_tokens
from emo_mtl.data.dictionaries import load_dictionary, load_labels
from emo_mtl.errors import UserError
from emo_mtl.evaluation.responses import read_responses
from emo_mtl.inference.conversation import Conversation
from emo_mtl.inference.loading import load_checkpoint
from emo_mtl.preparation import crowdflower, custom, dailydialog, sst2, tec
from emo_mtl.preparation.corpus import SPLITS
from emo_mtl.preparation.dialogues import folder as dialogues
from emo_mtl.tasks.config import parse_loss_weights, parse_task_names

# (where in a file, from 0 to 1; bytes to take away there; bytes to put there)
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8)), min_size=1, max_size=4
)
CUT = st.floats(0.05, 1).map(lambda part: [(part, 10**9, b"")])


def mutated(content: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for part, removed, added in edits:
        at = int(part * len(content))
        content = content[:at] + added + content[at + removed :]
    return content


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


CORPORA: dict[str, tuple[Callable, dict[str, str]]] = {
    "dailydialog": (
        dailydialog.read,
        {
            f"{name}/dialogues_{name}.txt": "Hi ! __eou__ Hello . __eou__\n"
            for name in ("train", "validation", "test")
        },
    ),
    "tec": (
        tec.read,
        {tec.FILE: "".join(f"{i}:\tsome text\t:: {tec.LABELS[i % 6]}\n" for i in range(12))},
    ),
    "sst2": (
        sst2.read,
        {
            "train.tsv": "sentence\tlabel\n" + "nice . \t1\nbad . \t0\n" * 10,
            "dev.tsv": "sentence\tlabel\nnice . \t1\n",
        },
    ),
    "crowdflower": (
        crowdflower.read,
        {
            "text_emotion.csv": "tweet_id,sentiment,author,content\n"
            + '1,anger,me,"text, 1"\n2,fun,me,text\n' * 10
        },
    ),
    "custom": (custom.read, {f"{split}.tsv": "good\tpos\nbad\tneg\n" for split in SPLITS}),
}


@pytest.mark.parametrize("name", CORPORA)
@given(edits=EDITS | CUT, which=st.integers(0, 5))
def test_corpora(folder, name, edits, which):
    read, files = CORPORA[name]
    for number, (file, text) in enumerate(files.items()):
        content = text.encode()
        if number == which % len(files):
            content = mutated(content, edits)
        write(folder / name / file, content)
    try:
        splits = read(folder / name).splits
    except UserError:
        return
    for pairs in splits.values():
        assert all(text.strip() and answer.strip() for text, answer in pairs)
        assert not any("\n" in text + answer for text, answer in pairs)


DIALOGUES = {
    "jsonl": '["a", {"text": "b", "emotion": "c"}]\n{"turns": ["d", "e"], "topic": "f"}\n',
    "tsv": "utterance\tresponse\na __eou__ b\tc\nd\te\n",
    "csv": "conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags\n"
    "a,1,sad,p,0,b_comma_ c,,\na,2,sad,p,1,d,,\n",
    "txt": "1 your persona: a\n2 b\tc\t0.5\n1 d\te\n",
}


@pytest.mark.parametrize("kind", DIALOGUES)
@given(edits=EDITS | CUT)
def test_dialogues(folder, kind, edits):
    content = DIALOGUES[kind].encode()
    for split in SPLITS:
        write(folder / kind / f"{split}.{kind}", content)
    write(folder / kind / f"train.{kind}", mutated(content, edits))
    try:
        splits = dialogues.read(folder / kind).splits
    except UserError:
        return
    for dialogue in splits["train"]:
        assert dialogue
        for text in (text for turn in dialogue for text in (turn.text, *turn.labels.values())):
            assert text == text.strip() != ""
            assert "\n" not in text


NAMES = st.text("e62,=.-_ \x00é\n/", max_size=12) | st.text(max_size=12)


@given(NAMES)
def test_task_names(text):
    try:
        names = parse_task_names(text)
    except UserError:
        return
    assert all(name.isascii() and "/" not in name and "." not in name for name in names)
    torch.nn.ModuleDict({name: torch.nn.Identity() for name in names})


@given(st.text("e62,=.-_ infa190", max_size=16) | st.text(max_size=16))
def test_loss_weights(text):
    try:
        weights = parse_loss_weights(text, ["e6", "e2"])
    except UserError:
        return
    assert all(0 <= weights[name] < float("inf") for name in ("e6", "e2"))


GENERATED = "S-0\ta\nT-0\tb\nH-0\t-0.5\tc\nD-0\t-0.5\tc\nP-0\t-0.5\nGenerate test with beam=5: \n"


@given(EDITS | CUT | st.just([(0.0, 3, b"H-" + b"9" * 5000)]))
def test_generate_output(folder, edits):
    path = write(folder / "generated.txt", mutated(GENERATED.encode(), edits))
    try:
        responses = read_responses(path)
    except UserError:
        return
    assert responses.hypotheses


@pytest.fixture(scope="module")
def task(folder) -> dict[str, bytes]:
    """The files of a small classification task: path below the folder -> content."""
    words = make_dictionary(WORDS, folder / "task" / "input0" / "dict.txt")
    labels = make_dictionary(LABELS["e6"], folder / "task" / "label" / "dict.txt")
    binarize(["w1 w2", "w3", "w4 w5 w6"], words, folder / "task" / "input0" / "train")
    binarize(["joy", "fear", "joy"], labels, folder / "task" / "label" / "train")
    files = [path for path in (folder / "task").rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(files)}


@given(edits=EDITS | CUT, which=st.integers(0, 5))
def test_data_bin(folder, task, edits, which):
    for number, (file, content) in enumerate(task.items()):
        (folder / file).write_bytes(mutated(content, edits) if number == which else content)
    data = folder / "task"
    try:
        words = load_dictionary(data / "input0" / "dict.txt")
        tokens = load_tokens(str(data / "input0" / "train"), words)
        labels = load_labels(data / "label" / "dict.txt")
        numbers = load_label_numbers(str(data / "label" / "train"), labels, len(tokens))
    except UserError:
        return
    for i in range(len(tokens)):
        assert 0 <= min(tokens[i]) <= max(tokens[i]) < len(words)
    assert all(0 <= number < len(labels) for number in numbers)


@pytest.fixture(scope="module")
def checkpoint(folder) -> bytes:
    content = {"model": {"weight": torch.ones(20)}, "task_state": {"heads": {"e2": ["a", "b"]}}}
    torch.save(content, folder / "good.pt")
    return (folder / "good.pt").read_bytes()


@given(EDITS | CUT)
def test_checkpoint(folder, checkpoint, edits):
    (folder / "bad.pt").write_bytes(mutated(checkpoint, edits))
    try:
        state = load_checkpoint(folder / "bad.pt")
    except UserError:
        return
    assert "heads" in state["task_state"]


class AnyGenerator:
    """Stands in for `EmoBART`: refuses nothing."""

    context_turns = 1

    def build_generator(self, **settings) -> None:
        assert int(settings["beam"]) >= 0


@given(
    st.sampled_from(["/beam ", "/sample ", "/sample topk=", "/sample topp=", "/"]),
    st.text(max_size=12) | st.integers().map(str) | st.floats().map(str) | st.just("9" * 5000),
)
def test_chat_commands(name, rest):
    conversation = Conversation(AnyGenerator(), {"beam": 2, "no_repeat_ngram_size": 3})
    with contextlib.suppress(UserError):
        assert isinstance(conversation.command(name + rest), str)
