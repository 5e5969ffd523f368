"""What a training needs, by hand."""

import pytest
from helpers.data import write_data_bin
from plan import rows, smallest_card, table, tokens_of_epoch


def found(memory_mib: float, rates: list[float], parameters: int) -> dict:
    runs = [
        {"memory_mib": memory_mib, "tokens_per_s": rate, "parameters": parameters} for rate in rates
    ]
    return {"train": {"rows": [{"shape": "large", "sentences": 32, "runs": {"emo_mtl": runs}}]}}


class TestPlan:
    @pytest.mark.parametrize(
        ("gib", "card"),
        [(0, 8), (6.3, 8), (6.5, 11), (13.6, 16), (13.7, 24), (71.8, 80), (71.9, None)],
    )
    def test_smallest_card(self, gib, card):
        """7 GiB of 8 are for tensors, of which a tenth is lost: 6.36 GiB."""
        assert smallest_card(gib) == card

    def test_rows(self):
        """64 epochs of 900,000 tokens at 1,000 a second: 16 hours; 20 bytes a parameter."""
        (row,) = rows({"fp16": found(11_264, [900, 1000, 5000], 2**30)}, 900_000)
        assert row == ["large", "fp16", 32, 1000, 11, 20, 16, 16]

    def test_table_counts_all_training_texts(self, tmp_path):
        data_bin = write_data_bin(tmp_path / "gpt2" / "data-bin", {"train": 60, "valid": 7})
        sizes = [data_bin / "response" / "train.source-target.source.bin"]
        sizes += [data_bin / "response" / "train.source-target.target.bin"]
        sizes += 2 * [data_bin / name / "input0" / "train.bin" for name in ("e6", "e2")]
        tokens = sum(path.stat().st_size for path in sizes) // 2  # two bytes each
        assert tokens_of_epoch(data_bin) == tokens
        text = table({"bf16": found(10_240, [1000], 2**30)}, tmp_path)
        assert f"64 epochs of {tokens:,} tokens" in text
        assert "| large | bf16 | 32 |" in text
