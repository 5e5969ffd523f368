"""The page: what a visitor sees and does, and serving it."""

import html
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from emo_mtl.demo.html import CSS, FOLLOW, conversation, save_link
from emo_mtl.errors import UserError
from emo_mtl.inference.conversation import NOTHING, Turn, reply
from emo_mtl.names import AUTO

if TYPE_CHECKING:
    import gradio as gr

    from emo_mtl.inference.hub_interface import EmoBART


MAX_CHARACTERS = 500  # of an utterance; the model reads its first 64 tokens only

MAX_TURNS = 50  # that a page shows; older ones are dropped

MAX_WAITING = 20  # utterances of all visitors; one is answered at a time

EXAMPLES = (
    "I finally got the job!",
    "I miss my dog.",
    "My boss shouted at me.",
    "There's a spider!",
    "What a surprise!",
)

INTRODUCTION = """\
One BART that answers you and recognises what you feel, {memory}. A research model: it
makes things up, and it is no counsellor."""

BEAM, SAMPLING = "Beam search", "Sampling"

NO_WISH = "any emotion"  # of the answer; no label, which has no space


def launch(page: "gr.Blocks", host: str, port: int | None = None) -> str:
    """Serve a page in the background, behind a `Guard`, and return its address.

    Args:
        port: a free one for None

    Raises:
        OSError, OverflowError: a port that is taken, or that is none
    """
    import gradio as gr
    from starlette.middleware import Middleware

    from emo_mtl.demo.guard import Guard

    fonts = ["system-ui", "sans-serif"]  # those of the visitor: nothing is fetched
    _, url, _ = page.queue(max_size=MAX_WAITING, api_open=False).launch(
        server_name=host,
        server_port=port,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        ssr_mode=False,
        footer_links=[],
        theme=gr.themes.Soft(primary_hue="indigo", font=fonts, font_mono=["monospace"]),
        css=CSS,
        app_kwargs={"middleware": [Middleware(Guard, host=host)]},
    )
    return url


def build_page(bart: "EmoBART", judge: "EmoBART | None" = None) -> "gr.Blocks":
    """The page; what a visitor said is kept in the visitor's session, and nowhere else.

    Args:
        judge: another model, whose heads say what they recognise in the answers
    """
    import gradio as gr

    with gr.Blocks(title="emo_mtl", analytics_enabled=False, fill_width=True) as page:
        with gr.Row(elem_id="title"):
            gr.Markdown("# emo_mtl")
            saved = gr.HTML(save_link([]))
            clear = gr.Button("New conversation", size="sm")
        gr.Markdown(INTRODUCTION.format(memory=memory(bart.context_turns)))
        shown = gr.HTML(conversation([], bart.titles), elem_id="conversation", js_on_load=FOLLOW)
        with gr.Row(equal_height=True):
            text = gr.Textbox(
                label="What you say",
                placeholder="Say something",
                show_label=False,
                container=False,
                autofocus=True,
                scale=8,
                elem_id="text",
            )
            emotion = gr.Dropdown(
                [NO_WISH, *([AUTO] if bart.expects_emotions else []), *bart.emotions],
                value=NO_WISH,
                label="Emotion of the answer",
                show_label=False,
                container=False,
                visible=bool(bart.emotions),
                scale=2,
                min_width=140,
                elem_id="emotion",
            )
            send = gr.Button("Send", variant="primary", scale=1, min_width=90)
        with gr.Row(elem_classes="examples"):
            examples = [gr.Button(item, size="sm", min_width=60) for item in EXAMPLES]
        with gr.Accordion("Settings", open=False):
            search = gr.Radio([BEAM, SAMPLING], value=BEAM, label="How to find the answer")
            with gr.Row() as of_beam:
                beam = gr.Slider(1, 10, value=5, step=1, label="Beam")
                mmi_weight = gr.Slider(0, 0.9, value=0, step=0.1, label="Less common answers (MMI)")
            with gr.Row(visible=False) as of_sampling:
                top_p = gr.Slider(0.1, 1, value=0.9, step=0.05, label="Top p")
                temperature = gr.Slider(0.1, 2, value=1, step=0.1, label="Temperature")

        turns = gr.State([], time_to_live=3600)  # seconds
        respond = {
            "fn": partial(answer, bart, judge=judge),
            "outputs": [shown, turns, text, saved],
            "concurrency_id": "model",  # shared: the model answers one utterance at a time
            "concurrency_limit": 1,
            "show_progress": "hidden",
            "api_visibility": "private",
        }
        settings = [turns, search, beam, top_p, temperature, emotion, mmi_weight]
        gr.on([text.submit, send.click], inputs=[text, *settings], **respond)
        for button in examples:
            button.click(inputs=[button, *settings], **respond)
        search.change(
            lambda name: (gr.update(visible=name == BEAM), gr.update(visible=name == SAMPLING)),
            inputs=search,
            outputs=[of_beam, of_sampling],
            api_visibility="private",
        )
        clear.click(
            lambda: (conversation([], bart.titles), [], save_link([])),
            outputs=[shown, turns, saved],
            show_progress="hidden",
            api_visibility="private",
        )
    return page


def memory(turns: int) -> str:
    """What an answer takes into account, in words."""
    return "each utterance by itself" if turns == 1 else f"with the last {turns} turns in mind"


def answer(
    bart: "EmoBART",
    text: str,
    turns: list[Turn],
    search: str,
    beam: int,
    top_p: float,
    temperature: float,
    emotion: str = NO_WISH,
    mmi_weight: float = 0.0,
    *,
    judge: "EmoBART | None" = None,
) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Show the utterance at once, then what is recognised in it and the response.

    Yields:
        the conversation as HTML, the visitor's turns, what the text box shows next, and the link that
        saves the conversation
    """
    import gradio as gr

    text = text.encode(errors="replace").decode().strip()  # half a surrogate pair is no text
    if not text or len(text) > MAX_CHARACTERS:
        gr.Warning(
            f"That has {len(text):,} characters; at most {MAX_CHARACTERS} fit."
            if text
            else "Type something first."
        )
        yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
        return
    yield conversation([*turns, Turn(text, {}, "")], bart.titles), gr.skip(), "", gr.skip()
    settings: dict[str, Any] = {"beam": int(beam), "mmi_weight": mmi_weight}
    if search == SAMPLING:
        settings = {"beam": 1, "sampling": True, "sampling_topp": top_p, "temperature": temperature}
    try:
        wanted = None if emotion == NO_WISH else emotion
        turn = reply(bart, turns, text, wanted, **settings)
        judged = opinions(judge, turn.response)
    except UserError as error:
        gr.Warning(html.escape(str(error)))
        yield conversation(turns, bart.titles), gr.skip(), text, gr.skip()
        return
    turns = [*turns, replace(turn, response=turn.response or NOTHING, judged=judged)][-MAX_TURNS:]
    yield conversation(turns, bart.titles), turns, gr.skip(), save_link(turns)


def opinions(judge: "EmoBART | None", response: str) -> dict[str, str]:
    """Each head of a judge, by its name for people, and the label that it gives a response."""
    if judge is None or not response:
        return {}
    (found,) = judge.classify([response])
    return {f"the judge's {judge.titles[head]}": next(iter(found[head])) for head in found}
