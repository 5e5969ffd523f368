"""Dialogues of other corpora, written as prepared data writes, for a model that is to answer like that data.

    python examples/pretraining/dialogues.py DATA OUT TALKS [TALKS ...]

DATA is what `emo-mtl prepare` made of the dialogues that the model is for, and TALKS are folders or files
that `emo-mtl prepare --responses` reads. OUT gets train.jsonl, valid.jsonl and test.jsonl, in which
`I'm fine.` stands as `I'm fine .` where DATA is DailyDialog. Of the valid and test parts at most 30
dialogues a corpus are kept: they only show that a training goes well, and each look at them costs time.
"""

import json
import sys
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.inference.model_files import read_manifest
from emo_mtl.inference.text import Writing
from emo_mtl.io import write_atomically
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.corpus import SPLITS
from emo_mtl.preparation.dialogues import folder
from emo_mtl.preparation.dialogues.dialogue import Dialogue

KEPT = 30  # dialogues of valid and of test, a corpus


def as_line(dialogue: Dialogue, writing: Writing) -> str:
    """A dialogue as JSON, its turns in the form of a corpus."""
    turns = [{"text": writing.normalize(turn.text)} for turn in dialogue]
    return json.dumps({"turns": turns}, ensure_ascii=False) + "\n"


def main(data: Path, out: Path, talks: list[Path]) -> None:
    """Write the three files; say how many dialogues each has.

    Raises:
        UserError: DATA was not prepared with responses, or TALKS are no dialogues
    """
    manifest = read_manifest(data)
    if not manifest or "writing" not in manifest["tasks"].get(RESPONSE, {}):
        raise UserError.at(
            data,
            found="no responses",
            expected="data with them",
            fix="prepare it by emo-mtl prepare",
        )
    writing = Writing.from_json(manifest["tasks"][RESPONSE]["writing"], data)
    corpora = [folder.read(path) for path in talks]
    out.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        kept = None if split == "train" else KEPT
        lines = [as_line(one, writing) for corpus in corpora for one in corpus.splits[split][:kept]]
        write_atomically(out / f"{split}.jsonl", "".join(lines))
        print(f"{split}: {len(lines):,} dialogues")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise UserError(f"found {len(sys.argv) - 1} arguments, expected DATA OUT TALKS: {__doc__}")
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
