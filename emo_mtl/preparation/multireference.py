"""More references for DailyDialog's test set (Gupta et al. 2019): a file a reference, one a line.

`multireftest.json` holds a dialogue a line, and for each turn that is answered `responses`: the next turn of
DailyDialog in another tokenisation, and what four other people would have said. A few of these are empty.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emo_mtl.errors import UserError
from emo_mtl.io import text_lines
from emo_mtl.preparation.corpus import LINE_ENDS, read_filled, shown

FIX = "restore the file from the original release"


def read(path: Path) -> list[list[str]]:
    """The references of each utterance that is answered, in the file's order.

    Raises:
        UserError: a line that is no dialogue, or an utterance with another number of references
    """
    found: list[list[str]] = []
    for number, line in enumerate(text_lines(read_filled(path)), start=1):
        where = f"{path}:{number}"
        try:
            turns: Sequence[Mapping[str, Any]] = json.loads(line)["dialogue"]
            answers = [turn["responses"] for turn in turns if turn.get("responses")]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UserError.at(
                where,
                found=shown(line),
                expected='a JSON object with a list "dialogue" of turns',
                fix=FIX,
            ) from error
        for references in answers:
            each = len(found[0]) if found else len(references)
            if len(references) != each or not all(isinstance(r, str) for r in references):
                raise UserError.at(
                    where,
                    found=f"{len(references)} responses, {shown(str(references))}",
                    expected=f"{each} texts, as before",
                    fix=FIX,
                )
            found.append([LINE_ENDS.sub(" ", reference).strip() for reference in references])
    if not found:
        raise UserError.at(str(path), found="no responses", expected="some", fix=FIX)
    return found
