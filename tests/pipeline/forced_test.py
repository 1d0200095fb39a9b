"""Teacher-forced agreement: the figures are those of the reference under masks, and files that do not
go together are told apart."""

import json
import math
import pathlib
import shutil
import sys
import unittest

import h5py
import torch

from kvscope_cli import DEMO, GOLDEN, ROOT, CliTest

sys.path.insert(0, str(ROOT / "scripts"))
import reference_var  # noqa: E402

MODEL = GOLDEN / "var_parity"
SAMPLES = 4


class ForcedTest(CliTest):
    def setUp(self):
        super().setUp()
        self.config = json.loads((MODEL / "config.json").read_text())
        self.run_vanilla("vanilla.h5")

    def run_vanilla(self, name, *options):
        self.kvscope("run", "--model", MODEL, "--samples", SAMPLES, "--batch", SAMPLES, "--seed", 3,
                     *options, "-o", self.path(name))

    def budget(self, name, rules):
        """Writes a budget; a rule is {} for everything, or the keys of the budget's layer."""
        layers = [{"layer": index, "class": "efficient", **(rule or {"keep": "all"})}
                  for index, rule in enumerate(rules)]
        for layer, rule in zip(layers, rules):
            if not rule:
                layer["class"] = "demanding"
        model = {"depth": self.config["depth"], "heads": self.config["heads"],
                 "head_dim": self.config["width"] // self.config["heads"],
                 "patch_nums": self.config["patch_nums"]}
        pathlib.Path(self.path(name)).write_text(json.dumps(
            {"schema": "kvscope.budget/1", "policy": "ams-kv", "model": model, "layers": layers}))
        return self.path(name)

    def forced(self, file, *options):
        return self.kvscope_json("score", file, "--teacher-forced", self.path("vanilla.h5"),
                                 "--model", MODEL, *options)


class Parity(ForcedTest):
    def reference(self, rules):
        """Per scale: KL, negative log-likelihood and its rise, top-1 agreement, with masks."""
        _, vae, var = reference_var.load_model(MODEL)
        with h5py.File(self.path("vanilla.h5")) as file:
            tokens = torch.from_numpy(file["samples/token_ids"][()]).long()
            labels = file["samples/label"][()].tolist()

        def log_probabilities(rules):
            logits = reference_var.generate(
                vae, var, labels, cfg=self.config["sampling"]["cfg"], rules=rules, decode=False,
                keep_logits=True, forced=tokens)["logits"]
            return [scale.double().log_softmax(-1) for scale in logits]

        figures, end = [], 0
        for p, q in zip(log_probabilities(None), log_probabilities(rules)):
            own = tokens[:, end:end + p.shape[1]].unsqueeze(-1)
            end += p.shape[1]
            nll = -q.gather(-1, own).mean().item()
            figures.append({"kl_nats": (p.exp() * (p - q)).sum(-1).mean().item(), "nll_nats": nll,
                            "nll_rise_nats": nll + p.gather(-1, own).mean().item(),
                            "top1_agreement": (p.argmax(-1) == q.argmax(-1)).double().mean().item()})
        return figures

    def test_figures_are_those_of_the_reference_under_masks(self):
        cases = {
            "local": [{"condensed_scales": 1, "local_scales": 1}, {}],
            "capacity": [{"condensed_scales": 2, "capacity_tokens": 14},
                         {"condensed_scales": 1, "capacity_tokens": 10}],
        }
        for name, rules in cases.items():
            with self.subTest(name):
                got = self.forced(self.budget(f"{name}.json", rules))
                masks = [{"condensed": rule["condensed_scales"],
                          **{"local" if key == "local_scales" else key: value
                             for key, value in rule.items() if key != "condensed_scales"}}
                         if rule else None for rule in rules]
                expected = self.reference(masks)
                self.assertEqual(len(got["scales"]), len(expected))
                for scale, (mine, theirs) in enumerate(zip(got["scales"], expected)):
                    for figure in ("kl_nats", "nll_nats", "nll_rise_nats"):
                        # Logits of order 1 differ by some 1e-5 between two float32 programs.
                        self.assertAlmostEqual(mine[figure]["value"], theirs[figure], delta=1e-4,
                                               msg=f"{figure} of scale {scale}")
                    self.assertAlmostEqual(mine["top1_agreement"]["value"],
                                           theirs["top1_agreement"], delta=0.01)
                self.assertGreater(got["overall"]["kl_nats"]["value"], 1e-4)

    def test_the_first_samples_only(self):
        budget = self.budget("b.json", [{"condensed_scales": 1, "local_scales": 1}, {}])
        alone, together, all_four = (
            self.forced(budget, *options, "--force") for options in
            (["--samples", 2, "--batch", 1], ["--samples", 2, "--batch", 2], []))
        self.assertEqual((alone["samples"], all_four["samples"]), (2, SAMPLES))
        first, second, whole = (
            quality["overall"]["kl_nats"]["value"] for quality in (alone, together, all_four))
        # float32 sums depend on the batch by far less than samples differ.
        self.assertAlmostEqual(first, second, delta=1e-4 * first)
        self.assertNotAlmostEqual(first, whole, delta=1e-4 * first)


class Files(ForcedTest):
    def setUp(self):
        super().setUp()
        self.json = self.budget("b.json", [{"condensed_scales": 1, "local_scales": 1}, {}])
        self.run_vanilla("ams.h5", "--budget", self.json)

    def test_compare_and_report_show_what_is_of_both_files(self):
        stored = self.forced(self.path("ams.h5"))
        self.assertEqual(stored.pop("file"), self.path("ams.h5.forced.json"))
        files = [self.path("vanilla.h5"), self.path("ams.h5")]
        comparison = self.kvscope_json("compare", *files)
        self.assertEqual(comparison["files"][1]["against_baseline"]["teacher_forced"], stored)
        self.assertIn("Teacher-forced", self.kvscope("compare", *files))
        self.kvscope("report", *files, "-o", self.path("report.html"))
        self.assertIn("top-1 agreement", pathlib.Path(self.path("report.html")).read_text())
        self.assertEqual(self.kvscope_json("info", self.path("ams.h5"))["teacher_forced"], stored)
        info = self.kvscope_json("info", self.path("ams.h5.forced.json"))
        self.assertEqual(info["kind"], "teacher-forced agreement")

    def test_figures_against_another_run_are_not_shown(self):
        self.forced(self.path("ams.h5"))
        self.run_vanilla("other.h5")
        comparison = self.kvscope_json("compare", self.path("other.h5"), self.path("ams.h5"))
        why = comparison["files"][1]["against_baseline"]["teacher_forced"]["not_comparable"]
        self.assertIn("ams.h5.forced.json", why)
        shutil.copy(self.path("ams.h5.forced.json"), self.path("vanilla.h5.forced.json"))
        comparison = self.kvscope_json("compare", self.path("ams.h5"), self.path("vanilla.h5"))
        why = comparison["files"][1]["against_baseline"]["teacher_forced"]["not_comparable"]
        self.assertIn("vanilla.h5.forced.json", why)

    def test_what_cannot_be_forced_is_refused(self):
        line = self.refused(3, "score", self.json, "--teacher-forced", self.path("ams.h5"),
                            "--model", MODEL)
        self.assertIn("a run of the vanilla cache", line)
        self.assertIn("ams.h5", line)
        line = self.refused(3, "score", self.json, "--teacher-forced", self.path("vanilla.h5"),
                            "--model", DEMO)
        self.assertIn("weights", line)
        line = self.refused(3, "score", self.json, "--teacher-forced", self.path("vanilla.h5"),
                            "--model", MODEL, "--samples", SAMPLES + 1)
        self.assertIn("committed samples", line)
        self.refused(2, "score", self.json, "--teacher-forced", self.path("vanilla.h5"))
        self.refused(2, "score", self.path("ams.h5"), "--model", MODEL)

    def test_a_run_forced_by_its_own_vanilla_cache_agrees(self):
        figures = self.forced(self.path("vanilla.h5"))["overall"]
        self.assertEqual(figures["kl_nats"]["value"], 0)
        self.assertEqual(figures["top1_agreement"]["value"], 1)
        self.assertTrue(math.isclose(figures["nll_rise_nats"]["value"], 0))


if __name__ == "__main__":
    unittest.main()
