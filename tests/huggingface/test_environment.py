"""transformers can be used where `make venv` has made the environment: no torchaudio breaks it."""

from conftest import run_command


def test_import():
    run_command("python", "-c", "from transformers import AutoModelForSeq2SeqLM, pipeline")
