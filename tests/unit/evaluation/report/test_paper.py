"""The paper's rows, and which of ours repeat them."""

import pytest

from emo_mtl.evaluation.report.paper import ROWS, TABLE_2, TABLE_5, find_row


class TestPaperRows:
    def test_order(self):
        names = ["R", "R+E6", "R+E6+E2", "R+E6+E12", "R+E6+E2+E12"]
        assert [row.name for row in TABLE_2] == names
        weights = ["(1,0,0)", "(.5,.5,0)", "(.5,0,.5)", "(.33,.33,.33)"]
        assert [row.lambdas for row in TABLE_5] == weights

    def test_scores(self):
        scores = TABLE_2[3].scores()
        assert scores["response", "all", "paper_bleu"] == 32.55
        assert scores["response", "all", "average_length"] == 14.14
        assert scores["e6", "all", "macro_f1"] == 57.86
        assert ("e6", "all", "accuracy") not in TABLE_5[1].scores()


class TestFindRow:
    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
    def test_by_name(self, row):
        weights = dict(zip(("e6", "e2", "e12"), row.weights, strict=True))
        assert find_row(row.name, None) is row
        assert find_row(row.name, weights) is row
        assert find_row(row.name, weights | {"response": 1.0}) is row

    @pytest.mark.parametrize(
        ("weights", "name"),
        [
            ({"e6": 0.5, "e2": 0.5, "e12": 0}, "R+E6+E2 λ=(.5,.5,0)"),
            ({"e6": 0.5, "e12": 0.5}, "R+E6+E12 λ=(.5,0,.5)"),
            ({"e6": 1 / 3, "e2": 1 / 3, "e12": 1 / 3}, "R+E6+E2+E12 λ=(.33,.33,.33)"),
        ],
    )
    def test_by_weights_of_table_5(self, weights, name):
        assert find_row("R+E6+E2", weights).name == name  # whatever it is called

    @pytest.mark.parametrize(
        ("name", "weights"),
        [
            ("R+E6", {"e6": 0.7}),
            ("larger batches", {"e6": 1.0}),  # a variant of R+E6, not R+E6
            ("mine", {"e6": 0.5, "e2": 0.5, "irony": 0.1}),
            ("mine", None),
        ],
    )
    def test_unknown(self, name, weights):
        assert find_row(name, weights) is None
