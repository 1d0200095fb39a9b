"""Queries in a raw capture: with K they give the attention that the run measured."""

import json
import pathlib
import unittest

import h5py
import numpy as np

from kvscope_cli import GOLDEN, CliTest, pixels

TINY = GOLDEN / "var_parity"  # 2 layers, l2-normalised
PLAIN = GOLDEN / "shapes" / "no_l2_norm"
DRAW = ["--samples", 3, "--batch", 2, "--seed", 7, "--store", "raw"]


def scale_begins(file):
    sides = json.loads(file.attrs["model_config"])["patch_nums"]
    return np.concatenate([[0], np.cumsum(np.square(sides))])


def layer_mass(query, key, begins, read):
    """Of one layer's [sample, head, token, channel]: mean over samples of [head, target, source], in float64.
    `read[target, source]` says which sources the target reads."""
    scales = len(begins) - 1
    scale_of_token = np.repeat(np.arange(scales), np.diff(begins))
    mass = np.zeros((query.shape[1], scales, scales))
    for target in range(scales):
        own = slice(begins[target], begins[target + 1])
        sources = np.flatnonzero(read[target])
        keys = np.isin(scale_of_token, sources)
        scores = np.einsum("shqc,shkc->shqk", query[:, :, own], key[:, :, keys])
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        by_key = weights.sum(2).mean(0)
        for source in sources:
            mass[:, target, source] = by_key[:, scale_of_token[keys] == source].sum(-1)
    return mass


class Queries(CliTest):
    def capture(self, model, name, *options):
        self.kvscope("capture", "--model", model, *DRAW, *options, "-o", self.path(name))
        return self.path(name)

    def expect_mass_of_queries(self, path, relative):
        with h5py.File(path) as file:
            begins = scale_begins(file)
            mass = file["analysis/attention/mass"][()]
            density = file["analysis/attention/density"][()]
            for layer in range(mass.shape[0]):
                group = file[f"kv/layer_{layer:02}"]
                query, key = (group[name][:, 0].astype(np.float64) for name in ("query", "key"))
                recomputed = layer_mass(query, key, begins, (mass[layer] > 0).any(0))
                np.testing.assert_allclose(mass[layer], recomputed, rtol=relative, atol=1e-12)
                np.testing.assert_allclose(density[layer], recomputed / np.diff(begins),
                                           rtol=relative, atol=1e-12)

    # The run multiplies in float32. Scores reach 8 here, so that one of 64 channels is off by 8·2⁻²⁴·√64 ≈ 4e-6 at
    # most, and so is its weight, relatively. Queries left unscaled, or of the unconditional row, move the mass by
    # more than 0.2.
    def test_mass_and_density_follow_from_queries_and_keys(self):
        for model in (TINY, PLAIN):
            with self.subTest(model=model.name):
                path = self.capture(model, f"{model.name}.h5", "--keep-queries", "--kv-dtype", "fp32")
                self.expect_mass_of_queries(path, relative=1e-5)

    def test_mass_under_a_budget_too(self):
        config = json.loads((TINY / "config.json").read_text())
        budget = {
            "schema": "kvscope.budget/1",
            "policy": "ams-kv",
            "model": {"depth": config["depth"], "heads": config["heads"],
                      "head_dim": config["width"] // config["heads"],
                      "patch_nums": config["patch_nums"]},
            "layers": [{"layer": 0, "class": "demanding", "keep": "all"},
                       {"layer": 1, "class": "efficient", "condensed_scales": 2, "local_scales": 1}],
        }
        pathlib.Path(self.path("b.json")).write_text(json.dumps(budget))
        path = self.capture(TINY, "ams.h5", "--keep-queries", "--kv-dtype", "fp32", "--budget",
                            self.path("b.json"))
        with h5py.File(path) as file:
            self.assertFalse((file["analysis/attention/mass"][1] > 0).any(0)[5, 3])
        self.expect_mass_of_queries(path, relative=1e-5)

    def test_storing_queries_changes_no_result(self):
        with_q = self.capture(TINY, "q.h5", "--keep-queries")
        without = self.capture(TINY, "kv.h5")
        self.kvscope("run", "--model", TINY, *DRAW[:-2], "-o", self.path("run.h5"))
        with h5py.File(with_q) as q, h5py.File(without) as kv, h5py.File(self.path("run.h5")) as run:
            for name in ("key", "value"):
                np.testing.assert_array_equal(q[f"kv/layer_01/{name}"], kv[f"kv/layer_01/{name}"])
            self.assertNotIn("query", kv["kv/layer_01"])
            for other in (kv, run):
                np.testing.assert_array_equal(q["samples/token_ids"], other["samples/token_ids"])
        for sample in range(3):
            png = f"images/{sample:06}.png"
            self.assertEqual(pixels(self.path(f"q.{png}")), pixels(self.path(f"run.{png}")))

    def test_kept_subset_holds_for_queries_too(self):
        whole = self.capture(TINY, "all.h5", "--keep-queries", "--kv-dtype", "bf16")
        part = self.capture(TINY, "some.h5", "--keep-queries", "--kv-dtype", "bf16", "--keep-layers",
                            "1", "--keep-heads", "1", "--keep-scales", "0,9", "--keep-samples", "1")
        tokens = np.r_[0, 424:680]
        with h5py.File(whole) as all_of_it, h5py.File(part) as some:
            self.assertEqual(sorted(name for name in some["kv"] if name.startswith("layer")),
                             ["layer_01"])
            query = some["kv/layer_01/query"]
            self.assertEqual(query.attrs["logical_dtype"], b"bfloat16")
            self.assertEqual([dim.label for dim in query.dims], [dim.label for dim in
                             some["kv/layer_01/key"].dims])
            np.testing.assert_array_equal(
                all_of_it["kv/layer_01/query"][1:2, :, 1:2][:, :, :, tokens], query[()])

    def test_info_and_report_say_that_they_are_there(self):
        with_q = self.capture(TINY, "q.h5", "--keep-queries")
        without = self.capture(TINY, "kv.h5")
        self.assertTrue(self.kvscope_json("info", with_q)["raw_queries"])
        self.assertFalse(self.kvscope_json("info", without)["raw_queries"])
        self.kvscope("report", without, with_q, "-o", self.path("report.html"))
        page = pathlib.Path(self.path("report.html")).read_text()
        self.assertIn("raw_queries", page)
        self.assertIn("--keep-queries", page)

    def test_an_analysis_has_none_and_works(self):
        with_q = self.capture(TINY, "q.h5", "--keep-queries")
        self.kvscope("analyze", with_q, "-o", self.path("q.analysis.h5"))
        self.assertFalse(self.kvscope_json("info", self.path("q.analysis.h5"))["raw_queries"])

    def test_reduced_captures_refuse_them(self):
        cause = self.refused(2, "capture", "--model", TINY, "--samples", 1, "--store", "reduced",
                             "--keep-queries", "-o", self.path("a.h5"))
        self.assertIn("--keep-queries: expected --store raw", cause)
        self.assertFalse(pathlib.Path(self.path("a.h5.partial")).exists())


if __name__ == "__main__":
    unittest.main()
