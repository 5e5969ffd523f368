"""Run folders, whole, partly there and broken; rows of the tables."""

import json

import pytest
from helpers.config import parse_train, train_argv

from emo_mtl.errors import UserError
from emo_mtl.evaluation.report.paper import DIMENSIONS, Corpus
from emo_mtl.evaluation.report.runs import Run, gather_rows, read_run

SCORES = {"sacrebleu": 1.0, "paper_bleu": 2.0, "distinct_1": 3.0, "distinct_2": 4.0}
RESPONSES = {"rows": [{"hypotheses": "h", **SCORES, "average_length": 5.0, "lines": 6}]}
EMOTIONS = [{"task": "e6", "examples": 7, "accuracy": 60.0, "macro_f1": 50.0, "labels": []}]
AWARENESS = {
    "rows": [{"task": "e6", "agreement": 40.0, "chance": 20.0, "kappa": 0.25, "gold_kappa": 0.3}],
}


@pytest.fixture
def write(tmp_path):
    """Write a run folder: JSON files by name without suffix, or the text of train.log."""

    def write_run(name="run", **files):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for key, content in files.items():
            path = folder / ("train.log" if key == "log" else f"{key}.json")
            text = content if isinstance(content, str) else json.dumps(content)
            path.write_text(text, encoding="utf-8")
        return folder

    return write_run


@pytest.fixture
def error():
    def message(function, *arguments):
        with pytest.raises(UserError) as raised:
            function(*arguments)
        return str(raised.value)

    return message


def epoch(number, ppl):
    return f"epoch {number:03d} | valid on 'valid' subset | response_ppl {ppl} | num_updates {number}\n"


class TestReadRun:
    def test_whole(self, write):
        weights = {"e6": 1, "e2": 0.5}
        row = {
            "row": "R+E6",
            "seed": 3,
            "model": "tiny",
            "loss_weights": weights,
            "wall_seconds": 9,
        }
        log = epoch(1, 9.5) + epoch(2, 8.5) + epoch(3, "inf")
        files = {"evaluate": RESPONSES, "classify": EMOTIONS, "awareness": AWARENESS}
        run = read_run(write(run=row, log=log, **files))
        assert (run.row, run.seed, run.model, run.baseline) == ("R+E6", 3, "tiny", False)
        assert run.loss_weights == weights
        assert len(run.log) == 3
        assert run.scores == {
            ("response", "all", "sacrebleu"): 1,
            ("response", "all", "paper_bleu"): 2,
            ("response", "all", "distinct_1"): 3,
            ("response", "all", "distinct_2"): 4,
            ("response", "all", "average_length"): 5,
            ("response", "all", "lines"): 6,
            ("e6", "all", "accuracy"): 60,
            ("e6", "all", "macro_f1"): 50,
            ("e6", "all", "examples"): 7,
            ("e6", "all", "agreement"): 40,
            ("e6", "all", "chance"): 20,
            ("e6", "all", "kappa"): 0.25,
            ("e6", "all", "gold_kappa"): 0.3,
            ("response", "valid", "ppl"): 8.5,  # the lowest
        }

    def test_a_folder_names_the_row(self, write):
        assert read_run(write("R+E2", classify=EMOTIONS)).row == "R+E2"

    def test_parts(self, write):
        parts = [EMOTIONS[0] | {"part": part} for part in ("all", "clean", "seen")]
        parts[2] |= {"accuracy": float("nan"), "macro_f1": None, "examples": 0}
        scores = read_run(write(classify=parts)).scores
        assert scores["e6", "clean", "accuracy"] == 60
        assert {measure for _, part, measure in scores if part == "seen"} == {"examples"}

    def test_no_epoch_yet(self, write, caplog):
        assert read_run(write(log="loading\n")).log == []
        assert "train.log: no epoch has ended yet" in caplog.text

    def test_not_a_run_folder(self, tmp_path, error):
        assert "found none of run.json" in error(read_run, tmp_path)
        assert "found no folder" in error(read_run, tmp_path / "nowhere")

    @pytest.mark.parametrize(
        ("files", "message"),
        [
            ({"evaluate": '{\n"rows": [\n'}, "evaluate.json, line 3: found no JSON"),
            ({"evaluate": []}, "evaluate.json: found a list, expected an object"),
            ({"evaluate": {"rows": {}}}, "evaluate.json: found 'rows' an object, expected a list"),
            (
                {"evaluate": {"rows": [{}]}},
                "evaluate.json, entry 1: found no 'sacrebleu', expected a number",
            ),
            (
                {"evaluate": {"rows": RESPONSES["rows"] * 2}},
                "evaluate.json, entry 2: found response (all) a second time",
            ),
            ({"classify": {}}, "classify.json: found an object, expected a list"),
            (
                {"classify": [{"accuracy": 1}]},
                "classify.json, entry 1: found no 'task', expected a text",
            ),
            (
                {"classify": [EMOTIONS[0] | {"accuracy": "60"}]},
                "found 'accuracy' '60', expected a number",
            ),
            (
                {"classify": [EMOTIONS[0] | {"accuracy": True}]},
                "found 'accuracy' True, expected a number",
            ),
            ({"run": {"seed": 1}}, "run.json: found no 'row', expected a text"),
            (
                {"run": {"row": "R", "seed": "one"}},
                "run.json: found 'seed' 'one', expected a whole number",
            ),
            ({"run": {"row": "R", "loss_weights": {"e6": "x"}}}, "run.json: found 'e6' 'x'"),
            ({"awareness": {"rows": [None]}}, "awareness.json, entry 1: found null"),
            ({"log": "epoch 001 | loss\n"}, "train.log, line 1: found 'loss'"),
        ],
    )
    def test_malformed(self, files, message, write, error):
        assert message in error(read_run, write(**files))


class TestGatherRows:
    def test_order_of_the_paper(self, tmp_path):
        weighted = {"e6": 0.5, "e2": 0.5, "e12": 0}
        runs = [
            Run(tmp_path / "0", "copy", baseline=True),
            Run(tmp_path / "1", "mine"),
            Run(tmp_path / "2", "R+E6+E2 half", loss_weights=weighted),
            Run(tmp_path / "3", "R+E6+E2+E12"),
            Run(tmp_path / "4", "R", seed=2),
            Run(tmp_path / "5", "R+E6+E2"),
            Run(tmp_path / "6", "R", seed=1),
        ]
        rows = gather_rows(runs)
        names = ["R", "R+E6+E2", "R+E6+E2+E12", "R+E6+E2 half", "mine", "copy"]
        assert [row.name for row in rows] == names
        assert [run.seed for run in rows[0].runs] == [2, 1]

    def test_mean_and_sd(self, tmp_path):
        key = ("e6", "all", "accuracy")
        values = [2.0, 4.0, 9.0, None]
        runs = [
            Run(tmp_path / str(seed), "R", seed, scores={} if value is None else {key: value})
            for seed, value in enumerate(values)
        ]
        summary = gather_rows(runs)[0].summary(key)
        assert summary.mean == 5
        assert summary.sd == pytest.approx(13**0.5)  # (9 + 1 + 16) / (3 - 1)
        one = gather_rows(runs[:1])[0].summary(key)
        assert (one.mean, one.sd) == (2, None)
        assert gather_rows(runs[3:])[0].summary(key) is None

    def test_runs_of_a_row_differ_in_seeds_only(self, tmp_path, error):
        first, second = tmp_path / "a", tmp_path / "b"
        same_seed = [Run(first, "R", 1), Run(second, "R", 1)]
        assert "b: found seed 1 of row 'R' a second time" in error(gather_rows, same_seed)
        models = [Run(first, "R", 1, "tiny"), Run(second, "R", 2, "base")]
        assert "found model 'base', expected 'tiny'" in error(gather_rows, models)
        weights = [Run(first, "R", 1), Run(second, "R", 2, loss_weights={"e6": 1})]
        assert "found loss_weights {'e6': 1}" in error(gather_rows, weights)
        assert "a second time" in error(gather_rows, [Run(first, "R"), Run(first, "R")])
        sizes = [Run(first, "R", 1), *(Run(second, "R", n, dimensions={"n": n}) for n in (2, 3))]
        assert "found dimensions {'n': 3}, expected {'n': 2}" in error(gather_rows, sizes)
        assert len(gather_rows(sizes[:2])) == 1  # the log of one is gone


class TestCorpora:
    """What a run was trained on, of the manifest that training leaves beside the checkpoints."""

    def manifest(self, **corpora: str) -> dict:
        counts = {"train": 9, "valid": 2, "test": 1}
        tasks = {task: {"corpus": name, "counts": counts} for task, name in corpora.items()}
        return {"settings": {}, "files": {}, "tasks": tasks}

    def read(self, write, manifest: dict, where: str = "run/checkpoints", **about):
        write(where, manifest=manifest)
        return read_run(write(run={"row": "R+mood", "loss_weights": {"mood": 1, "e6": 0}, **about}))

    @pytest.mark.parametrize("where", ["run/checkpoints", "run"])
    def test_of_trained_tasks(self, write, tmp_path, where):
        (tmp_path / "run").mkdir()
        run = self.read(write, self.manifest(response="talks", mood="talks", e6="TEC"), where)
        assert run.corpora == {task: Corpus("talks", 9, 2, 1) for task in ("response", "mood")}

    def test_without_manifest(self, write, tmp_path):
        (tmp_path / "run").mkdir()
        assert self.read(write, {"tasks": {}}).corpora is None  # of somebody else
        assert self.read(write, self.manifest(response="talks"), baseline=True).corpora is None

    def test_malformed(self, write, tmp_path, error):
        (tmp_path / "run").mkdir()
        message = error(self.read, write, self.manifest(response="talks"))
        assert "checkpoints/manifest.json: found no 'mood', expected an object" in message


class TestTrainedByHand:
    """A folder without run.json: fairseq-train's log tells what was trained."""

    def log(self, tmp_path, **flags: str) -> str:
        return f"{parse_train(train_argv(tmp_path, **flags))}\n{epoch(1, 9.5)}"

    def test_model_and_row(self, write, tmp_path):
        flags = {"classification_tasks": "e6,e2,e12", "loss_weights": "e6=0.5,e2=0.5,e12=0"}
        log = self.log(
            tmp_path, seed="3", arch="emo_bart_large", finetune_from_model="m.pt", **flags
        )
        run = read_run(write("mine", log=log, evaluate=RESPONSES))
        assert (run.model, run.pretrained, run.seed) == ("large", True, 3)
        [row] = gather_rows([run])
        assert row.paper is not None
        assert row.paper.weights == (0.5, 0.5, 0)

    def test_dimensions(self, write, tmp_path):
        argv = [*train_argv(tmp_path, arch="emo_bart_large", decoder_layers="6")]
        run = read_run(write("small", log=f"{parse_train(argv)}\n"))
        assert run.dimensions == DIMENSIONS | {
            "encoder_embed_dim": 16,
            "decoder_embed_dim": 16,
            "encoder_ffn_embed_dim": 32,
            "decoder_ffn_embed_dim": 32,
            "decoder_layers": 6,
        }
        [row] = gather_rows([run])
        assert row.resized
        assert read_run(write("gone", log=epoch(1, 9.5))).dimensions is None

    def test_dimensions_of_a_hydra_log(self, write):
        model = "'model': {'_name': 'emo_bart_large', 'encoder_layers': 3}"
        flags = "'common': {'seed': 1}, 'classification_tasks': 'e6', 'loss_weights': ''"
        run = read_run(write("hydra", log=f"{{{flags}, {model}}}\n"))
        assert run.dimensions == DIMENSIONS | {"encoder_layers": 3}

    @pytest.mark.parametrize(
        ("flags", "pretrained"),
        [
            ({}, False),
            ({"restore_file": "bart.large/model.pt", "reset_optimizer": ""}, True),
            ({"restore_file": "checkpoint_last.pt"}, False),
        ],
    )
    def test_pretrained(self, write, tmp_path, flags, pretrained):
        flags = {name: value or None for name, value in flags.items()}
        argv = [*train_argv(tmp_path, **{k: v for k, v in flags.items() if v})]
        argv += [f"--{name.replace('_', '-')}" for name, value in flags.items() if not value]
        run = read_run(write("R+E6", log=f"{parse_train(argv)}\n"))
        assert (run.model, run.pretrained) == ("tiny", pretrained)

    def test_run_json_wins(self, write, tmp_path):
        notes = {"row": "R", "seed": 5, "model": "base", "loss_weights": {"e6": 0.0}}
        run = read_run(write(run=notes, log=self.log(tmp_path)))
        assert (run.seed, run.model, run.loss_weights) == (5, "base", {"e6": 0.0})
        assert run.pretrained

    def test_beginning_is_missing(self, write):
        assert read_run(write("R", log=epoch(1, 9.5))).model is None
