"""Each flag that the task has from fairseq works as there, or is refused before any work."""

import copy
import dataclasses
import shutil
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from fairseq import options, tasks
from fairseq.data import Dictionary
from fairseq.dataclass import configs
from fairseq.dataclass.utils import omegaconf_no_object_check
from fairseq.logging import metrics
from fairseq.tasks.translation import TranslationConfig
from fairseq.trainer import Trainer
from helpers.commands import REPOSITORY
from helpers.config import parse, parse_train, train_argv
from helpers.data import WORDS, binarize, make_dictionary
from omegaconf import open_dict

from emo_mtl.errors import UserError
from emo_mtl.tasks.config import EmotionDialogueConfig
from emo_mtl.tasks.flags import (
    REFUSED,
    TRAINING_ONLY,
    check_generation,
    check_training,
    flag,
    metric_names,
)

GROUPS = {
    "task": TranslationConfig,
    "dataset": configs.DatasetConfig,
    "generation": configs.GenerationConfig,
    "interactive": configs.InteractiveConfig,
    "common_eval": configs.CommonEvalConfig,
}
# Works as in fairseq: read by fairseq's commands and classes that the task leaves as they are, or by the task
# in the same way. A new flag of fairseq belongs here, with a look at what it does, or into `REFUSED`.
AS_IN_FAIRSEQ = {
    "task": """data source_lang target_lang truncate_source max_source_positions max_target_positions
        train_subset required_seq_len_multiple eval_bleu eval_bleu_args eval_bleu_detok
        eval_bleu_detok_args eval_tokenized_bleu eval_bleu_remove_bpe eval_bleu_print_samples""",
    "dataset": """num_workers skip_invalid_size_inputs_valid_test max_tokens batch_size
        required_batch_size_multiple required_seq_len_multiple data_buffer_size train_subset valid_subset
        ignore_unused_valid_subsets validate_interval validate_interval_updates validate_after_updates
        fixed_validation_seed disable_validation max_tokens_valid batch_size_valid gen_subset""",
    "generation": """beam nbest max_len_a max_len_b min_len match_source_len unnormalized lenpen unkpen
        sacrebleu score_reference prefix_size no_repeat_ngram_size sampling sampling_topk sampling_topp
        temperature diverse_beam_groups diverse_beam_strength diversity_rate print_alignment lm_path
        lm_weight retain_dropout retain_dropout_modules no_seed_provided no_early_stop no_beamable_mm""",
    "interactive": "buffer_size input",
    "common_eval": "path post_process quiet model_overrides results_path",
}
# Set by the group `dataset`, whose flag they share.
SHARED = {("task", "dataset_impl")}


def refusal(function, *args, **kwargs) -> str:
    with pytest.raises(UserError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


class TestTable:
    @pytest.mark.parametrize("group", GROUPS)
    def test_every_flag_of_fairseq_is_classified(self, group):
        """fairseq 0.12.2 lacks some flags of later versions, and no version has others."""
        found = {field.name for field in dataclasses.fields(GROUPS[group])} - {"_name"}
        refused = {r.name for r in REFUSED if r.group == group}
        works = set(AS_IN_FAIRSEQ[group].split())
        assert not refused & works
        assert found - refused - works - {name for g, name in SHARED if g == group} == set()

    def test_off_is_the_default(self):
        for refused in REFUSED:
            fields = getattr(GROUPS.get(refused.group), "__dataclass_fields__", {})
            if refused.off not in (None, False, "mmap") and refused.name in fields:
                assert fields[refused.name].default == refused.off, refused.name

    def test_training_only(self):
        for name, default in TRAINING_ONLY.items():
            assert EmotionDialogueConfig.__dataclass_fields__[name].default == default

    def test_documentation(self):
        text = (REPOSITORY / "docs" / "flags.md").read_text(encoding="utf-8")
        rows = [line for line in text.splitlines() if line.startswith("| `--")]
        assert rows == [
            f"| `{flag(r.name)}` | {'beside tasks' if r.with_tasks else 'always'} | {r.why} |"
            for r in REFUSED
        ]
        for name in TRAINING_ONLY:
            assert f"`{flag(name)}`" in text


# A value for each refused flag that is no switch.
VALUES = {"dataset_impl": "raw", "shard_id": 1, "eos_token": "x", "decoding_format": "vote"}
VALUES |= {r.name: 2 for r in REFUSED if r.off not in (None, False, "mmap")} | {"shard_id": 1}
IN_TRAINING = [r for r in REFUSED if r.group != "generation"]
IN_GENERATION = [r for r in REFUSED if r.group not in ("criterion", "model") and not r.with_tasks]


@pytest.fixture(scope="module")
def training(data_bin):
    """The config of a training with validation, as fairseq-train has it."""
    argv = train_argv(data_bin)
    argv.remove("--disable-validation")
    return parse_train(argv)


@pytest.fixture(scope="module")
def generating(data_bin):
    """The config of fairseq-generate."""
    argv = [data_bin, "--task", "emotion_dialogue", "--path", "model.pt", "--cpu"]
    return parse(options.get_generation_parser(), argv)


def changed(command, group: str, **values):
    """A copy of a config with other values in a group."""
    command = copy.deepcopy(command)
    with open_dict(command), omegaconf_no_object_check():
        if isinstance(command[group], Namespace):
            command[group] = Namespace(**{**vars(command[group]), **values})
        else:
            command[group] = command[group] or {}
            for name, value in values.items():
                command[group][name] = value
    return command


def check(command, data, tasks=("e6", "e2")):
    """What a training's build_model does first."""
    check_training(command, data, tasks)


class TestRefused:
    @pytest.mark.parametrize("refused", IN_TRAINING, ids=lambda r: r.name)
    def test_in_training(self, training, data_bin, refused):
        given = changed(training, refused.group, **{refused.name: VALUES.get(refused.name, True)})
        message = refusal(check, given, data_bin)
        assert message.startswith(f"{flag(refused.name)}: cannot be used")
        assert refused.why in message
        assert "\n" not in message
        if refused.with_tasks:
            check(given, data_bin, tasks=())

    @pytest.mark.parametrize("refused", IN_GENERATION, ids=lambda r: r.name)
    def test_in_generation(self, generating, refused):
        value = {refused.name: VALUES.get(refused.name, True)}
        assert refused.why in refusal(check_generation, changed(generating, refused.group, **value))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("classification_tasks", "e6"),
            ("loss_weights", "e6=1"),
            ("class_weights", "balanced"),
            ("task_sampling", "proportional"),
            ("sampling_temperature", 2.0),
            ("eval_bleu", True),
        ],
    )
    def test_flags_of_training_in_generation(self, generating, name, value):
        message = refusal(check_generation, changed(generating, "task", **{name: value}))
        assert f"{flag(name)}: is a flag of fairseq-train" in message

    def test_by_the_task(self, data_bin, build, monkeypatch):
        """Of a training, of generation, and of a generator (`--eval-bleu-args`, Python)."""
        assert "--left-pad-source" in refusal(build, left_pad_source=None)
        monkeypatch.setattr("emo_mtl.tasks.emotion_dialogue.check_models", lambda cfg: None)
        argv = [data_bin, "--task", "emotion_dialogue", "--path", "x", "--left-pad-source"]
        cfg = parse(options.get_generation_parser(), argv)
        assert "--left-pad-source" in refusal(tasks.setup_task, cfg.task)
        _, task, model, _ = build()
        flags = Namespace(constraints="ordered")
        assert "--constraints" in refusal(task.build_generator, [model], flags)

    def test_plain_commands_pass(self, training, generating, data_bin):
        given = {"dataset_impl": "mmap", "validate_after_updates": 2, "fixed_validation_seed": 3}
        check(changed(training, "dataset", **given), data_bin)
        check_generation(changed(generating, "generation", beam=3, sampling=True, nbest=3))
        check_generation(changed(training, "task", classification_tasks="e6"))


class TestCriterion:
    def test_of_fairseq_with_tasks(self, build):
        message = refusal(build, criterion="label_smoothed_cross_entropy")
        assert "cannot train --classification-tasks e6,e2: use --criterion multitask_nll" in message

    def test_with_a_task_of_fairseq(self, data_bin):
        argv = train_argv(data_bin / "response", task="translation")
        position = argv.index("--classification-tasks")
        del argv[position : position + 2]
        cfg = parse_train(argv)
        task = tasks.setup_task(cfg.task)
        assert "--task emotion_dialogue" in refusal(task.build_criterion, cfg.criterion)

    def test_model_without_heads(self, build):
        message = refusal(build, arch="transformer")
        assert "has no classification heads" in message


class TestBestMetric:
    @pytest.mark.parametrize("metric", ["accuracy", "e12_f1", "ppl", "bleu", "nll_loss", "wps", ""])
    def test_unknown(self, training, data_bin, metric):
        given = changed(training, "checkpoint", best_checkpoint_metric=metric)
        message = refusal(check, given, data_bin)
        assert f"--best-checkpoint-metric {metric}: is not logged" in message
        assert (
            "loss, response_loss, response_nll_loss, response_ppl, response_gain, e6_loss"
            in message
        )
        check(changed(given, "dataset", disable_validation=True), data_bin)

    @pytest.mark.parametrize(
        "metric", ["e6_f1", "e2_accuracy", "response_gain", "response_ppl", "loss"]
    )
    def test_the_worst_would_be_kept(self, training, data_bin, metric):
        is_score = metric in ("e6_f1", "e2_accuracy", "response_gain")
        name = "maximize_best_checkpoint_metric"
        given = changed(training, "checkpoint", best_checkpoint_metric=metric)
        check(changed(given, "checkpoint", **{name: is_score}), data_bin)
        message = refusal(check, changed(given, "checkpoint", **{name: not is_score}), data_bin)
        assert f"{'add' if is_score else 'leave out'} {flag(name)}" in message

    def test_gain_needs_another_utterance(self, training, data_bin):
        given = changed(
            training,
            "checkpoint",
            best_checkpoint_metric="response_gain",
            maximize_best_checkpoint_metric=True,
        )
        check(given, data_bin)
        message = refusal(check, changed(given, "dataset", batch_size_valid=1), data_bin)
        assert "--best-checkpoint-metric response_gain: is not logged" in message

    def test_names_are_what_is_logged(self, build):
        _, task, model, criterion = build(
            eval_bleu=None, eval_bleu_args='{"beam": 1, "max_len_b": 3}', max_tokens="256"
        )
        task.load_dataset("valid")
        data = task.datasets["valid"]
        with metrics.aggregate(new_root=True) as meters:
            for name in data.names:
                batch = data.collater([data[int(i)] for i in data.task_indices(name)[:2]])
                task.reduce_metrics([task.valid_step(batch, model, criterion)[2]], criterion)
        logged = set(meters.get_smoothed_values()) - {"wps", "wpb", "bsz"}
        assert logged == set(metric_names(["e6", "e2"], has_bleu=True, has_gain=True))


class TestPrecision:
    @pytest.mark.parametrize(
        ("name", "implied"),
        [
            ("fp16", {}),
            ("amp", {}),
            ("memory_efficient_fp16", {"fp16": True}),
            ("bf16", {"tpu": True}),  # so fairseq's flag
            ("bf16", {}),  # from Hydra
            ("memory_efficient_bf16", {"tpu": True, "bf16": True}),
        ],
    )
    def test_without_a_gpu(self, training, data_bin, name, implied):
        given = changed(training, "common", **{name: True}, **implied)
        assert f"{flag(name)}: found no GPU" in refusal(check, given, data_bin)

    def test_bf16_is_for_a_gpu(self, training, data_bin, monkeypatch):
        """fairseq takes the flag for a TPU's."""
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        given = changed(training, "common", cpu=False, bf16=True, tpu=True)
        check(given, data_bin)
        assert not given.common.tpu
        assert not given.distributed_training.tpu

    @pytest.mark.parametrize("half", ["fp16", "bf16"])
    def test_fused_adam(self, training, data_bin, monkeypatch, half):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        flags = {"cpu": False, half: True, f"memory_efficient_{half}": True}
        given = changed(training, "common", **flags)
        check(given, data_bin)
        given = changed(given, "optimizer", _name="fused_adam")
        assert f"use --{half}, or --optimizer adam" in refusal(check, given, data_bin)


class TestEvalBleu:
    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ({"eval_bleu_detok": "moses"}, "--eval-bleu-detok: cannot be used beside --bpe"),
            (
                {"eval_bleu_remove_bpe": "@@ "},
                "--eval-bleu-remove-bpe: cannot be used beside --bpe",
            ),
            ({"eval_bleu_args": '{"beem": 3}'}, "found 'beem', expected names of flags"),
            ({"eval_bleu_args": "beam 3"}, "found no JSON"),
            ({"eval_bleu_args": "3"}, "found no JSON"),
        ],
    )
    def test_refused(self, training, data_bin, flags, message):
        given = changed(changed(training, "bpe", _name="gpt2"), "task", eval_bleu=True, **flags)
        assert message in refusal(check, given, data_bin)
        check(changed(given, "task", eval_bleu=False), data_bin)

    def test_without_bpe(self, training, data_bin):
        flags = {"eval_bleu_detok": "moses", "eval_bleu_remove_bpe": "@@ "}
        check(changed(training, "task", eval_bleu=True, **flags), data_bin)


class TestSubsets:
    """`fairseq-preprocess --trainpref a,b --validpref a,b`."""

    @pytest.fixture
    def parts(self, data_bin, tmp_path):
        data = shutil.copytree(data_bin, tmp_path / "data")

        def add(split: str, folder: str) -> Path:
            for file in (data / folder).glob(f"{split}.*"):
                shutil.copy(file, file.with_name(file.name.replace(split, f"{split}1", 1)))
            return data

        return add

    @pytest.mark.parametrize("folder", ["response", "e6/input0"])
    def test_train(self, training, parts, folder):
        message = refusal(check, training, parts("train", folder))
        assert "found train1: each split is one file: join the texts" in message

    @pytest.mark.parametrize("folder", ["response", "e6/input0"])
    def test_valid(self, training, parts, folder):
        data = parts("valid", folder)
        message = refusal(check, training, data)
        assert "found valid1" in message
        assert "--valid-subset valid,valid1" in message
        check(changed(training, "dataset", ignore_unused_valid_subsets=True), data)
        check(changed(training, "dataset", valid_subset="valid,valid1"), data)
        check(changed(training, "dataset", disable_validation=True), data)

    def test_no_part_of_this_training(self, training, parts):
        check(training, parts("train", "e6/input0"), tasks=["e2"])
        check(training, parts("test", "response"), tasks=["e2"])

    def test_train_and_valid_at_once(self, training, data_bin):
        given = changed(training, "dataset", valid_subset="valid,train")
        assert "found train, which is the --train-subset" in refusal(check, given, data_bin)


class TestTooLong:
    """A text is cut at --max-source-length; what is then longer than --max-tokens is left out."""

    @pytest.mark.parametrize(
        ("tasks", "limit", "name"), [("e6,e2", "8", "e6"), ("", "2", "response")]
    )
    def test_a_whole_task(self, data_bin, tmp_path, build, tasks, limit, name):
        data = shutil.copytree(data_bin, tmp_path / "data")
        words = Dictionary.load(str(data / "e6" / "input0" / "dict.txt"))
        binarize([" ".join(WORDS[:9])] * 20, words, data / "e6" / "input0" / "train")
        trainer = Trainer(*build(data, classification_tasks=tasks, max_tokens=limit))
        message = refusal(trainer.get_train_iterator, epoch=1)
        assert f"{data / name}: every example is longer than" in message


@pytest.fixture(scope="module")
def both(data_bin, tmp_path_factory):
    """Trainers of this task and of fairseq's `translation`, on the same sequences."""
    stock_data = tmp_path_factory.mktemp("stock")
    for side in ("source", "target"):
        words = make_dictionary([*WORDS, "<mask>"], stock_data / f"dict.{side}.txt")
        task = tasks.setup_task(parse_train(train_argv(data_bin, classification_tasks="")).task)
        for split in ("train", "valid"):
            task.load_dataset(split)
            dataset = task.datasets[split]
            lines = ["<s> " + words.string(dataset[i][side]) for i in range(len(dataset))]
            binarize(lines, words, stock_data / f"{split}.source-target.{side}")

    def trainer(argv: list[str]) -> Trainer:
        cfg = parse_train(argv)
        task = tasks.setup_task(cfg.task)
        model = task.build_model(cfg.model)
        task.load_dataset("valid")
        return Trainer(cfg, task, model, task.build_criterion(cfg.criterion))

    def make(**flags: str | None) -> tuple[Trainer, Trainer]:
        ours = train_argv(data_bin, classification_tasks="", **flags)
        stock = {"task": "translation", "criterion": "label_smoothed_cross_entropy"}
        theirs = train_argv(stock_data, **stock, **flags)
        position = theirs.index("--classification-tasks")
        theirs[position : position + 2] = ["--left-pad-source"]  # a switch: turns left padding off
        return trainer(ours), trainer(theirs)

    return make


def rows(batch: dict) -> list:
    """All numbers of a batch, without the padding that is not there."""
    net_input = batch["net_input"]
    tensors = [batch["id"], batch["target"], *(net_input[key] for key in sorted(net_input))]
    return [tensor.tolist() for tensor in tensors] + [batch["ntokens"]]


class TestDataIsAsInFairseq:
    @pytest.mark.parametrize(
        "flags",
        [
            {"required_seq_len_multiple": "4", "batch_size_valid": "5", "max_tokens_valid": "100"},
            {"max_tokens": "11", "max_tokens_valid": "100", "seed": "5"},
            {"curriculum": "1", "grouped_shuffling": None, "update_ordered_indices_seed": None},
            {"batch_size": "7", "train_subset": "valid"},
        ],
        ids=str,
    )
    def test_batches(self, both, flags):
        known = {field for group in GROUPS.values() for field in group.__dataclass_fields__}
        if not flags.keys() <= {"seed", *known}:
            pytest.skip("of a later fairseq")
        both_batches = []
        for trainer in both(**flags):
            found = list(trainer.get_valid_iterator("valid").next_epoch_itr(shuffle=False))
            for epoch in (1, 2):
                epoch_itr = trainer.get_train_iterator(epoch=epoch)
                found += epoch_itr.next_epoch_itr(shuffle=epoch > trainer.cfg.dataset.curriculum)
            both_batches.append([rows(batch) for batch in found])
        assert both_batches[0] == both_batches[1]
        assert len(both_batches[0]) > 4


def test_a_heads_answer_does_not_depend_on_its_padding(build):
    """With the flags that pad more than a batch needs."""
    *_, model, _ = build()
    logits = []
    for flags in ({}, {"required_seq_len_multiple": "16"}):
        padded = build(**flags)[1]
        padded.load_dataset("valid")
        data = padded.datasets["valid"]
        batch = data.collater([data[17], data[18], data[19]])
        found, _ = model.eval()(**batch["net_input"], classification_head_name="e6")
        logits.append(found[batch["id"].argsort()].detach())
    torch.testing.assert_close(logits[1], logits[0])
