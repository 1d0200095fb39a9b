"""Scores of the demo model's images: stored by a run, made later, compared, and refused."""

import json
import pathlib
import shutil
import unittest

import h5py
import numpy as np

from kvscope_cli import DEMO, GOLDEN, CliTest
from scorers import write_demo_scorer

RUN = ["run", "--model", DEMO, "--seed", 7, "--labels", "3,7", "--samples", 5, "--batch", 2]


class ScoreTest(CliTest):
    def setUp(self):
        super().setUp()
        self.scorer = self.folder / "scorer"
        write_demo_scorer(self.scorer)

    def run_scored(self, name, *options):
        return self.kvscope_json(*RUN, "--score", "--scorer", self.scorer, *options, "-o",
                                 self.path(name))["scores"]


class Score(ScoreTest):
    def test_a_run_stores_what_scoring_its_file_gives(self):
        stored = self.run_scored("a.h5")
        # The default batch holds all five images, the run's two.
        later = self.kvscope_json("score", self.path("a.h5"), "--scorer", self.scorer)
        self.assertEqual(later.pop("file"), self.path("a.h5.scores.json"))
        self.assertEqual(json.loads(pathlib.Path(self.path("a.h5.scores.json")).read_text()), later)
        self.assertEqual(stored["classes"], later["classes"])
        self.assertEqual(stored["class_accuracy"], later["class_accuracy"])
        for figure in ("value", "low", "high"):
            # fp32 sums depend on the batch; the distance takes differences of what they give.
            self.assertAlmostEqual(stored["demo_frechet_distance"][figure],
                                   later["demo_frechet_distance"][figure],
                                   delta=1e-4 * stored["demo_frechet_distance"]["value"])
        self.assertEqual(self.kvscope_json("info", self.path("a.h5"))["scores"], stored)
        self.assertEqual(self.kvscope_json("info", self.path("a.h5.scores.json"))["kind"], "scores")

    def test_the_embedded_scorer_recognises_the_demo(self):
        scores = self.kvscope_json(*RUN, "--score", "-o", self.path("a.h5"))["scores"]
        self.assertEqual(scores["scorer"]["name"], "demo-scorer")
        # It recognises 99 of 100: two misses in five would be another network.
        self.assertGreaterEqual(scores["class_accuracy"]["value"], 0.8)

    def test_the_file_holds_the_predicted_classes(self):
        stored = self.run_scored("a.h5")
        with h5py.File(self.path("a.h5")) as file:
            hits = file["samples/predicted_class"][()] == file["samples/label"][()]
            self.assertEqual(np.mean(hits), stored["class_accuracy"]["value"])
            self.assertEqual(file["scores/demo_frechet_distance"][0],
                             stored["demo_frechet_distance"]["value"])
            self.assertEqual([name.decode() for name in file["estimate"]], ["value", "low", "high"])

    def test_scoring_changes_no_result(self):
        self.run_scored("a.h5")
        self.kvscope(*RUN, "-o", self.path("b.h5"))
        with h5py.File(self.path("a.h5")) as a, h5py.File(self.path("b.h5")) as b:
            np.testing.assert_array_equal(a["samples/token_ids"], b["samples/token_ids"])
            np.testing.assert_array_equal(a["samples/preview"], b["samples/preview"])

    def test_a_capture_can_be_scored_and_analyzed(self):
        self.kvscope("capture", *RUN[1:], "--store", "reduced", "--score", "--scorer", self.scorer,
                     "-o", self.path("a.h5"))
        self.kvscope("analyze", self.path("a.h5"), "-o", self.path("a.analysis.h5"))
        self.assertIsNotNone(self.kvscope_json("info", self.path("a.h5"))["scores"])
        self.assertIsNone(self.kvscope_json("info", self.path("a.analysis.h5"))["scores"])

    def test_compare_and_report_show_scores_of_the_same_capture(self):
        self.run_scored("a.h5")
        for name in ("b.h5", "c.h5"):
            self.kvscope(*RUN, "-o", self.path(name))
        self.kvscope("score", self.path("b.h5"), "--scorer", self.scorer)
        shutil.copy(self.path("b.h5.scores.json"), self.path("c.h5.scores.json"))
        files = [self.path(name) for name in ("a.h5", "b.h5", "c.h5")]
        comparison = self.kvscope_json("compare", *files)
        a, b, c = (file["scores"] for file in comparison["files"])
        self.assertEqual((a["samples"], b["samples"]), (5, 5))
        self.assertIn("c.h5.scores.json", c["not_available"])
        self.assertIn({"files": "c.h5", "what": "scores", "why": c["not_available"]},
                      comparison["not_comparable"])
        for path, shown in zip(files, (a, b, c)):
            self.assertEqual(self.kvscope_json("info", path)["scores"], shown)
        for form in ([], ["--markdown"], ["--csv"]):
            self.assertIn("demo Fréchet distance", self.kvscope("compare", *files, *form))
        self.kvscope("report", *files, "-o", self.path("report.html"))
        self.assertIn("demo Fréchet distance", pathlib.Path(self.path("report.html")).read_text())


class UnevenClasses(ScoreTest):
    """Class 3 three times and class 7 twice is no draw of ten classes, and far from one."""

    UNEVEN = "3 samples of class 3 and 0 of class 0: the demo Fréchet distance"

    def test_a_run_warns_once(self):
        done = self.start(*RUN, "--score", "--scorer", self.scorer, "-o", self.path("a.h5"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count(f"warning: --labels: {self.UNEVEN}"), 1, done.stderr)

    def test_scoring_later_warns_once(self):
        self.assertNotIn("Fréchet", self.start(*RUN, "-o", self.path("a.h5")).stderr)
        done = self.start("score", self.path("a.h5"), "--scorer", self.scorer)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count(self.UNEVEN), 1, done.stderr)
        self.assertIn("a.h5: 3 samples", done.stderr)

    def test_classes_in_turn_are_even(self):
        done = self.start("run", "--model", DEMO, "--samples", 12, "--batch", 6, "--score",
                          "--scorer", self.scorer, "-o", self.path("a.h5"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("warning", done.stderr)


class BadScore(ScoreTest):
    def test_images_that_are_gone_are_counted(self):
        self.kvscope(*RUN, "-o", self.path("a.h5"))
        (self.folder / "a.images" / "000003.png").unlink()
        done = self.start("score", self.path("a.h5"), "--scorer", self.scorer, "--json")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("1 of 5 images", done.stderr)
        scores = json.loads(done.stdout)
        self.assertEqual((scores["samples"], scores["unreadable_images"]), (4, 1))
        shutil.rmtree(self.folder / "a.images")
        cause = self.refused(3, "score", self.path("a.h5"), "--scorer", self.scorer, "--force")
        self.assertIn("at least one image", cause)

    def test_a_model_that_the_scorer_does_not_know(self):
        model = GOLDEN / "var_parity"
        draw = ["run", "--model", model, "--samples", 1]
        cause = self.refused(3, *draw, "--score", "--scorer", self.scorer, "-o", self.path("a.h5"))
        self.assertIn("--npz", cause)
        self.assertFalse((self.folder / "a.h5.partial").exists())
        self.kvscope(*draw, "-o", self.path("a.h5"))
        cause = self.refused(3, "score", self.path("a.h5"), "--scorer", self.scorer)
        self.assertIn("the only pictures that random-scorer knows", cause)
        self.assertIn("--npz", cause)

    def test_samples_that_no_class_was_asked_for(self):
        draw = ["run", "--model", DEMO, "--labels", "3,10", "-o", self.path("a.h5")]
        cause = self.refused(2, *draw, "--score", "--scorer", self.scorer)
        for part in ("--labels", "--score", "got 10"):
            self.assertIn(part, cause)
        self.kvscope(*draw)
        cause = self.refused(3, "score", self.path("a.h5"), "--scorer", self.scorer)
        self.assertIn("got 10", cause)

    def test_a_damaged_scorer(self):
        weights = self.scorer / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:-8])
        cause = self.refused(3, *RUN, "--score", "--scorer", self.scorer, "-o", self.path("a.h5"))
        self.assertIn("weights.safetensors", cause)
        cause = self.refused(3, *RUN, "--score", "--scorer", self.path("none"), "-o",
                             self.path("a.h5"))
        self.assertIn("scorer.json", cause)

    def test_existing_scores_are_kept(self):
        self.kvscope(*RUN, "-o", self.path("a.h5"))
        path = self.folder / "a.h5.scores.json"
        path.write_text("precious")
        cause = self.refused(1, "score", self.path("a.h5"), "--scorer", self.scorer)
        self.assertIn("--force", cause)
        self.assertEqual(path.read_text(), "precious")

    def test_a_scorer_without_scoring(self):
        self.assertIn("--score", self.refused(2, *RUN, "--scorer", self.scorer, "-o",
                                              self.path("a.h5")))


if __name__ == "__main__":
    unittest.main()
