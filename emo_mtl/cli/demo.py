"""`emo-mtl demo`: a page in the browser to talk to a model and see the emotions that it recognises."""

import argparse
import os
import sys
from pathlib import Path

from emo_mtl.cli.flags import add_model_arguments, load_judge, load_model
from emo_mtl.demo.page import build_page, launch
from emo_mtl.errors import UserError

HELP = "talk to a model in the browser, and see the emotions that it recognises"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl demo` to its parser."""
    add_model_arguments(parser)
    parser.add_argument(
        "--judge",
        type=Path,
        metavar="MODEL",
        help="another model, of which the page shows what it recognises in the answers",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at; the page has no password: 0.0.0.0 lets everybody in who reaches "
        "this machine (default: %(default)s)",
    )
    parser.add_argument("--port", type=int, default=7860, help="(default: %(default)s)")


def run(args: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        UserError: no Gradio, a checkpoint that cannot be used, or a port that is taken
    """
    print("Loading the model; the address of the page follows ...", file=sys.stderr, flush=True)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise UserError(
            "the demo needs Gradio, which is not installed; run: pip install 'emo-mtl[demo]'"
        ) from error
    page = build_page(load_model(args), load_judge(args.judge, args.cpu))
    try:
        url = launch(page, args.host, args.port)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"--port {args.port}: cannot listen there ({error}): choose another"
        ) from error
    print(f"{url} (Ctrl-C ends)", flush=True)
    page.block_thread()
