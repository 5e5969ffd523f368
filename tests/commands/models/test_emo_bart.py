"""The model: sentence features, architectures, heads, and checkpoints of other models."""

from helpers.commands import run_python


class TestWeightsOnly:
    """Loading stays protected: data and `argparse.Namespace`, and no other class."""

    def test_importing_allows_only_namespace(self):
        """In a fresh process, between importing torch and fairseq and importing emo_mtl."""
        program = (
            "import torch, fairseq; before = set(torch.serialization.get_safe_globals())\n"
            "import emo_mtl; added = set(torch.serialization.get_safe_globals()) - before\n"
            "import argparse; assert added == {argparse.Namespace}, added"
        )
        run_python(program)
