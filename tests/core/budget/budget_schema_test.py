"""Holds data/schema/budget.schema.json against a written budget and against wrong ones.

budget_test.cpp checks that kvscope writes exactly tests/golden/budget/full.json.
"""

import copy
import json
import pathlib
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "data/schema/budget.schema.json").read_text(encoding="utf-8"))
BUDGET = json.loads((ROOT / "tests/golden/budget/full.json").read_text(encoding="utf-8"))


def put(*path_and_value):
    """A change that sets the value at a path."""
    *path, key, value = path_and_value

    def change(budget):
        for step in path:
            budget = budget[step]
        budget[key] = value

    return change


def drop(*path):
    """A change that removes what a path names."""
    *steps, key = path

    def change(budget):
        for step in steps:
            budget = budget[step]
        del budget[key]

    return change


WRONG = {
    "other schema": put("schema", "kvscope.budget/2"),
    "unknown key": put("comment", "x"),
    "unknown policy": put("policy", "lru"),
    "vanilla that evicts": put("policy", "vanilla"),
    "no layers": put("layers", []),
    "one scale": put("model", "patch_nums", [1]),
    "depth 0": put("model", "depth", 0),
    "unknown model key": put("model", "width", 128),
    "no rule": drop("layers", 0, "keep"),
    "two rules": put("layers", 1, "capacity_tokens", 9),
    "all with condensed scales": put("layers", 0, "condensed_scales", 2),
    "no condensed scales": drop("layers", 1, "condensed_scales"),
    "negative local scales": put("layers", 1, "local_scales", -1),
    "fractional capacity": put("layers", 2, "capacity_tokens", 9.5),
    "unknown class": put("layers", 1, "class", "lazy"),
    "unknown layer key": put("layers", 1, "locals", 1),
    "unknown choice": put("rule", "choice", "dice"),
    "statistic as a number": put("rule", "statistic", 1),
    "theta as text": put("rule", "theta", "low"),
    "unknown denominator": put("rule", "of", "peak"),
    "batch 0": put("expected", "batch", 0),
    "negative resident peak": put("expected", "resident_peak_bytes", -1),
    "no peak": drop("expected", "logical_peak_bytes"),
}


class BudgetSchema(unittest.TestCase):
    def setUp(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        self.validator = jsonschema.Draft202012Validator(SCHEMA)

    def test_takes_what_kvscope_writes(self):
        self.validator.validate(BUDGET)
        bare = {key: BUDGET[key] for key in ("schema", "policy", "model", "layers")}
        self.validator.validate(bare)
        older = copy.deepcopy(BUDGET)
        del older["expected"]["resident_peak_bytes"]
        self.validator.validate(older)

    def test_takes_a_vanilla_budget(self):
        vanilla = copy.deepcopy(BUDGET)
        vanilla["policy"] = "vanilla"
        vanilla["layers"] = [
            {"layer": layer, "class": "demanding", "keep": "all"} for layer in range(3)
        ]
        self.validator.validate(vanilla)

    def test_refuses_wrong_budgets(self):
        for name, change in WRONG.items():
            with self.subTest(name):
                budget = copy.deepcopy(BUDGET)
                change(budget)
                self.assertFalse(self.validator.is_valid(budget))


if __name__ == "__main__":
    unittest.main()
