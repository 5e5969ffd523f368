"""`emo-mtl overlap` through its entry point, and the parts that others read from its file."""

import json

from helpers.commands import run_command


class TestCommand:
    def test_prepared_sample(self, sample, tmp_path):
        out = tmp_path / "overlap.json"
        table = run_command("emo-mtl", "overlap", "--data", sample, "--json", out).stdout
        entry = json.loads(out.read_text("utf-8"))["e2"]["test"]
        assert (
            entry["examples"]
            == len((sample / "text/e2/test.input").read_text("utf-8").split("\n")) - 1
        )
        assert f"| e2 | test | {entry['examples']} | {len(entry['exact'])} (" in table
