"""`emo-mtl chat`: a conversation in the terminal, which shows the emotions that are recognised."""

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo_mtl.cli.model import add_model_arguments, load_model
from emo_mtl.errors import UserError
from emo_mtl.inference.dialogue import Turn, dialogue_line
from emo_mtl.io import check_output, write_atomically

if TYPE_CHECKING:
    from emo_mtl.inference.hub_interface import EmoBART

HELP = "talk to a model in the terminal, and see the emotions that it recognises"

COMMANDS = """\
/beam N                       beam search of width N: the same answer every time
/sample [NAME=NUMBER ...]     draw the answer at random; NAME is topp, topk or temperature
                              (/sample alone: topp=0.9)
/history                      what was said so far
/save FILE [--overwrite]      write it to a file, as one line of a corpus of dialogues (JSON Lines)
/reset                        forget it, and go back to the settings at the start
/help                         this text
/quit                         end, as Ctrl-D does; Ctrl-C gives up a line or an answer

Every utterance is answered by itself, as the model was trained: it does not see what was said before."""

SAMPLING = {"topp": "sampling_topp", "topk": "sampling_topk", "temperature": "temperature"}
CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")  # a terminal would obey these
BAR = 20  # characters that stand for a probability of 1


@dataclass
class Conversation:
    """What was said, and the settings of what is said next."""

    bart: "EmoBART"
    start: dict[str, Any]  # settings of `EmoBART.respond`
    settings: dict[str, Any] = field(init=False)
    turns: list[Turn] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = self.start

    def answer(self, text: str) -> Turn:
        """What is recognised in an utterance, and the response on one line."""
        (emotions,) = self.bart.classify([text])
        (response,) = self.bart.respond([text], **self.settings)
        turn = Turn(text, emotions, CONTROL.sub(" ", response).strip())
        self.turns.append(turn)
        return turn

    def command(self, line: str) -> str:
        """Obey a line that begins with `/` (but `/quit`), and return what to say about it.

        Raises:
            UserError: no such command, a wrong number, or a file that cannot be written
        """
        name, *values = line.split()
        if name == "/history":
            said = (f"you> {turn.text}\nbot> {turn.response}" for turn in self.turns)
            return "\n".join(said) or "-"
        if name == "/save":
            return self.save(line.removeprefix(name).strip())
        if name == "/reset":
            self.settings, self.turns = self.start, []
        elif name in ("/beam", "/sample"):
            settings = beam_settings(values) if name == "/beam" else sample_settings(values)
            settings["no_repeat_ngram_size"] = self.start["no_repeat_ngram_size"]
            self.bart.build_generator(**settings)
            self.settings = settings
        elif name == "/help":
            return COMMANDS
        else:
            raise UserError(f"found {name}, expected one of the commands:\n{COMMANDS}")
        return ", ".join(f"{name} {value}" for name, value in self.settings.items())

    def save(self, arguments: str) -> str:
        """Write the conversation for `/save FILE [--overwrite]`, and return what to say about it."""
        name = arguments.removesuffix("--overwrite").strip()
        if not name or not self.turns:
            raise UserError(
                "/save: found no conversation yet, expected one"
                if name
                else "/save: found no name, expected that of a file, for example /save talk.jsonl"
            )
        try:
            path = Path(name).expanduser()
            check_output(path, overwrite=name != arguments)
            write_atomically(path, dialogue_line(self.turns))
        except (OSError, RuntimeError, ValueError) as error:  # too long, no such home, NUL
            raise UserError(f"/save {name[:40]}: cannot be written ({error})") from error
        return f"{path}: {len(self.turns)} turns"


def beam_settings(values: list[str]) -> dict[str, Any]:
    """`["5"]` -> the settings of `/beam 5`."""
    if len(values) != 1 or not re.fullmatch(r"\d{1,4}", values[0]):
        found = " ".join(values)[:40]
        raise UserError(f"/beam {found}: expected a whole number up to 9999, for example /beam 5")
    return {"beam": int(values[0])}


def sample_settings(values: list[str]) -> dict[str, Any]:
    """`["topk=10"]` -> the settings of `/sample topk=10`."""
    settings: dict[str, Any] = {"beam": 1, "sampling": True}
    for value in values or ["topp=0.9"]:
        name, _, number = value.partition("=")
        try:
            settings[SAMPLING[name]] = int(number) if name == "topk" else float(number)
        except (KeyError, ValueError) as error:
            raise UserError(
                f"/sample: found {value}, expected NAME=NUMBER with {', '.join(SAMPLING)} as the name"
            ) from error
    return settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl chat` to its parser."""
    add_model_arguments(parser)
    parser.add_argument("--beam", type=int, default=5, help="width (default: %(default)s)")
    parser.add_argument(
        "--no-repeat-ngram-size",
        type=int,
        default=3,
        metavar="N",
        help="no N tokens twice in a row; 0: no limit (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="of sampling with /sample (default: %(default)s)"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="answer each line with a JSON object on a line: text, emotions (head: label: "
        "probability) and response, or text and error",
    )


def run(args: argparse.Namespace) -> None:
    """Talk until the input ends. Through a pipe, or with `--json`: no prompt, and one line for each line.

    Raises:
        UserError: a checkpoint that cannot be used; at the end, lines that could not be answered
    """
    print("Loading the model ...", file=sys.stderr, flush=True)
    bart = load_model(args)
    settings = {"beam": args.beam, "no_repeat_ngram_size": args.no_repeat_ngram_size}
    bart.build_generator(**settings)
    import torch

    torch.manual_seed(args.seed)
    conversation = Conversation(bart, settings)
    if sys.stdin.isatty() and not args.json:
        talk(conversation)
        return
    try:
        answer_lines(conversation, sys.stdin.buffer, json_line if args.json else tab_line)
    except BrokenPipeError:  # such as `| head`: Python must not flush to it at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def talk(conversation: Conversation) -> None:
    """The conversation at a terminal."""
    with contextlib.suppress(ImportError):  # not on every system: then without editing of lines
        import readline  # noqa: F401
    titles = conversation.bart.titles
    width = max(map(len, titles.values()), default=0)
    print("Say something. /help lists the commands, Ctrl-D ends.")
    while True:
        try:
            line = input("you> ").strip()
            if line == "/quit":
                return
            if line.startswith("/"):
                print(conversation.command(line))
            elif line:
                turn = conversation.answer(line)
                for head, (label, probability) in turn.best().items():
                    bar = "█" * round(BAR * probability)
                    print(f"     {titles[head]:<{width}} {label:<12} {probability:.2f} {bar}")
                print(f"bot> {turn.response}")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print("  (given up; Ctrl-D ends)")
        except (UserError, UnicodeDecodeError) as error:
            print(error)


def answer_lines(
    conversation: Conversation, lines: Iterable[bytes], show: Callable[[str, Turn | str], str]
) -> None:
    """Answer piped lines, one line for each; what a command says goes to standard error.

    A line that cannot be answered says so on standard error, and the rest is answered all the same.

    Args:
        show: what to print for a text, of its answer or of the error

    Raises:
        UserError: at the end, if there were lines that could not be answered
    """
    errors: list[str] = []
    for number, raw in enumerate(lines, start=1):
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace").strip()
        if text == "/quit":
            break
        found: Turn | str
        try:
            raw.decode()
            if text.startswith("/"):
                print(conversation.command(text), file=sys.stderr)
                continue
            found = conversation.answer(text) if text else Turn("", {}, "")
        except UnicodeDecodeError as error:
            found = f"expected UTF-8 ({error})"
        except UserError as error:
            found = str(error)
        if isinstance(found, str):
            errors.append(f"standard input, line {number}: {found}")
            print(errors[-1], file=sys.stderr)
        print(show(text, found), flush=True)
    if errors:
        raise UserError(f"{errors[0]} (lines without an answer: {len(errors)})")


def tab_line(text: str, found: Turn | str) -> str:
    """`HEAD=LABEL PROBABILITY` of each head, then the response, between tabs; nothing for an error."""
    if isinstance(found, str):
        return ""
    columns = [f"{head}={label} {p:.2f}" for head, (label, p) in found.best().items()]
    return "\t".join([*columns, found.response])


def json_line(text: str, found: Turn | str) -> str:
    """A JSON object on one line: text, emotions and response, or text and error."""
    if isinstance(found, str):
        return json.dumps({"text": text, "error": found})
    answer = {"text": text, "emotions": found.emotions, "response": found.response}
    return json.dumps(answer)
