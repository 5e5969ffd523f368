"""Run folders: what trained systems and baselines left, gathered to rows of the tables."""

import logging
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emo_mtl.errors import UserError
from emo_mtl.evaluation.agreement import AwarenessScores
from emo_mtl.evaluation.recognition import Scores
from emo_mtl.evaluation.report import paper
from emo_mtl.evaluation.report.train_log import Point, Settings, read_settings, read_train_log
from emo_mtl.evaluation.responses import ResponseScores
from emo_mtl.formats import typed_json
from emo_mtl.formats.checked_json import member
from emo_mtl.inference.model_files import MANIFEST, read_manifest
from emo_mtl.io import read_json
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.corpus import SPLITS

logger = logging.getLogger(__name__)

Key = tuple[str, str, str]  # task, part of the test set ("valid": of the validation set), measure

RESPONSE_MEASURES = ("sacrebleu", *paper.RESPONSE_MEASURES, "lines")
CLASSIFICATION_MEASURES = (*paper.E6_MEASURES, "examples")
AWARENESS_MEASURES = ("agreement", "chance", "kappa", "gold_kappa")
FILES = ("run.json", "train.log", "evaluate.json", "classify.json", "awareness.json")


@dataclass
class Run:
    """One run folder."""

    folder: Path
    row: str
    seed: int | None = None
    model: str | None = None  # tiny, base, large
    pretrained: bool = False
    baseline: bool = False
    loss_weights: dict[str, float] | None = None
    dimensions: dict[str, int] | None = None  # of the model; None where the log does not tell
    corpora: dict[str, paper.Corpus] | None = None  # of the trained tasks; None without a manifest
    scores: dict[Key, float] = field(default_factory=dict)
    log: list[Point] = field(default_factory=list)


@dataclass(frozen=True)
class Summary:
    """A score over the runs of a row that have it."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def sd(self) -> float | None:
        """Sample standard deviation (ddof 1); None for one value."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass
class Row:
    """The runs of one system or baseline, which differ in their seeds only."""

    runs: list[Run]

    @property
    def name(self) -> str:
        return self.runs[0].row

    @property
    def baseline(self) -> bool:
        return self.runs[0].baseline

    @property
    def model(self) -> str | None:
        return self.runs[0].model

    @property
    def pretrained(self) -> bool:
        return self.runs[0].pretrained

    @property
    def resized(self) -> bool:
        """Whether it is called large, and has other dimensions than bart.large."""
        found = [run.dimensions for run in self.runs if run.dimensions is not None]
        return self.model == "large" and any(each != paper.DIMENSIONS for each in found)

    @property
    def paper(self) -> paper.PaperRow | None:
        """The row of the paper that this one repeats."""
        return None if self.baseline else paper.find_row(self.name, self.runs[0].loss_weights)

    @property
    def scores(self) -> dict[Key, Summary]:
        """All scores that any of the runs has."""
        keys = dict.fromkeys(key for run in self.runs for key in run.scores)
        found = {key: self.summary(key) for key in keys}
        return {key: summary for key, summary in found.items() if summary}

    def summary(self, key: Key) -> Summary | None:
        """None where no run has the score."""
        values = tuple(run.scores[key] for run in self.runs if key in run.scores)
        return Summary(values) if values else None


def read_run(folder: Path) -> Run:
    """Read a run folder; each of its files may be missing, but not all.

    Raises:
        UserError: there is no such folder, it holds no file of a run, or one is malformed
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: found no folder, expected a run folder")
    present = {name for name in FILES if (folder / name).is_file()}
    if not present:
        raise UserError(f"{folder}: found none of {', '.join(FILES)}; expected a run folder")
    run = Run(folder, row=folder.resolve().name)
    if "run.json" in present:
        _read_description(run, folder / "run.json")
    for name, kind, measures in (
        ("evaluate.json", ResponseScores, RESPONSE_MEASURES),
        ("classify.json", list[Scores], CLASSIFICATION_MEASURES),
        ("awareness.json", AwarenessScores, AWARENESS_MEASURES),
    ):
        if name in present:
            found: Any = typed_json.read(folder / name, kind)
            entries = found if isinstance(found, list) else found.rows
            _add_scores(run, folder / name, entries, measures)
    if "train.log" in present:
        _complete(run, read_settings(folder / "train.log"))
        run.log = read_train_log(folder / "train.log")
        if not run.log:
            logger.warning("%s: no epoch has ended yet", folder / "train.log")
        # None where training broke down to nan or inf
        perplexities = [
            point.measures["response_ppl"]
            for point in run.log
            if point.split == "valid"
            and math.isfinite(point.measures.get("response_ppl", math.nan))
        ]
        if perplexities:
            run.scores[RESPONSE, "valid", "ppl"] = min(perplexities)
    run.corpora = None if run.baseline else _read_corpora(run)
    return run


def gather_rows(runs: Iterable[Run]) -> list[Row]:
    """Runs of the same name become a row: first the paper's in its order, then others, then baselines.

    Raises:
        UserError: runs of one name that differ in more than the seed
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.row, []).append(run)
    for group in groups.values():
        _check_group(group)

    def place(row: Row) -> tuple[bool, int]:
        return row.baseline, paper.ROWS.index(row.paper) if row.paper else len(paper.ROWS)

    return sorted(map(Row, groups.values()), key=place)


def _check_group(runs: Sequence[Run]) -> None:
    for name in ("model", "pretrained", "baseline", "loss_weights"):
        _check_same(name, runs)
    for name in ("dimensions", "corpora"):  # the files that tell may be gone
        _check_same(name, [run for run in runs if getattr(run, name) is not None])
    seeds: dict[Any, Run] = {}
    for run in runs:
        # without a seed, the folder tells runs apart
        same = seeds.setdefault(run.folder.resolve() if run.seed is None else run.seed, run)
        if same is not run:
            raise UserError(
                f"{run.folder}: found seed {run.seed} of row {run.row!r} a second time, expected it once: "
                f"it is in {same.folder} already"
            )


def _check_same(name: str, runs: Sequence[Run]) -> None:
    for run in runs:
        if getattr(run, name) != getattr(runs[0], name):
            raise UserError(
                f"{run.folder}: found {name} {getattr(run, name)!r}, expected "
                f"{getattr(runs[0], name)!r} as in {runs[0].folder}: both are row {run.row!r}, whose runs "
                "differ in their seeds only; give them other names in run.json"
            )


def _read_corpora(run: Run) -> dict[str, paper.Corpus] | None:
    """The corpora of the responses and of the other trained tasks, where training left the manifest."""
    for folder in (run.folder / "checkpoints", run.folder):
        manifest = read_manifest(folder)
        if manifest is None:
            continue
        where = str(folder / MANIFEST)
        tasks = member(manifest, "tasks", dict, where)
        trained = [RESPONSE, *(task for task, weight in (run.loss_weights or {}).items() if weight)]
        corpora = {}
        for task in dict.fromkeys(trained):
            entry = member(tasks, task, dict, where)
            counts = member(entry, "counts", dict, where)
            sizes = {split: member(counts, split, int, where) for split in SPLITS}
            corpora[task] = paper.Corpus(member(entry, "corpus", str, where, default=""), **sizes)
        return corpora
    return None


def _read_description(run: Run, path: Path) -> None:
    where = str(path)
    content = read_json(path)
    run.row = member(content, "row", str, where)
    run.seed = member(content, "seed", int, where, default=None)
    run.model = member(content, "model", str, where, default=None)
    train = member(content, "train", str, where, default=None)
    # without the command: the larger models are trained from BART's weights
    run.pretrained = "--finetune-from-model" in train if train else run.model in ("base", "large")
    run.baseline = member(content, "baseline", bool, where, default=False)
    weights = member(content, "loss_weights", dict, where, default=None)
    if weights is not None:
        run.loss_weights = {name: member(weights, name, float, where) for name in weights}


def _complete(run: Run, settings: Settings | None) -> None:
    """Take from the training's log what run.json does not tell, or all where there is none."""
    if settings is None or run.baseline:
        return
    run.dimensions = settings.dimensions
    if run.seed is None:
        run.seed = settings.seed
    if run.loss_weights is None:
        run.loss_weights = settings.loss_weights
    if run.model is None:
        run.model, run.pretrained = settings.model, settings.pretrained


def _add_scores(run: Run, path: Path, entries: Sequence[Any], measures: Sequence[str]) -> None:
    """Add the scores of each entry; those that are NaN are of no examples."""
    for number, entry in enumerate(entries, start=1):
        task, part = getattr(entry, "task", RESPONSE), getattr(entry, "part", "all")
        for measure in measures:
            if (task, part, measure) in run.scores:
                raise UserError(
                    f"{path}, entry {number}: found {task} ({part}) a second time, expected it once in a "
                    "run folder"
                )
            score = getattr(entry, measure)
            if not math.isnan(score):
                run.scores[task, part, measure] = score
