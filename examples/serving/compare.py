"""One checkpoint served four ways, side by side: speed and agreement of the responses.

    make demo
    emo-mtl export-hf demo/checkpoints/checkpoint_best.pt model
    python examples/serving/compare.py model demo/checkpoints/checkpoint_best.pt demo/data/data-bin

emo_mtl (what fairseq-generate runs), transformers, and CTranslate2 with float32 and int8 parameters
answer the same utterances of the test set on one CPU thread, in turns; beam 5, no trigram twice.
Needs the packages transformers and ctranslate2.
"""

import argparse
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from emo_mtl.huggingface.library import import_transformers
from emo_mtl.inference.loading import build_model, load_checkpoint

Batch = list[list[int]]  # tokens of each utterance, `<s> tokens </s>`


def emo_mtl_responder(checkpoint: Path, data: Path) -> tuple[Callable[[Batch], Batch], Batch]:
    """The task's generator, and the utterances of the test set."""
    task, model = build_model(load_checkpoint(checkpoint), data)
    search = Namespace(beam=5, no_repeat_ngram_size=3)
    generator = task.build_generator([model], search)
    pad = task.source_dictionary.pad()

    def respond(batch: Batch) -> Batch:
        rows = [torch.tensor(row) for row in batch]
        tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=pad)
        lengths = torch.tensor([len(row) for row in batch])
        sample = {"net_input": {"src_tokens": tokens, "src_lengths": lengths}}
        hypotheses = task.inference_step(generator, [model], sample)
        return [best[0]["tokens"].tolist() for best in hypotheses]

    dataset = task.splits.responses(data, "test", task.emotions, dropout=1)
    return respond, [dataset.src[number].tolist() for number in range(len(dataset))]


def transformers_responder(folder: Path) -> Callable[[Batch], Batch]:
    """`generate` as generation_config.json says."""
    transformers = import_transformers()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder)

    def respond(batch: Batch) -> Batch:
        inputs = tokenizer.pad({"input_ids": batch}, return_tensors="pt")
        return model.generate(**inputs)[:, 1:].tolist()  # without the start symbol

    return respond


def ctranslate2_responder(folder: Path, compute_type: str) -> Callable[[Batch], Batch]:
    """CTranslate2's converter and translator; its beam search gets the first `<s>` as a prefix."""
    tokenizer = import_transformers().AutoTokenizer.from_pretrained(folder)
    import ctranslate2

    with tempfile.TemporaryDirectory() as temporary:
        converted = f"{temporary}/model"
        ctranslate2.converters.TransformersConverter(str(folder)).convert(converted)
        translator = ctranslate2.Translator(converted, compute_type=compute_type, intra_threads=1)

    def respond(batch: Batch) -> Batch:
        results = translator.translate_batch(
            [tokenizer.convert_ids_to_tokens(row) for row in batch],
            target_prefix=[["<s>"]] * len(batch),
            beam_size=5,
            no_repeat_ngram_size=3,
            max_decoding_length=63,  # with the prefix and </s> as long as fairseq's
        )
        return [tokenizer.convert_tokens_to_ids(result.hypotheses[0]) for result in results]

    return respond


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="what emo-mtl export-hf wrote")
    parser.add_argument("checkpoint", type=Path, help="the checkpoint it was made of")
    parser.add_argument("data", type=Path, help="the prepared folder (data-bin)")
    parser.add_argument("--sentences", type=int, default=200, help="utterances (default: 200)")
    parser.add_argument("--batch-size", type=int, default=20, help="(default: 20)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default: 3)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    emo_mtl, utterances = emo_mtl_responder(args.checkpoint, args.data)
    responders = {
        "emo_mtl": emo_mtl,
        "transformers": transformers_responder(args.folder),
        "CTranslate2 float32": ctranslate2_responder(args.folder, "float32"),
        "CTranslate2 int8": ctranslate2_responder(args.folder, "int8"),
    }
    utterances = sorted(utterances[: args.sentences], key=len)
    size = args.batch_size
    batches = [utterances[start : start + size] for start in range(0, len(utterances), size)]
    seconds: dict[str, list[float]] = {name: [] for name in responders}
    responses: dict[str, Batch] = {}
    for _ in range(args.rounds):
        for name, respond in responders.items():
            start = time.perf_counter()
            found = [row for batch in batches for row in respond(batch)]
            seconds[name].append(time.perf_counter() - start)
            responses[name] = [[n for n in row if n > 2] for row in found]  # no <s>, <pad>, </s>

    distinct = len({tuple(row) for row in responses["emo_mtl"]})
    print(f"{len(utterances)} utterances, {distinct} different responses, batches of {size}")
    print("| | utterances/s (median, range) | speed | same responses as emo_mtl |")
    print("| --- | ---: | ---: | ---: |")
    for name, times in seconds.items():
        rate, low, high = (len(utterances) / t for t in (median(times), max(times), min(times)))
        pairs = zip(seconds["emo_mtl"], times, strict=True)
        speed = median(our_time / own_time for our_time, own_time in pairs)
        same = sum(a == b for a, b in zip(responses[name], responses["emo_mtl"], strict=True))
        print(f"| {name} | {rate:.1f} ({low:.1f} - {high:.1f}) | {speed:.2f} x | {same} |")


if __name__ == "__main__":
    main()
