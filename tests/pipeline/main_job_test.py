"""The main job on the demo model: capture, analyze, plan, run, compare, report, export."""

import csv
import json
import pathlib
import subprocess
import unittest

import h5py
import numpy as np

from kvscope_cli import DEMO, KVSCOPE, CliTest, pixels

SHARED = ["--model", DEMO, "--seed", 7]


def datasets(path, group):
    """Every dataset below `group`, by name."""
    found = {}
    with h5py.File(path) as file:
        file[group].visititems(
            lambda name, item: found.update({name: item[()]})
            if isinstance(item, h5py.Dataset)
            else None
        )
    return found


def read(path, name):
    with h5py.File(path) as file:
        return file[name][()]


class MainJob(CliTest):
    def test_instrumentation_changes_no_result(self):
        draw = [*SHARED, "--samples", 4, "--batch", 2]
        self.kvscope("run", *draw, "-o", self.path("run.h5"))
        self.kvscope("capture", *draw, "--store", "raw", "-o", self.path("raw.h5"))
        self.kvscope("capture", *draw, "--store", "reduced", "-o", self.path("reduced.h5"))
        for name in ("raw", "reduced"):
            np.testing.assert_array_equal(
                read(self.path("run.h5"), "samples/token_ids"),
                read(self.path(f"{name}.h5"), "samples/token_ids"),
            )
            for sample in range(4):
                image = f"images/{sample:06}.png"
                self.assertEqual(
                    pixels(self.path(f"run.{image}")), pixels(self.path(f"{name}.{image}"))
                )

    def test_vanilla_and_budget_in_turn_give_what_they_give_alone(self):
        draw = [*SHARED, "--samples", 4, "--batch", 2]
        budget = self.path("b.json")
        self.kvscope("plan", "--model", DEMO, "--statistic", "uniform", "--ratio", 0.2, "-o", budget)
        self.kvscope("run", *draw, "-o", self.path("vanilla.h5"))
        self.kvscope("run", *draw, "--budget", budget, "-o", self.path("ams.h5"))
        turns = [self.path("turns.vanilla.h5"), self.path("turns.ams.h5")]
        self.kvscope("run", *draw, "--budget", budget, "--warmup", 1, "--vanilla", turns[0],
                     "-o", turns[1])
        for alone, in_turn in zip(("vanilla", "ams"), turns):
            for name in ("samples/token_ids", "samples/preview", "ledger/logical_bytes",
                         "ledger/resident_bytes"):
                np.testing.assert_array_equal(read(self.path(f"{alone}.h5"), name),
                                              read(in_turn, name), name)
        comparison = self.kvscope_json("compare", *turns)
        self.assertIn("module_ratio", comparison["files"][1]["against_baseline"]["latency"])
        self.assertEqual(comparison["files"][0]["policy"], "vanilla")
        self.refused(2, "run", *draw, "--vanilla", self.path("v.h5"), "-o", self.path("a.h5"))
        line = self.refused(2, "run", *draw, "--budget", budget, "--vanilla", self.path("a.h5"),
                            "-o", self.path("a.h5"))
        self.assertIn("another file", line)

    def test_reduced_statistics_equal_those_of_raw_values(self):
        draw = [*SHARED, "--samples", 4, "--batch", 2]
        self.kvscope("capture", *draw, "--store", "reduced", "-o", self.path("reduced.h5"))
        self.kvscope(
            "capture", *draw, "--store", "raw", "--kv-dtype", "fp32", "-o", self.path("raw.h5")
        )
        self.kvscope("analyze", self.path("raw.h5"), "-o", self.path("raw.analysis.h5"))
        raw = datasets(self.path("raw.analysis.h5"), "analysis")
        reduced = datasets(self.path("reduced.h5"), "analysis")
        self.assertEqual(set(raw), set(reduced))
        for name in raw:
            np.testing.assert_array_equal(raw[name], reduced[name], err_msg=name)

    def test_captures_of_parts_merge_to_the_bytes_of_one_capture(self):
        part = [*SHARED, "--batch", 2, "--store", "raw"]
        self.kvscope("capture", *part, "--samples", 4, "-o", self.path("whole.h5"))
        self.kvscope("capture", *part, "--samples", 2, "-o", self.path("a.h5"))
        self.kvscope(
            "capture", *part, "--samples", 2, "--first-sample", 2, "-o", self.path("b.h5")
        )
        self.kvscope("analyze", self.path("whole.h5"), "-o", self.path("whole.analysis.h5"))
        self.kvscope(
            "analyze", self.path("a.h5"), self.path("b.h5"), "-o", self.path("ab.analysis.h5")
        )
        whole = datasets(self.path("whole.analysis.h5"), "analysis")
        merged = datasets(self.path("ab.analysis.h5"), "analysis")
        self.assertEqual(set(whole), set(merged))
        for name in whole:
            self.assertEqual(whole[name].tobytes(), merged[name].tobytes(), name)
        # A shell lists shards in any order: the whole is the same, and every sample keeps its index.
        self.kvscope(
            "analyze", self.path("b.h5"), self.path("a.h5"), "-o", self.path("ba.analysis.h5")
        )
        for group in ("analysis", "samples"):
            one, other = (datasets(self.path(f"{name}.analysis.h5"), group) for name in ("ab", "ba"))
            for name in one:
                self.assertEqual(one[name].tobytes(), other[name].tobytes(), name)
        np.testing.assert_array_equal(read(self.path("ba.analysis.h5"), "sample"), range(4))
        self.kvscope(
            "capture", *part, "--samples", 2, "--first-sample", 10, "-o", self.path("c.h5")
        )
        self.kvscope(
            "analyze", self.path("c.h5"), self.path("a.h5"), "-o", self.path("hole.analysis.h5")
        )
        np.testing.assert_array_equal(
            read(self.path("hole.analysis.h5"), "sample"), [0, 1, 10, 11]
        )
        np.testing.assert_array_equal(
            read(self.path("hole.analysis.h5"), "samples/label"), [0, 1, 0, 1]
        )
        info = self.kvscope_json("info", self.path("ab.analysis.h5"))
        self.assertEqual(len(info["source_ids"]), 2)
        self.assertEqual(info["settings_are_of"], info["source_ids"][0])

    def test_plan_run_and_compare_agree_on_bytes(self):
        draw = [*SHARED, "--samples", 4, "--batch", 4]
        self.kvscope("capture", *draw, "--store", "reduced", "-o", self.path("base.h5"))
        self.kvscope(
            "plan", self.path("base.h5"), "--ratio", 0.2, "--of", "read", "-o", self.path("b.json")
        )
        self.kvscope("run", *draw, "-o", self.path("vanilla.h5"))
        planned = self.start(
            "run", *draw, "--budget", self.path("b.json"), "-o", self.path("ams.h5")
        )
        self.assertEqual(planned.returncode, 0, planned.stderr)
        self.assertNotIn("warning", planned.stderr)

        # 424 of 680 tokens, 12 layers, 3 heads of 64, 8 rows, K and V in fp32.
        read_bytes = 424 * 12 * 3 * 64 * 8 * (4 + 4)
        vanilla = read(self.path("vanilla.h5"), "ledger/logical_bytes").sum(axis=0)
        budget = read(self.path("ams.h5"), "ledger/logical_bytes").sum(axis=0)
        self.assertEqual(vanilla.max(), read_bytes)
        self.assertLessEqual(budget.max(), 0.2 * read_bytes)
        self.assertGreater(budget.max(), 0.19 * read_bytes)
        resident = read(self.path("ams.h5"), "ledger/resident_bytes").sum(axis=0)
        self.assertTrue((resident >= budget).all())

        written = json.loads(pathlib.Path(self.path("b.json")).read_text())
        expected = written["expected"]
        self.assertAlmostEqual(expected["ratio_of_read"], budget.max() / read_bytes, places=9)

        self.assertTrue(self.kvscope_json("info", self.path("b.json"))["expected_holds"])

        written["layers"][0] = {
            "layer": 0, "class": "efficient", "condensed_scales": 2, "local_scales": 1
        }
        pathlib.Path(self.path("edited.json")).write_text(json.dumps(written))
        self.assertFalse(self.kvscope_json("info", self.path("edited.json"))["expected_holds"])
        edited = self.start(
            "run", *draw, "--budget", self.path("edited.json"), "-o", self.path("edited.h5")
        )
        self.assertEqual(edited.returncode, 0, edited.stderr)
        self.assertIn("expected.logical_peak_bytes", edited.stderr)

        table = self.kvscope("compare", self.path("vanilla.h5"), self.path("ams.h5"))
        self.assertIn("read", table)
        self.assertIn("37.6", table)
        for form in ("--csv", "--markdown", "--json"):
            self.assertTrue(self.kvscope("compare", self.path("vanilla.h5"), self.path("ams.h5"), form))

        self.kvscope(
            "report", self.path("vanilla.h5"), self.path("ams.h5"), self.path("base.h5"),
            "-o", self.path("report.html"),
        )
        page = pathlib.Path(self.path("report.html")).read_text()
        self.assertIn("<svg", page)
        self.assertNotIn("http://", page.replace("http://www.w3.org", ""))

    def test_same_seed_gives_the_same_file_contents(self):
        draw = [*SHARED, "--labels", "3,7", "--batch", 2, "--store", "reduced"]
        self.kvscope("capture", *draw, "-o", self.path("a.h5"))
        self.kvscope("capture", *draw, "-o", self.path("b.h5"))
        for group in ("samples", "analysis", "ledger"):
            a, b = datasets(self.path("a.h5"), group), datasets(self.path("b.h5"), group)
            self.assertEqual(set(a), set(b))
            for name in a:
                self.assertEqual(a[name].tobytes(), b[name].tobytes(), name)

    def test_kept_subset_is_the_same_data(self):
        draw = [*SHARED, "--samples", 2, "--batch", 2, "--store", "raw"]
        self.kvscope("capture", *draw, "-o", self.path("all.h5"))
        self.kvscope(
            "capture", *draw, "--keep-layers", "1,5", "--keep-heads", "2", "--keep-scales", "0,9",
            "--keep-samples", "1", "-o", self.path("some.h5"),
        )
        with h5py.File(self.path("all.h5")) as whole, h5py.File(self.path("some.h5")) as part:
            self.assertEqual(sorted(key for key in part["kv"] if key.startswith("layer")),
                             ["layer_01", "layer_05"])
            tokens = np.r_[0, 424:680]
            for tensor in ("key", "value"):
                np.testing.assert_array_equal(
                    whole[f"kv/layer_05/{tensor}"][1:2, :, 2:3][:, :, :, tokens],
                    part[f"kv/layer_05/{tensor}"][()],
                )

    def test_draws_per_sample_do_not_depend_on_the_batch(self):
        draw = [*SHARED, "--samples", 4, "--rng", "per-sample"]
        self.kvscope("run", *draw, "--batch", 4, "-o", self.path("four.h5"))
        self.kvscope("run", *draw, "--batch", 2, "-o", self.path("two.h5"))
        np.testing.assert_array_equal(
            read(self.path("four.h5"), "samples/token_ids"),
            read(self.path("two.h5"), "samples/token_ids"),
        )

    def test_exported_images_are_those_of_the_run(self):
        self.kvscope("run", *SHARED, "--samples", 3, "-o", self.path("run.h5"))
        summary = self.kvscope_json(
            "export", self.path("run.h5"), "--npz", self.path("images.npz"), "--shuffle-seed", 5
        )
        self.assertEqual((summary["images"], summary["shuffle_seed"]), (3, 5))
        archive = np.load(self.path("images.npz"))
        self.assertEqual(archive["arr_0"].shape, (3, 64, 64, 3))
        self.assertEqual(archive["arr_0"].dtype, np.uint8)
        self.assertEqual(archive["shuffle_seed"][0], 5)
        previews = read(self.path("run.h5"), "samples/preview")
        for image, sample in zip(archive["arr_0"], archive["sample"]):
            np.testing.assert_array_equal(image, previews[sample])

    def test_a_sample_has_one_number_everywhere(self):
        draw = [*SHARED, "--batch", 2]
        self.kvscope("run", *draw, "--samples", 8, "-o", self.path("whole.h5"))
        self.kvscope("run", *draw, "--samples", 6, "--first-sample", 4, "-o", self.path("shard.h5"))
        names = sorted(image.name for image in pathlib.Path(self.path("shard.images")).iterdir())
        self.assertEqual(names, [f"{sample:06}.png" for sample in range(4, 10)])
        self.kvscope("export", self.path("shard.h5"), "--npz", self.path("shard.npz"))
        archive = np.load(self.path("shard.npz"))
        self.assertEqual(sorted(archive["sample"]), list(range(4, 10)))
        previews = read(self.path("shard.h5"), "samples/preview")
        for image, sample in zip(archive["arr_0"], archive["sample"]):
            np.testing.assert_array_equal(image, previews[sample - 4])
        against = self.kvscope_json("compare", self.path("whole.h5"), self.path("shard.h5"))
        compared = against["files"][1]["against_baseline"]
        self.assertEqual(compared["tokens"], {"samples": 4, "equal": 1, "equal_by_scale": [1] * 10})
        self.assertEqual(compared["images"]["identical"], 4)
        self.assertEqual([image["sample"] for image in compared["images"]["images"]], [4, 5, 6, 7])

        kept = ["capture", *draw, "--samples", 4, "--first-sample", 4, "--keep-samples"]
        self.assertIn("expected samples 4 to 7, got 1", self.refused(2, *kept, "1", "-o", self.path("k.h5")))
        self.kvscope(*kept, "6", "-o", self.path("k.h5"))
        np.testing.assert_array_equal(read(self.path("k.h5"), "kv/sample"), [6])
        info = self.kvscope_json("info", self.path("k.h5"))
        self.assertEqual(info["settings"]["keep"]["samples"], [6])

    def test_files_of_like_names_keep_their_own_images(self):
        draw = [*SHARED, "--samples", 2, "--batch", 2]
        for seed, name in enumerate(("z.h5", "z", "z.hdf5", "ams0.2", "ams0.9", "z.txt"), 1):
            self.kvscope("run", *draw[:2], "--seed", seed, *draw[4:], "-o", self.path(name), "--force")
        for name in ("z.h5", "z", "z.hdf5", "ams0.2", "ams0.9", "z.txt"):
            self.kvscope("export", self.path(name), "--npz", self.path("o.npz"), "--force")
            archive = np.load(self.path("o.npz"))
            previews = read(self.path(name), "samples/preview")
            for image, sample in zip(archive["arr_0"], archive["sample"]):
                np.testing.assert_array_equal(image, previews[sample], err_msg=name)

        # Through a link, and with the images of another file or none.
        pathlib.Path(self.path("latest.h5")).symlink_to("z.h5")
        self.kvscope("export", self.path("latest.h5"), "--npz", self.path("o.npz"), "--force")
        images = pathlib.Path(self.path("z.images"))
        images.rename(self.path("away"))
        cause = self.refused(3, "score", self.path("latest.h5"))
        for place in ("latest.images/000000.png", "z.images"):
            self.assertIn(place, cause)
        self.kvscope("report", self.path("latest.h5"), "-o", self.path("r.html"))
        page = pathlib.Path(self.path("r.html")).read_text()
        self.assertIn("2 of 2 images are absent", page)
        self.assertNotIn("nothing was lost", page)
        pathlib.Path(self.path("z-images")).rename(images)
        cause = self.refused(3, "export", self.path("z.h5"), "--npz", self.path("p.npz"))
        self.assertIn("got that of capture", cause)
        self.refused(3, "score", self.path("z.h5"))

    def test_exported_raw_values_lack_similarity_and_say_so(self):
        self.kvscope("capture", *SHARED, "--samples", 1, "--store", "raw", "-o", self.path("raw.h5"))
        done = self.start("export", self.path("raw.h5"), "--csv", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.splitlines()[1], "0,0,0,0,,,,,1,1,1")
        rows = list(csv.DictReader(done.stdout.splitlines()))
        sides = self.kvscope_json("info", self.path("raw.h5"))["model"]["patch_nums"]
        # One word each: mass counts the target's tokens, shares are parts of 1.
        for target, side in enumerate(sides):
            of_target = [row for row in rows if row["layer"] == "3" and row["head"] == "1"
                         and row["target"] == str(target)]
            # fp32 softmax weights, written with nine digits.
            self.assertAlmostEqual(sum(float(row["attention_mass"]) for row in of_target),
                                   side * side, delta=1e-4 * side * side)
            self.assertAlmostEqual(sum(float(row["attention_share"]) for row in of_target), 1,
                                   delta=1e-4)
        self.assertIn("kvscope analyze", done.stderr)

    def test_info_and_doctor_answer(self):
        self.kvscope("run", *SHARED, "--samples", 1, "-o", self.path("run.h5"))
        info = self.kvscope_json("info", self.path("run.h5"))
        self.assertEqual(info["committed_samples"], 1)
        self.assertTrue(info["complete"])
        self.assertIn("engine", self.kvscope("doctor"))

    def test_starting_up_loads_no_torch(self):
        libraries = subprocess.run(["ldd", KVSCOPE], capture_output=True, text=True).stdout
        self.assertIn("libc.so", libraries)
        self.assertNotIn("torch", libraries)


if __name__ == "__main__":
    unittest.main()
