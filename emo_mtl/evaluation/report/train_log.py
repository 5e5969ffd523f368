"""The epochs of a fairseq-train log: printed or from `--log-file`, `--log-format` simple or json."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.evaluation.report import paper
from emo_mtl.io import read_text

# "2026-11-25 10:00:00 | INFO | valid | " stands before what is printed, not in a --log-file
_EPOCH_LINE = re.compile(r'(?:[-\d]+ [:\d]+ \| INFO \| \S+ \| )?(epoch \d+ \| .*|\{"epoch": .*)')
_SIMPLE = re.compile(r"epoch (\d+) \| (?:valid on '(.+?)' subset \| )?(.*)")
_MEASURE = re.compile(r"(?!best_)(?:[\w-]+_)?(?:loss|ppl|accuracy|f1|bleu|num_updates)")


@dataclass(frozen=True)
class Point:
    """The averages of one epoch of training, or of one validation."""

    split: str  # "train", or a subset such as "valid"
    epoch: int
    updates: int  # since the start of the training
    measures: dict[str, float]  # e.g. response_loss (bits), response_ppl, e6_accuracy (percent)


# parts of fairseq's config, as Python prints it
_SETTINGS = {
    "model": re.compile(r"(?:\barch=|'_name': )'emo_bart_(\w+)'"),
    "seed": re.compile(r"'common': \{.*?'seed': (\d+)"),
    "tasks": re.compile(r"'classification_tasks': '([^']*)'"),
    "weights": re.compile(r"'loss_weights': '([^']*)'"),
    "finetuned": re.compile(r"'finetune_from_model': '"),
    "restored": re.compile(r"'restore_file': '(?!checkpoint_last\.pt')"),
    "reset": re.compile(r"'reset_optimizer': True"),
}
# of fairseq-train, or of fairseq-hydra-train
_DIMENSION = re.compile(rf"\b({'|'.join(paper.DIMENSIONS)})(?:=|': )(\d+)\b")


@dataclass(frozen=True)
class Settings:
    """What fairseq-train notes of itself at the beginning of its log.

    Attributes:
        model: of the architectures emo_bart_*: tiny, base, large; None for another one
        pretrained: whether it began with the weights of another training
        loss_weights: of each classification task
        dimensions: of the model, those of `paper.DIMENSIONS` that are known
    """

    model: str | None
    pretrained: bool
    seed: int
    loss_weights: dict[str, float]
    dimensions: dict[str, int]


def read_settings(path: Path) -> Settings | None:
    """The settings of a log; None where its beginning is missing.

    Raises:
        UserError: the file cannot be read
    """
    for line in read_text(path).split("\n"):
        matches = {name: pattern.search(line) for name, pattern in _SETTINGS.items()}
        found = {name: match[match.lastindex or 0] for name, match in matches.items() if match}
        if not {"seed", "tasks", "weights"} <= found.keys():
            continue
        # fairseq-train has checked both; its own parser would take the seconds that fairseq takes to import
        weights = dict.fromkeys(filter(None, found["tasks"].split(",")), 1.0)
        for item in filter(None, found["weights"].split(",")):
            name, _, weight = item.partition("=")
            weights[name.strip()] = float(weight)
        # fairseq-hydra-train notes those alone that differ from the architecture's
        usual = paper.DIMENSIONS if found.get("model") == "large" else {}
        return Settings(
            model=found.get("model"),
            pretrained="finetuned" in found or {"restored", "reset"} <= found.keys(),
            seed=int(found["seed"]),
            loss_weights=weights,
            dimensions=usual | {name: int(value) for name, value in _DIMENSION.findall(line)},
        )
    return None


def read_train_log(path: Path) -> list[Point]:
    """The points of a log in the order of training.

    A log may hold several starts of one training: what a later start repeats, replaces the earlier.

    Raises:
        UserError: the file cannot be read, or a line of an epoch is malformed
    """
    points: list[Point] = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        match = _EPOCH_LINE.fullmatch(line.strip())
        point = match and _parse(match[1], f"{path}, line {number}")
        if not point or (points and point == points[-1]):  # --log-file repeats its lines
            continue
        points = [earlier for earlier in points if not _repeats(point, earlier, points)]
        points.append(point)
    return points


def _repeats(point: Point, earlier: Point, points: list[Point]) -> bool:
    """Whether a new point shows that an earlier one was of a start that was given up."""
    if point.epoch > earlier.epoch:
        return False
    # The line of training ends an epoch: what follows of the same epoch is a new start.
    ended = any(p.split == "train" and p.epoch >= point.epoch for p in points)
    return ended or (point.split == earlier.split and point.updates <= earlier.updates)


def _parse(text: str, where: str) -> Point | None:
    """None for the lines within an epoch that `--log-interval` asks for."""
    if text.startswith("{"):
        try:
            stats = json.loads(text)
        except (RecursionError, ValueError) as error:
            raise UserError(
                f"{where}: found no JSON ({error}), expected a line of "
                "--log-format json; was it cut off? remove the line"
            ) from error
        if "update" in stats:
            return None
        split = next(
            (key[: -len("_num_updates")] for key in stats if key.endswith("_num_updates")), ""
        )
        epoch = stats.pop("epoch")
        stats = {key.removeprefix(f"{split}_"): value for key, value in stats.items()}
    else:
        simple = _SIMPLE.fullmatch(text)
        assert simple  # the caller has looked
        epoch, split, rest = simple.groups(default="train")
        pairs = [pair.split() for pair in rest.split(" | ")]
        broken = next((pair for pair in pairs if len(pair) != 2), None)
        if broken is not None:
            raise UserError(
                f"{where}: found {' '.join(broken)!r}, expected a name and a number; was the line cut "
                "off? remove it"
            )
        stats = dict(pairs)
    try:
        measures = {name: float(stats[name]) for name in stats if _MEASURE.fullmatch(name)}
        return Point(split, int(epoch), int(measures.pop("num_updates")), measures)
    except KeyError:
        raise UserError(
            f"{where}: found no num_updates, expected the end of an epoch or of a validation as "
            "fairseq-train logs it; was the line cut off? remove it"
        ) from None
    except (OverflowError, TypeError, ValueError) as error:
        raise UserError(f"{where}: {error}; expected a number for each measure") from None
