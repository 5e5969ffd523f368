"""transformers can be used where `make venv` has made the environment: no torchaudio breaks it."""

from helpers.commands import run_python


def test_import():
    run_python("from transformers import AutoModelForSeq2SeqLM, pipeline")
