"""Pictures behind which a value was NaN or infinite: counted, told, and in no figure."""

import json
import pathlib
import shutil
import sys
import unittest

import h5py
import numpy as np

from kvscope_cli import DEMO, GOLDEN, ROOT, CliTest

sys.path.insert(0, str(ROOT / "scripts"))
import safetensors_io

DRAW = ["--samples", 2, "--batch", 2, "--seed", 7]


class Overflow(CliTest):
    """A decoder whose activations pass 65504: pictures in fp32 and bf16, none in fp16."""

    def setUp(self):
        super().setUp()
        self.model = self.folder / "model"
        shutil.copytree(GOLDEN / "var_parity", self.model)
        weights = safetensors_io.load(self.model / "weights.safetensors")
        name = "vae.decoder.conv_in.weight"
        weights[name] = weights[name].float() * 1e7
        safetensors_io.save(self.model / "weights.safetensors", weights)

    def run_as(self, dtype, *command):
        return self.start(*command, "--model", self.model, *DRAW, "--dtype", dtype, "-o",
                          self.path(f"{dtype}.h5"))

    def test_black_pictures_do_not_pass_for_a_result(self):
        self.assertEqual(self.run_as("fp32", "run").returncode, 0)
        done = self.run_as("fp16", "run")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("fp16.h5: 2 nonfinite_images", done.stderr)

        sound, spoiled = self.path("fp32.h5"), self.path("fp16.h5")
        info = self.kvscope_json("info", spoiled)
        self.assertEqual(info["losses"]["nonfinite_images"], 2)
        self.assertEqual(info["nonfinite_image_samples"], [0, 1])
        self.assertEqual(self.kvscope_json("info", sound)["losses"]["nonfinite_images"], 0)
        with h5py.File(spoiled) as file:
            self.assertTrue((file["samples/nonfinite_image_values"][()] > 0).all())

        comparison = self.kvscope_json("compare", sound, spoiled)
        self.assertEqual([loss["what"] for loss in comparison["problems"]], ["2 nonfinite_images"])
        images = comparison["files"][1]["against_baseline"]["images"]
        self.assertIn("all 2 samples", images["not_comparable"])
        self.assertNotIn("PSNR mean", self.kvscope("compare", sound, spoiled))
        self.kvscope("report", sound, spoiled, "-o", self.path("report.html"))
        page = pathlib.Path(self.path("report.html")).read_text()
        self.assertIn("2 nonfinite_images", page)
        cause = self.refused(3, "export", spoiled, "--npz", self.path("images.npz"))
        self.assertIn("NaN or infinity", cause)

    def test_a_capture_counts_them_and_its_analysis_keeps_the_count(self):
        done = self.run_as("fp16", "capture", "--store", "reduced")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("2 nonfinite_images", done.stderr)
        self.kvscope("analyze", self.path("fp16.h5"), "-o", self.path("analysis.h5"))
        info = self.kvscope_json("info", self.path("analysis.h5"))
        self.assertEqual(info["losses"]["nonfinite_images"], 2)
        self.assertEqual(info["nonfinite_image_samples"], [0, 1])


class OneOfFour(CliTest):
    """Sample 1 of a.h5 is marked as one that was not finite; its picture is sound all the same, so that
    every figure which still holds it is seen to differ."""

    RUN = ["run", "--model", DEMO, "--samples", 4, "--batch", 2, "--seed", 7]

    def setUp(self):
        super().setUp()
        self.kvscope(*self.RUN, "-o", self.path("b.h5"))
        self.kvscope(*self.RUN, "-o", self.path("a.h5"))
        self.mark(self.path("a.h5"))

    def mark(self, path):
        with h5py.File(path, "r+") as file:
            file["samples/nonfinite_image_values"][1] = 7

    def test_compare_leaves_it_out_and_says_so(self):
        for files in (["a.h5", "b.h5"], ["b.h5", "a.h5"]):
            comparison = self.kvscope_json("compare", *map(self.path, files))
            images = comparison["files"][1]["against_baseline"]["images"]
            self.assertEqual((images["compared"], images["nonfinite"]), (3, 1))
            self.assertEqual([image["sample"] for image in images["images"]], [0, 2, 3])
            self.assertIn("1 images", [item["what"] for item in comparison["not_comparable"]])
            self.assertIn("not finite", self.kvscope("compare", *map(self.path, files)))

    def test_scores_leave_it_out_and_say_so(self):
        done = self.start("score", self.path("a.h5"), "--json")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("a.h5: 1 nonfinite_images", done.stderr)
        scores = json.loads(done.stdout)
        self.assertEqual((scores["samples"], scores["nonfinite_images"]), (3, 1))
        self.assertEqual(sum(entry["samples"] for entry in scores["classes"]), 3)
        self.kvscope("score", self.path("b.h5"))
        table = self.kvscope("compare", self.path("b.h5"), self.path("a.h5"))
        self.assertRegex(table, r"\nnot finite +0 +1\n")
        comparison = self.kvscope_json("compare", self.path("b.h5"), self.path("a.h5"))
        self.assertIn("different numbers of samples: 4 and 3",
                      [item["why"].split(";")[0] for item in comparison["not_comparable"]])

    def test_exported_images_leave_it_out_and_say_so(self):
        done = self.start("export", self.path("a.h5"), "--npz", self.path("images.npz"), "--json")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("samples 1", done.stderr)
        summary = json.loads(done.stdout)
        self.assertEqual((summary["images"], summary["left_out"]), (3, [1]))
        archive = np.load(self.path("images.npz"))
        self.assertEqual(archive["arr_0"].shape[0], 3)
        self.assertEqual(sorted(archive["sample"]), [0, 2, 3])
        self.assertEqual(list(archive["left_out"]), [1])

    def test_samples_left_out_are_named_as_the_run_counts_them(self):
        self.kvscope(*self.RUN, "--first-sample", 4, "-o", self.path("c.h5"))
        self.mark(self.path("c.h5"))
        done = self.start("export", self.path("c.h5"), "--npz", self.path("images.npz"))
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("samples 5", done.stderr)
        self.assertEqual(list(np.load(self.path("images.npz"))["left_out"]), [5])
        self.assertEqual(self.kvscope_json("info", self.path("c.h5"))["nonfinite_image_samples"], [5])

    def test_a_sweep_leaves_it_out_and_says_so(self):
        self.kvscope("capture", *self.RUN[1:], "--store", "reduced", "-o", self.path("base.h5"))
        sweep = ["sweep", self.path("base.h5"), *self.RUN[1:], "--ratios", "0.3", "--statistics",
                 "last", "-o", self.path("sweep")]
        self.kvscope(*sweep)
        before = self.cell()
        self.mark(self.path("sweep/last_0.3.h5"))
        done = self.start(*sweep)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("last_0.3: 1 nonfinite_images", done.stderr)
        after = self.cell()
        self.assertEqual((before["nonfinite_images"], after["nonfinite_images"]), (0, 1))
        self.assertNotEqual(before["psnr_mean_db"], after["psnr_mean_db"])

    def cell(self):
        return json.loads(pathlib.Path(self.path("sweep/results.json")).read_text())["cells"][1]


if __name__ == "__main__":
    unittest.main()
