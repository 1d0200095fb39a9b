"""The Python reference draws exactly what the published code drew (tests/golden/var_parity).

If it did not, every speed ratio and every golden case made with it would be worthless.
"""

import json
import pathlib
import sys
import unittest

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import reference_var  # noqa: E402
import safetensors_io  # noqa: E402

# Two machines sum in different orders: activations of order 1 then differ by some 1e-6.
TOLERANCE = 1e-4


class ParityTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = ROOT / "tests/golden/var_parity"
        cls.case = json.loads((folder / "case.json").read_text())
        cls.golden = safetensors_io.load(folder / "golden.safetensors")
        cls.config, cls.vae, cls.var = reference_var.load_model(folder)

    def generate(self, **changes):
        options = {name: self.case[name] for name in ("labels", "seed", "cfg", "top_k", "top_p")}
        return reference_var.generate(self.vae, self.var, **{"decode": False} | options | changes)

    def assert_close(self, actual, name):
        difference = (actual - self.golden[name]).abs().max().item()
        self.assertLessEqual(difference, TOLERANCE, name)

    def assert_same_tokens(self, actual, name):
        differing = (actual != self.golden[name]).nonzero()
        self.assertEqual(len(differing), 0, f"{name} differs first at {differing[:1].tolist()}")

    def test_vanilla(self):
        result = self.generate(decode=True, keep_logits=True)
        self.assert_same_tokens(result["token_ids"], "token_ids")
        for scale in range(self.case["logit_scales"]):
            self.assert_close(result["logits"][scale], f"logits.scale{scale}")
        self.assert_close(result["f_hat"], "f_hat")
        self.assert_close(result["image"], "image")
        for layer, cache in enumerate(result["caches"]):
            self.assert_close(cache.key[:1], f"cached_k.layer{layer}")
            self.assert_close(cache.value[:1], f"cached_v.layer{layer}")

    def test_greedy(self):
        result = self.generate(top_k=1, top_p=0.0)
        self.assert_same_tokens(result["token_ids"], "token_ids_greedy")

    def test_retention(self):
        for name, rules in self.case["policies"].items():
            with self.subTest(name):
                result = self.generate(rules=rules)
                self.assert_same_tokens(result["token_ids"], f"token_ids.{name}")

    def test_more_smooth(self):
        result = self.generate(more_smooth=True)
        self.assert_same_tokens(result["token_ids"], "token_ids.more_smooth")
        # The Gumbel softmax divides by temperatures down to 0.0135, scale after scale: f_hat follows
        # the rounding of another instruction set by up to 0.3 in places, by 1e-5 in the median.
        # A wrong mix would show as order 1 in the median too.
        error = (result["f_hat"] - self.golden["f_hat.more_smooth"]).abs()
        self.assertLess(error.median().item(), 1e-3)

    @torch.inference_mode()
    def test_encode(self):
        ids = self.vae.encode(self.golden["encode.image"].float())
        self.assert_same_tokens(torch.cat(ids, 1), "encode.token_ids")
        self.assert_close(self.vae.decode(self.vae.quantize.f_hat(ids)), "encode.reconstruction")

    @torch.inference_mode()
    def test_teacher_forcing(self):
        scales = 6
        ids = self.golden["encode.token_ids"].long().split(self.var.tokens, dim=1)[:scales]
        labels = torch.tensor(self.case["labels"][:1])
        logits = self.var(labels, self.vae.quantize.teacher_input(ids))
        self.assert_close(logits, "teacher_forced.logits")


class KeptScalesTest(unittest.TestCase):
    tokens = [1, 4, 9, 16, 25, 36]

    def test_a_scale_larger_than_the_room_is_never_admitted(self):
        rule = {"condensed": 2, "capacity_tokens": 5 + 25}
        self.assertEqual(reference_var.kept_scales(rule, 4, self.tokens), [0, 1, 2, 3])
        self.assertEqual(reference_var.kept_scales(rule, 5, self.tokens), [0, 1, 4])

    def test_condensed_and_local_may_overlap(self):
        rule = {"condensed": 2, "local": 3}
        self.assertEqual(reference_var.kept_scales(rule, 3, self.tokens), [0, 1, 2])
        self.assertEqual(reference_var.kept_scales(rule, 6, self.tokens), [0, 1, 3, 4, 5])


if __name__ == "__main__":
    unittest.main()
