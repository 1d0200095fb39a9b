"""What plan promises of a run, and what is said of a budget before and after an edit."""

import json
import os
import pathlib
import unittest

import h5py

from kvscope_cli import DEMO, CliTest

DRAW = ["--model", DEMO, "--samples", 2, "--seed", 7]


class Plan(CliTest):
    def plan(self, name, *options):
        """A budget of geometry alone; returns what plan says of it."""
        return self.kvscope_json("plan", "--model", DEMO, *options, "-o", self.path(name))

    def edit(self, name, change):
        path = pathlib.Path(self.path(name))
        budget = json.loads(path.read_text())
        change(budget)
        path.write_text(json.dumps(budget))

    def run_budget(self, output, *options):
        done = self.start("run", *DRAW, *options, "-o", self.path(output))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def measured_resident_bytes(self, name):
        with h5py.File(self.path(name)) as file:
            ledger = file["ledger"]
            return (ledger["resident_bytes"][()].sum(axis=0) + ledger["shared_bytes"][()]).max()

    def test_a_run_takes_what_was_planned(self):
        fp32 = ["--batch", 2, "--element-bytes", 4]
        for name, options in (("a", ["--statistic", "uniform", "--ratio", 0.2]),
                              ("b", ["--statistic", "first", "--kv-memory", "20MiB", "--fill"]),
                              ("c", ["--statistic", "last", "--demanding-layers", 3])):
            plan = self.plan(f"{name}.json", *options, *fp32)
            self.run_budget(f"{name}.h5", "--batch", 2, "--budget", self.path(f"{name}.json"))
            self.assertEqual(self.measured_resident_bytes(f"{name}.h5"),
                             plan["totals"]["resident_peak_bytes"])
            self.assertEqual(plan["budget"]["expected"]["resident_peak_bytes"],
                             plan["totals"]["resident_peak_bytes"])
        self.run_budget("vanilla.h5", "--batch", 2)
        self.assertEqual(self.measured_resident_bytes("vanilla.h5"),
                         plan["totals"]["vanilla_resident_peak_bytes"])

    def test_a_run_that_exceeds_the_planned_memory_says_so(self):
        plan = self.plan("b.json", "--statistic", "first", "--kv-memory", "10MiB", "--batch", 1,
                         "--element-bytes", 4)
        self.assertLessEqual(plan["totals"]["resident_peak_bytes"], 10 << 20)
        budget = ["--budget", self.path("b.json")]
        self.assertNotIn("warning", self.run_budget("one.h5", "--batch", 1, *budget))
        told = self.run_budget("two.h5", "--batch", 2, *budget)
        self.assertIn("b.json: planned for 10.00 MiB of K and V, but this run's buffers take", told)
        self.assertIn("the plan was for batch 1", told)
        self.assertGreater(self.measured_resident_bytes("two.h5"), 10 << 20)

    def test_json_carries_what_the_table_shows(self):
        self.kvscope("capture", *DRAW, "--batch", 1, "--store", "reduced", "-o", self.path("c.h5"))
        plan = self.kvscope_json("plan", self.path("c.h5"), "--ratio", 0.2, "-o", self.path("b.json"))
        self.assertEqual(plan["budget"], json.loads(pathlib.Path(self.path("b.json")).read_text()))
        self.assertEqual((plan["statistic"]["name"], plan["statistic"]["demanding"]),
                         ("cosine-key", "low"))
        self.assertEqual(len(plan["layers"]), 12)
        for row in plan["layers"]:
            self.assertLessEqual(row["low"], row["statistic"])
            self.assertLessEqual(row["statistic"], row["high"])
            self.assertTrue(0 <= row["stability"] <= 1)
            self.assertEqual(len(row["read_tokens"]), 10)
            self.assertEqual(row["kept_tokens"], max(row["read_tokens"]))
        limit = plan["totals"]["limit"]
        self.assertLessEqual(limit["reached_bytes"], limit["with_fill_bytes"])
        self.assertLessEqual(limit["with_fill_bytes"], limit["bytes"])
        self.assertIn("no sweep was shown", plan["other_statistics"])

        text = self.kvscope("plan", self.path("c.h5"), "--ratio", 0.2)
        self.assertIn("asked 0.2 of read, got 0.19", text)
        self.assertIn("--fill would get", text)
        self.assertNotIn("asked", self.kvscope("plan", self.path("c.h5"), "--demanding-layers", 2))

        shares = self.kvscope_json("plan", self.path("c.h5"), "--statistic", "distant-mass",
                                   "--demanding-layers", 2)
        self.assertEqual(shares["statistic"]["demanding"], "high")
        by_share = sorted(shares["layers"], key=lambda row: -row["statistic"])
        self.assertTrue(all(0 < row["statistic"] < 1 for row in by_share))
        self.assertEqual([row["class"] for row in by_share[:3]],
                         ["demanding", "demanding", "efficient"])
        again = self.kvscope_json("plan", self.path("c.h5"), "--statistic", "distant-mass",
                                  "--threshold", shares["statistic"]["theta"])
        self.assertEqual(again["budget"]["layers"], shares["budget"]["layers"])
        self.refused(2, "plan", self.path("c.h5"), "--statistic", "distant-mass", "--threshold", -0.3)

    def test_geometry_is_enough_for_controls(self):
        for options in (["--statistic", "uniform", "--ratio", 0.2],
                        ["--statistic", "random:3", "--kv-memory", "24G", "--batch", 64]):
            plan = self.kvscope_json("plan", "--model", "d30", *options)
            self.assertEqual(len(plan["layers"]), 30)
        plan = self.plan("b.json", "--statistic", "last", "--demanding-layers", 3)
        self.assertEqual([row["layer"] for row in plan["layers"] if row["class"] == "demanding"],
                         [9, 10, 11])
        self.assertNotIn("capture_id", plan["budget"]["rule"])
        cause = self.refused(2, "plan", "--model", "d30", "--ratio", 0.2)
        self.assertIn("cosine-key", cause)
        self.assertIn("uniform, first, last", cause)
        self.assertIn("--model", self.refused(2, "plan", "--ratio", 0.2))
        self.refused(2, "plan", self.path("c.h5"), "--model", "d30", "--statistic", "first")
        for size in ("24", "", "GiB"):
            self.refused(2, "plan", "--model", "d30", "--statistic", "first", "--kv-memory", size)

    def test_an_edited_budget_is_told_from_a_planned_one(self):
        self.plan("b.json", "--statistic", "first", "--demanding-layers", 3, "--batch", 4,
                  "--efficient", "condensed=2,capacity_tokens=13")
        wide = {**os.environ, "COLUMNS": "200"}  # a row of its table stays whole
        told = self.start("info", "--all", self.path("b.json"), env=wide)
        self.assertNotIn("warning", told.stderr)
        self.assertRegex(told.stdout, r"condensed 2, capacity 13 +5 +0 +1 +5 +5 ")
        self.assertRegex(told.stdout, r"logical_peak_bytes +7\.717 MiB")
        info = self.kvscope_json("info", self.path("b.json"))
        self.assertEqual((info["batch"], info["doubts"], info["expected_holds"]), (4, [], True))
        self.assertEqual(info["kept"][11]["kept_tokens"], 5)

        def relabel(budget):
            budget["layers"][5]["class"] = "demanding"

        self.edit("b.json", relabel)
        doubt = "class and rule disagree in layer 5 (demanding, but keeps 5 of 424 tokens)"
        self.assertIn(doubt, self.start("info", self.path("b.json")).stderr)
        self.assertIn(doubt, self.kvscope_json("info", self.path("b.json"))["doubts"][0])
        for command in ("run", "capture"):
            done = self.start(command, *DRAW, "--budget", self.path("b.json"), "-o",
                              self.path(f"{command}.h5"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(doubt, done.stderr)

        def keep_all(budget):
            budget["layers"][5] = {"layer": 5, "class": "demanding", "keep": "all"}

        self.edit("b.json", keep_all)
        info = self.kvscope_json("info", self.path("b.json"))
        self.assertFalse(info["expected_holds"])
        self.assertGreater(info["logical_peak_bytes"], info["expected_logical_peak_bytes"])
        self.assertEqual(info["kept"][5]["kept_tokens"], 424)


if __name__ == "__main__":
    unittest.main()
