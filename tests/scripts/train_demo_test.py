"""The trainer of the demo model: its parts against the reference model, and all stages once, small."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import torch
from torch.nn import functional as F

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
DEMO = ROOT / "data/demo"
sys.path[:0] = [str(SCRIPTS), str(SCRIPTS / "train_demo")]

import export  # noqa: E402
import parameter_shapes  # noqa: E402
import pictures  # noqa: E402
import reference_var  # noqa: E402
import safetensors_io  # noqa: E402
import scorer as scoring  # noqa: E402
import vae as vae_stage  # noqa: E402
from reference_vqvae import Vqvae  # noqa: E402

SMALL = {"name": "small", "depth": 2, "width": 32, "heads": 2, "mlp_ratio": 2, "classes": 10,
         "vae_ch": 32, "vae_ch_mult": [1, 1, 1], "vae_num_res_blocks": 1, "vocab": 32, "z_channels": 8,
         "patch_nums": [1, 2, 3, 5, 16], "shared_aln": True, "attn_l2_norm": True, "image_size": 64,
         "sampling": {"cfg": 1.5, "top_k": 0, "top_p": 0.9}}
CPU = torch.device("cpu")


class PicturesTest(unittest.TestCase):
    def test_a_seed_gives_the_same_pictures(self):
        first, labels = pictures.draw_pool(40, 3, CPU)
        again, _ = pictures.draw_pool(40, 3, CPU)
        other, _ = pictures.draw_pool(40, 4, CPU)
        self.assertTrue(torch.equal(first, again))
        self.assertFalse(torch.equal(first, other))
        self.assertEqual(labels[:11].tolist(), [*range(10), 0])

    def test_every_class_is_another_shape(self):
        ticks = (torch.arange(64) + 0.5) / 32 - 1
        y, x = ticks.view(1, 64, 1), ticks.view(1, 1, 64)
        covered = [distance(x, y, torch.tensor(0.7)) < 0 for distance in pictures.DISTANCES]
        for index, shape in enumerate(covered):
            self.assertGreater(shape.float().mean(), 0.03)
            for other in covered[:index]:
                shared, either = (shape & other).sum(), (shape | other).sum()
                self.assertLess(shared / either, 0.8)


class QuantizerTest(unittest.TestCase):
    """A training step must look up the codes that the published encoder would."""

    def setUp(self):
        torch.manual_seed(0)
        self.vae = Vqvae(SMALL)

    def test_resizes_are_those_of_torch(self):
        resizes = vae_stage.Resizes(SMALL["patch_nums"], CPU)
        for index, side in enumerate(SMALL["patch_nums"]):
            fine, coarse = torch.randn(2, 3, 16, 16), torch.randn(2, 3, side, side)
            wanted = F.interpolate(fine, size=(side, side), mode="area")
            self.assertTrue(torch.allclose(resizes.apply(resizes.down[index], fine), wanted, atol=1e-5))
            wanted = F.interpolate(coarse, size=(16, 16), mode="bicubic")
            self.assertTrue(torch.allclose(resizes.apply(resizes.up[index], coarse), wanted, atol=1e-5))

    def test_ids_and_f_hat_are_those_of_the_reference(self):
        f = torch.randn(3, 8, 16, 16)
        resizes = vae_stage.Resizes(SMALL["patch_nums"], CPU)
        f_hat, _, _, ids = vae_stage.quantize(self.vae.quantize, resizes, f)
        wanted = self.vae.quantize.encode(f)
        self.assertTrue(torch.equal(ids, torch.cat([scale.flatten() for scale in wanted])))
        self.assertTrue(torch.allclose(f_hat, self.vae.quantize.f_hat(wanted), atol=1e-4))

    def test_gradients_reach_features_and_codebook(self):
        f = torch.randn(2, 8, 16, 16, requires_grad=True)
        resizes = vae_stage.Resizes(SMALL["patch_nums"], CPU)
        f_hat, loss, _, ids = vae_stage.quantize(self.vae.quantize, resizes, f)
        (f_hat.sum() + loss).backward()
        self.assertGreater(f.grad.abs().min(), 0)
        moved = self.vae.quantize.embedding.weight.grad.abs().sum(1) > 0
        self.assertEqual(sorted(moved.nonzero().flatten().tolist()), sorted(ids.unique().tolist()))


class ScorerTest(unittest.TestCase):
    def test_folding_the_norms_changes_no_logit(self):
        torch.manual_seed(0)
        scorer = scoring.Scorer(10)
        scorer(torch.randn(64, 3, 64, 64))  # moves the running statistics
        scorer.eval()
        x = torch.randn(4, 3, 64, 64)
        wanted, folded = scorer(x)[1], scoring.from_tensors(scoring.folded(scorer), CPU)(x)[1]
        self.assertTrue(torch.allclose(wanted, folded, atol=2e-3))  # weights are stored in fp16

    def test_known_frechet_distance(self):
        identity = torch.eye(3, dtype=torch.float64)
        mean = torch.zeros(3, dtype=torch.float64)
        distance = scoring.frechet_distance((mean, identity), (mean + 2, 4 * identity))
        self.assertAlmostEqual(distance, 3 * 4 + 3 * (1 + 4 - 2 * 2), places=9)


def record_of(folder):
    """(text of the model card, the stages' record in it)."""
    card = (folder / "MODEL.md").read_text()
    return card, json.loads(card.split("```json\n")[1].split("```")[0])


class CardTest(unittest.TestCase):
    """Whoever reads how the embedded model was made must read what this trainer says of that model."""

    def test_the_card_in_the_tree_is_that_of_its_config_and_record(self):
        card, record = record_of(DEMO)
        config = json.loads((DEMO / "config.json").read_text())
        self.assertEqual(card, export.card(config, record))
        self.assertEqual(record["export"], config["sampling"])


class StagesTest(unittest.TestCase):
    def stage(self, *arguments):
        done = subprocess.run([sys.executable, SCRIPTS / "train_demo/train.py", *map(str, arguments)],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_all_stages_give_a_model_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            work, out, config = (pathlib.Path(folder) / name for name in ("work", "out", "small.json"))
            config.write_text(json.dumps(SMALL))
            on_cpu = ("--work", work, "--device", "cpu")
            shared = (*on_cpu, "--config", config)
            self.stage("scorer", *on_cpu, "--steps", 4, "--batch", 16, "--pool", 100,
                       "--reference", 80)
            for stage, steps in (("vae", 16), ("var", 3)):
                self.stage(stage, *shared, "--steps", steps, "--batch", 2, "--pool", 20,
                           "--evaluate", 10)
            self.stage("var", *shared, "--steps", 1, "--batch", 2, "--pool", 20, "--evaluate", 10,
                       "--resume")
            self.stage("guide", *shared, "--evaluate", 10, "--cfg", 0, "--top-p", 0.9)
            self.stage("export", "--work", work, "--config", config, "--out", out, "--cfg", 1, "--top-k",
                       0, "--top-p", 0.8)

            loaded, _, _ = reference_var.load_model(out)
            self.assertEqual(loaded["name"], "demo")
            shapes = {name: tuple(tensor.shape) for name, tensor
                      in safetensors_io.load(out / "weights.safetensors").items()}
            for name, shape in parameter_shapes.expected_shapes(loaded).items():
                self.assertEqual(shapes.get(name), tuple(shape), name)
            self.assertEqual(loaded["sampling"], {"cfg": 1, "top_k": 0, "top_p": 0.8})
            card, record = record_of(out)
            self.assertEqual(record["export"], loaded["sampling"])
            self.assertEqual(card, export.card(loaded, record))
            self.assertIn("demo Fréchet distance", record["guide"]["rows"][0])
            quality = json.loads(self.stage("score", "--model", out, "--evaluate", 10, "--device", "cpu"))
            self.assertEqual(quality["pictures"], 10)


if __name__ == "__main__":
    unittest.main()
