"""`emo-mtl chat`: a conversation in the terminal, which shows the emotions that are recognised."""

import argparse
import contextlib
import sys

from emo_mtl.cli.flags import add_model_arguments, add_search_arguments, load_model
from emo_mtl.errors import UserError
from emo_mtl.inference.conversation import Conversation, notes
from emo_mtl.inference.piped import answer_lines, json_line, tab_line

HELP = "talk to a model in the terminal, and see the emotions that it recognises"

BAR = 20  # characters that stand for a probability of 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl chat` to its parser."""
    add_model_arguments(parser)
    add_search_arguments(parser)
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
        "probability), response and turns (how many of the last were read for it), or text and error",
    )


def run(args: argparse.Namespace) -> None:
    """Talk until the input ends. Through a pipe, or with `--json`: no prompt, and one line for each line.

    Raises:
        UserError: a checkpoint that cannot be used; at the end, lines that could not be answered
    """
    print("Loading the model ...", file=sys.stderr, flush=True)
    bart = load_model(args)
    settings = {"beam": args.beam, "no_repeat_ngram_size": args.no_repeat_ngram_size}
    if args.mmi_weight:
        settings["mmi_weight"] = args.mmi_weight
    bart.build_generator(**settings)
    import torch

    torch.manual_seed(args.seed)
    conversation = Conversation(bart, settings)
    if sys.stdin.isatty() and not args.json:
        talk(conversation)
        return
    answer_lines(conversation, sys.stdin.buffer, json_line if args.json else tab_line)


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
                for head, scores in turn.shown().items():
                    for label, probability in scores.items():
                        bar = "█" * round(BAR * probability)
                        print(f"     {titles[head]:<{width}} {label:<12} {probability:.2f} {bar}")
                print(f"bot> {turn.response}")
                for note in notes(turn):
                    print(f"     ({note})")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print("  (given up; Ctrl-D ends)")
        except (UserError, UnicodeDecodeError) as error:
            print(error)
