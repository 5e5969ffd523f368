"""`emo-mtl chat`: a conversation in the terminal, which shows the emotions that are recognised."""

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emo_mtl.cli.model import add_model_arguments, load_model
from emo_mtl.errors import UserError

if TYPE_CHECKING:
    from emo_mtl.hub_interface import EmoBART

HELP = "talk to a model in the terminal, and see the emotions that it recognises"

COMMANDS = """\
/beam N                       beam search of width N: the same answer every time
/sample [NAME=NUMBER ...]     draw the answer at random; NAME is topp, topk or temperature
                              (/sample alone: topp=0.9)
/history                      what was said so far
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
    turns: list[tuple[str, str]] = field(default_factory=list)  # utterance, response

    def __post_init__(self) -> None:
        self.settings = self.start

    def answer(self, text: str) -> tuple[dict[str, tuple[str, float]], str]:
        """For each head the most probable label with its probability; and the response, on one line."""
        (scores,) = self.bart.classify([text])
        emotions = {head: next(iter(found.items())) for head, found in scores.items()}
        (response,) = self.bart.respond([text], **self.settings)
        response = CONTROL.sub(" ", response).strip()
        self.turns.append((text, response))
        return emotions, response

    def command(self, line: str) -> str:
        """Obey a line that begins with `/` (but `/quit`), and return what to say about it.

        Raises:
            UserError: no such command, or a wrong number
        """
        name, *values = line.split()
        if name == "/history":
            return (
                "\n".join(f"you> {text}\nbot> {response}" for text, response in self.turns) or "-"
            )
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


def run(args: argparse.Namespace) -> None:
    """Talk until the input ends. Through a pipe: no prompt, and one line for each line.

    Raises:
        UserError: a checkpoint, or piped text, that cannot be used
    """
    bart = load_model(args)
    settings = {"beam": args.beam, "no_repeat_ngram_size": args.no_repeat_ngram_size}
    bart.build_generator(**settings)
    import torch

    torch.manual_seed(args.seed)
    conversation = Conversation(bart, settings)
    if sys.stdin.isatty():
        talk(conversation)
        return
    try:
        answer_lines(conversation, sys.stdin.buffer)
    except BrokenPipeError:  # such as `| head`: Python must not flush to it at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def talk(conversation: Conversation) -> None:
    """The conversation at a terminal."""
    with contextlib.suppress(ImportError):  # not on every system: then without editing of lines
        import readline  # noqa: F401
    print("Say something. /help lists the commands, Ctrl-D ends.")
    while True:
        try:
            line = input("you> ").strip()
            if line == "/quit":
                return
            if line.startswith("/"):
                print(conversation.command(line))
            elif line:
                emotions, response = conversation.answer(line)
                for head, (label, probability) in emotions.items():
                    bar = "█" * round(BAR * probability)
                    print(f"     {head:<8} {label:<12} {probability:.2f} {bar}")
                print(f"bot> {response}")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print("  (given up; Ctrl-D ends)")
        except (UserError, UnicodeDecodeError) as error:
            print(error)


def answer_lines(conversation: Conversation, lines: Iterable[bytes]) -> None:
    """Answer piped lines: `HEAD=LABEL PROBABILITY` of each head, then the response, between tabs.

    An empty line gives an empty line; what a command says goes to standard error.

    Raises:
        UserError: a line that is not UTF-8
    """
    for number, raw in enumerate(lines, start=1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise UserError(f"standard input, line {number}: expected UTF-8 ({error})") from error
        if line == "/quit":
            return
        if line.startswith("/"):
            print(conversation.command(line), file=sys.stderr)
            continue
        columns = []
        if line:
            emotions, response = conversation.answer(line)
            columns = [f"{head}={label} {p:.2f}" for head, (label, p) in emotions.items()]
            columns.append(response)
        print("\t".join(columns), flush=True)
