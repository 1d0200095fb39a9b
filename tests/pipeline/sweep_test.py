"""A sweep that is stopped and started again, and what a user of one gets wrong."""

import json
import pathlib
import shutil
import subprocess
import time
import unittest

import h5py

from kvscope_cli import DEMO, KVSCOPE, CliTest

DRAW = ["--samples", "2", "--batch", "2", "--seed", "7", "--rng", "per-sample"]


def identity(path):
    with h5py.File(path) as file:
        return file.attrs["capture_id"], path.stat().st_mtime_ns


class Sweep(CliTest):
    def setUp(self):
        super().setUp()
        self.kvscope(
            "capture", "--model", DEMO, "--samples", 2, "--batch", 1, "--store", "reduced",
            "-o", self.path("base.h5"),
        )
        self.cells = self.folder / "sweep"

    def sweep(self, *options):
        return [
            "sweep", self.path("base.h5"), "--model", DEMO, *DRAW, "-o", str(self.cells), *options
        ]

    def results(self):
        return json.loads((self.cells / "results.json").read_text())

    def finished(self):
        return {path.name: identity(path) for path in self.cells.glob("*.h5")}

    def stop_after_a_cell(self, command):
        process = subprocess.Popen([KVSCOPE, *command], stderr=subprocess.DEVNULL)
        # The first cell has its final name and the second one is under way.
        while process.poll() is None and not (
            list(self.cells.glob("*.h5")) and list(self.cells.glob("*.h5.partial"))
        ):
            time.sleep(0.01)
        process.kill()
        process.wait()
        self.assertNotEqual(process.returncode, 0, "the sweep was over before it was stopped")

    def test_a_stopped_sweep_goes_on_where_it_was(self):
        command = self.sweep("--ratios", "0.3", "--statistics", "cosine-key,uniform")
        self.stop_after_a_cell(command)
        before = self.finished()
        self.assertTrue(before)
        self.assertFalse((self.cells / "results.json").exists())
        self.kvscope(*command)
        after = self.finished()
        self.assertEqual(set(after), {"vanilla.h5", "cosine-key_0.3.h5", "uniform_0.3.h5"})
        for name, identified in before.items():
            self.assertEqual(after[name], identified)
        self.assertEqual(list(self.cells.glob("*.partial")), [])

        results = self.results()
        vanilla, *others = results["cells"]
        self.assertEqual([cell["name"] for cell in others], ["cosine-key_0.3", "uniform_0.3"])
        for cell in others:
            self.assertGreater(cell["share_of_read"], 0.98 * 0.3)
            self.assertLessEqual(cell["share_of_read"], 0.3)
            for figure in ("token_agreement", "psnr_mean_db", "ssim_mean"):
                self.assertIsInstance(cell[figure], float)
            self.assertIsInstance(cell["class_accuracy"]["value"], float)
            budget = json.loads((self.cells / f"{cell['name']}.json").read_text())
            self.assertEqual(budget["expected"]["logical_peak_bytes"], cell["logical_peak_bytes"])

        # The budget alone makes the cell again.
        self.kvscope(
            "run", "--model", DEMO, *DRAW, "--budget", self.cells / "uniform_0.3.json",
            "-o", self.path("again.h5"),
        )
        with h5py.File(self.path("again.h5")) as again, h5py.File(
            self.cells / "uniform_0.3.h5"
        ) as cell:
            self.assertTrue((again["samples/token_ids"][()] == cell["samples/token_ids"][()]).all())

        # Nothing is run again, and cells of other draws are kept.
        self.kvscope(*command)
        self.assertEqual(self.finished(), after)
        self.assertEqual(self.results()["problems"], [])
        others = ["8" if word == "7" else word for word in command]
        cause = self.refused(1, *others)
        self.assertIn("seed 7", cause)
        self.assertIn("--force", cause)
        self.assertEqual(self.finished(), after)
        self.kvscope(*others, "--force")
        self.assertFalse(set(self.finished().values()) & set(after.values()))
        self.assertEqual(self.results()["settings"]["seed"], 8)

    def test_a_loss_is_told_again_when_the_cell_is_not_run_again(self):
        command = self.sweep("--ratios", "0.3", "--statistics", "last", "--no-score")
        self.kvscope(*command)
        with h5py.File(self.cells / "last_0.3.h5", "r+") as file:
            counters = [name.decode() for name in file["counter"][()]]
            file["quality"][counters.index("nonfinite_values")] = 3
        done = self.start(*command)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("last_0.3: 3 nonfinite_values", done.stderr)
        self.assertEqual([loss["cell"] for loss in self.results()["problems"]], ["last_0.3"])

    def test_teacher_forced_agreement_is_measured_once_a_cell(self):
        command = self.sweep("--ratios", "0.3", "--statistics", "uniform", "--no-score",
                             "--teacher-forced", "1")
        self.kvscope(*command)
        vanilla, cell = self.results()["cells"]
        self.assertIsNone(vanilla["teacher_forced"])
        forced = cell["teacher_forced"]
        self.assertEqual((forced["samples"], forced["capture_id"]), (1, cell["capture_id"]))
        self.assertEqual(forced["against_capture_id"], vanilla["capture_id"])
        # Scales 0 and 1 are condensed: what they read is there under every budget.
        self.assertEqual(forced["scales"][1]["kl_nats"]["value"], 0)
        self.assertGreater(forced["overall"]["kl_nats"]["value"], 0)
        file = self.cells / "uniform_0.3.h5.forced.json"
        before = file.stat().st_mtime_ns
        self.assertIn("top-1 agreement", " ".join(self.kvscope(*command).split()))
        self.assertEqual(file.stat().st_mtime_ns, before)
        self.assertIn("more-smooth", self.refused(2, *command, "--more-smooth"))
        self.assertIn("at most the 2 samples",
                      self.refused(2, *command[:-1], "3"))

    def test_single_layers_give_the_damage_that_plan_reads(self):
        self.kvscope(*self.sweep("--single-layers"))
        results = self.results()
        self.assertEqual([entry["layer"] for entry in results["damage"]], list(range(12)))
        vanilla = results["cells"][0]
        for layer, entry in enumerate(results["damage"]):
            cell = results["cells"][1 + layer]
            self.assertEqual(cell["layer"], layer)
            self.assertAlmostEqual(entry["token_disagreement"], 1 - cell["token_agreement"])
            self.assertAlmostEqual(
                entry["frechet_rise"],
                cell["demo_frechet_distance"]["value"] - vanilla["demo_frechet_distance"]["value"],
            )
        self.assertIn(
            ("distant-density", "frechet_rise"),
            [(entry["statistic"], entry["measure"]) for entry in results["correlations"]],
        )
        plan = self.kvscope_json(
            "plan", self.path("base.h5"), "--demanding-layers", 1, "--statistic", "damage",
            "--damage", self.cells / "results.json",
        )
        budget = plan["budget"]
        for layer, entry in enumerate(plan["layers"]):
            self.assertAlmostEqual(
                entry["statistic"], results["damage"][layer]["token_disagreement"]
            )
        demanding = [
            entry["layer"] for entry in budget["layers"] if entry["class"] == "demanding"
        ]
        worst = max(results["damage"], key=lambda entry: entry["token_disagreement"])["layer"]
        self.assertEqual(demanding, [worst])
        self.assertEqual(budget["rule"]["statistic"], "damage")
        info = self.kvscope_json("info", self.cells / "results.json")
        self.assertEqual(info["kind"], "sweep")
        self.assertEqual(len(info["cells"]), 1 + 12)

        # The finished cells are read again, held against the damage itself.
        measured = self.path("measured.json")
        shutil.copy(self.cells / "results.json", measured)
        self.kvscope(*self.sweep("--single-layers", "--damage", measured))
        itself = [
            entry["rank_correlation"] for entry in self.results()["correlations"]
            if (entry["statistic"], entry["measure"]) == ("damage", "token_disagreement")
        ]
        self.assertEqual(len(itself), 1)
        self.assertAlmostEqual(itself[0], 1.0)

    def test_own_budgets_are_cells_and_plan_takes_the_best(self):
        self.kvscope("plan", self.path("base.h5"), "--ratio", 0.2, "--statistic", "last", "-o",
                     self.path("mine.json"))
        # Another budget under a name that a cell has.
        twin = pathlib.Path(self.path("last_0.3.json"))
        shutil.copy(self.path("mine.json"), twin)
        cells = ["--ratios", "0.3", "--statistics", "first,last", "--no-score"]
        cause = self.refused(2, *self.sweep(*cells, "--budgets", twin))
        self.assertIn("last_0.3", cause)
        tiny = self.path("tiny.json")
        self.kvscope("plan", "--model", "d16", "--statistic", "uniform", "--ratio", 0.2, "-o", tiny)
        self.assertIn("tiny.json", self.refused(3, *self.sweep(*cells, "--budgets", tiny)))
        self.assertEqual(list(self.cells.glob("*.h5")), [])

        command = self.sweep(*cells, "--budgets", self.path("mine.json"))
        self.kvscope(*command)
        results = self.results()
        self.assertEqual([cell["name"] for cell in results["cells"]],
                         ["vanilla", "first_0.3", "last_0.3", "mine"])
        before = self.finished()
        self.kvscope(*command)
        self.assertEqual(self.finished(), before)

        by_tokens = max(results["cells"][1:], key=lambda cell: cell["token_agreement"])
        self.assertEqual([cell["name"] for cell in results["cells"] if cell["best"]],
                         [by_tokens["name"]])
        self.assertEqual(by_tokens["best"], [{"ratio": 0.3, "by": "tokens"}])
        best = self.start("plan", "--best", self.cells / "results.json", "--ratio", 0.35, "-o",
                          self.path("best.json"))
        self.assertEqual(best.returncode, 0, best.stderr)
        self.assertIn(f"{by_tokens['name']} is the best of 3 cells", best.stdout)
        taken = json.loads(pathlib.Path(self.path("best.json")).read_text())
        measured = json.loads((self.cells / f"{by_tokens['name']}.json").read_text())
        self.assertEqual(taken, measured)
        self.assertIn("--ratio", self.refused(2, "plan", "--best", self.cells / "results.json"))
        cause = self.refused(1, "plan", "--best", self.cells / "results.json", "--ratio", 0.1)
        self.assertIn("the smallest that was measured", cause)

        shown = self.kvscope("plan", self.path("base.h5"), "--ratio", 0.3, "--statistic", "first",
                             "--sweep", self.cells / "results.json")
        figures = {cell["statistic"]: cell["token_agreement"] for cell in results["cells"]}
        better = figures["last"] > figures["first"]
        self.assertIn("last measured better" if better else "no other statistic", shown)

        # Alone, they are all that is run.
        self.kvscope("sweep", self.path("base.h5"), "--model", DEMO, *DRAW, "--no-score",
                     "--budgets", self.path("mine.json"), "-o", self.path("alone"))
        self.assertEqual({path.stem for path in pathlib.Path(self.path("alone")).glob("*.h5")},
                         {"vanilla", "mine"})

    def test_a_ratio_out_of_reach_names_the_smallest_and_the_others_run(self):
        done = self.start(*self.sweep("--ratios", "0.2,0.001", "--statistics", "last", "--no-score"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("the smallest reachable ratio", done.stderr)
        results = self.results()
        self.assertEqual([cell["name"] for cell in results["cells"]], ["vanilla", "last_0.2"])
        self.assertEqual([cell["name"] for cell in results["unreachable"]], ["last_0.001"])
        self.assertIsNone(results["cells"][1]["class_accuracy"])

    def test_mistakes_are_named_before_anything_runs(self):
        cause = self.refused(2, *self.sweep("--statistics", "cosine-key,unifrom"))
        self.assertIn("'uniform'", cause)
        self.assertIn("--damage", self.refused(2, *self.sweep("--statistics", "damage")))
        self.refused(2, *self.sweep("--ratios", "1.5"))
        self.refused(2, *self.sweep("--single-layers", "--ratios", "0.2"))
        twice = self.refused(2, *self.sweep("--ratios", "0.2,0.20", "--statistics", "last"))
        self.assertIn("last_0.2", twice)
        self.assertIn(
            "--damage", self.refused(2, *self.sweep("--statistics", "last", "--damage", "none.json"))
        )
        self.assertEqual(list(self.cells.glob("*.h5")), [])

    def test_what_stands_in_the_way_is_kept(self):
        self.cells.write_text("precious")
        self.assertIn("a folder", self.refused(1, *self.sweep("--statistics", "last")))
        self.assertEqual(self.cells.read_text(), "precious")
        self.cells.unlink()
        (self.cells / "last_0.4.h5").mkdir(parents=True)
        for force in ([], ["--force"]):
            self.assertIn("last_0.4.h5", self.refused(1, *self.sweep("--statistics", "last", *force)))
        self.assertEqual(list(self.cells.glob("vanilla*")), [])
        (self.cells / "last_0.4.h5").rmdir()
        (self.cells / "last_0.4.h5").write_text("precious")
        self.assertIn("--force", self.refused(1, *self.sweep("--statistics", "last")))
        self.assertEqual((self.cells / "last_0.4.h5").read_text(), "precious")
        (self.cells / "last_0.4.h5").unlink()
        for name in ("last_0.4.images/a.png", "last_0.4.json", "results.json"):
            path = self.cells / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("precious")
            cause = self.refused(1, *self.sweep("--statistics", "last"))
            self.assertIn(name.split("/")[0], cause)
            self.assertIn("--force", cause)
            self.assertEqual(path.read_text(), "precious")
        self.assertEqual(list(self.cells.glob("vanilla*")), [])


if __name__ == "__main__":
    unittest.main()
