"""What users of official checkpoints would lose: a model folder equal to the checkpoint, and a plain
reason when the checkpoint is not what the converter takes."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "var_parity"
DEMO = ROOT / "data" / "demo"
sys.path.insert(0, str(ROOT / "scripts"))

import convert_checkpoint  # noqa: E402
import safetensors_io  # noqa: E402

PATCH_NUMS = "1,2,3,4,5,6,8,10,13,16"


def split(tensors):
    """Two official state dicts: names without `var.` and `vae.`."""
    return tuple({name[4:]: value.clone() for name, value in tensors.items()
                  if name.startswith(part)} for part in ("var.", "vae."))


def levels(sides):
    """lvl_1L as the official class registers it."""
    return torch.cat([torch.full((side * side,), i) for i, side in enumerate(sides)])[None]


class ConvertCheckpoint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.golden = safetensors_io.load(GOLDEN / "weights.safetensors")
        cls.golden_config = json.loads((GOLDEN / "config.json").read_text())

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.var, self.vae = split(self.golden)
        self.var["lvl_1L"] = levels(self.golden_config["patch_nums"])

    def run_converter(self, *arguments):
        """Exit code and what was written to stderr."""
        stderr = io.StringIO()
        with contextlib.redirect_stderr(stderr), contextlib.redirect_stdout(io.StringIO()):
            code = convert_checkpoint.main([str(argument) for argument in arguments])
        return code, stderr.getvalue()

    def convert(self, *more):
        torch.save(self.var, self.folder / "var.pth")
        torch.save(self.vae, self.folder / "vae.pth")
        return self.run_converter("--var", self.folder / "var.pth", "--vae",
                                  self.folder / "vae.pth", "--out", self.folder / "model", *more)

    def assert_refused(self, result, *parts):
        code, message = result
        self.assertEqual(code, 3)
        self.assertEqual(message.count("\n"), 1, message)
        for part in parts:
            self.assertIn(part, message)
        self.assertFalse((self.folder / "model").exists())

    def assert_model(self, expected, dtype=None):
        stored = safetensors_io.load(self.folder / "model" / "weights.safetensors")
        parameters = {name: value for name, value in expected.items()
                      if not convert_checkpoint.BUFFER.fullmatch(name)}
        self.assertEqual(stored.keys(), parameters.keys())
        for name, value in parameters.items():
            wanted = value if dtype is None else value.to(dtype)
            self.assertEqual(stored[name].dtype, wanted.dtype, name)
            self.assertTrue(torch.equal(stored[name], wanted), name)

    def config(self):
        return json.loads((self.folder / "model" / "config.json").read_text())

    def test_golden_checkpoint_gives_its_own_folder(self):
        code, message = self.convert("--name", "hA", "--cfg", 1.5, "--top-k", 60, "--top-p", 0.9)
        self.assertEqual((code, message), (0, ""))
        self.assertEqual(self.config(), self.golden_config)
        self.assert_model(self.golden)

    def test_official_sampling_is_the_default(self):
        self.assertEqual(self.convert()[0], 0)
        self.assertEqual(self.config()["sampling"], {"cfg": 1.5, "top_k": 900, "top_p": 0.96})

    def test_shared_adaln_with_another_vae(self):
        demo = safetensors_io.load(DEMO / "weights.safetensors")
        expected = json.loads((DEMO / "config.json").read_text())
        self.var, self.vae = split(demo)
        names = self.folder / "names.txt"
        names.write_text("\n".join(expected["class_names"]))
        sampling = expected["sampling"]
        result = self.convert("--patch-nums", PATCH_NUMS, "--name", expected["name"],
                              "--cfg", sampling["cfg"], "--top-k", sampling["top_k"],
                              "--top-p", sampling["top_p"], "--class-names", names)
        self.assertEqual(result, (0, ""))
        self.assertEqual(self.config(), expected)
        self.assert_model(demo)

    def test_trainer_checkpoint_holds_both(self):
        state = {"trainer": {"config": {"patch_nums": (1, 2)}, "var_wo_ddp": self.var,
                             "vae_local": self.vae, "var_opt": {"state": {}}}, "epoch": 3}
        torch.save(state, self.folder / "last.pth")
        result = self.run_converter("--var", self.folder / "last.pth", "--out",
                                    self.folder / "model")
        self.assertEqual(result, (0, ""))
        self.assert_model(self.golden)

    def test_weights_are_stored_in_the_type_asked_for(self):
        self.assertEqual(self.convert("--dtype", "bf16")[0], 0)
        self.assert_model(self.golden, torch.bfloat16)

    def test_values_beyond_fp16_are_refused(self):
        self.var["head.bias"] = torch.full_like(self.var["head.bias"].float(), 1e6)
        self.assert_refused(self.convert("--dtype", "fp16"), "var.head.bias", "fp16")

    def test_without_levels_the_sides_are_asked_for(self):
        del self.var["lvl_1L"]
        self.assert_refused(self.convert(), "--patch-nums")
        self.assertEqual(self.convert("--patch-nums", PATCH_NUMS)[0], 0)

    def test_sides_that_contradict_the_levels_are_refused(self):
        self.assert_refused(self.convert("--patch-nums", "1,2,3"), "var.lvl_1L", "[1, 2, 3]")

    def test_without_l2_norm_the_heads_are_asked_for(self):
        self.var = {name: value for name, value in self.var.items() if "scale_mul" not in name}
        self.assert_refused(self.convert(), "--heads")
        self.assertEqual(self.convert("--heads", 4)[0], 0)
        self.assertEqual((self.config()["heads"], self.config()["attn_l2_norm"]), (4, False))

    def test_partial_state_dict_is_refused_by_name(self):
        del self.var["blocks.1.ffn.fc2.bias"]
        self.assert_refused(self.convert(), "missing 1 (var.blocks.1.ffn.fc2.bias)")

    def test_foreign_tensor_is_refused_by_name(self):
        self.vae["loss.logvar"] = torch.zeros(1)
        self.assert_refused(self.convert(), "unexpected 1 (vae.loss.logvar)")

    def test_state_dict_of_another_model_is_refused(self):
        self.var = {"conv1.weight": torch.zeros(64, 3, 7, 7)}
        self.assert_refused(self.convert(), "var.head.weight")

    def test_wrong_shape_is_refused(self):
        self.vae["quant_conv.bias"] = torch.zeros(7)
        self.assert_refused(self.convert(), "vae.quant_conv.bias of shape [32], got [7]")

    def test_nan_is_refused(self):
        self.var["pos_1LC"][0, 3, 5] = float("nan")
        self.assert_refused(self.convert(), "var.pos_1LC", "NaN")

    def test_file_with_only_the_transformer_is_refused(self):
        torch.save(self.var, self.folder / "var.pth")
        self.assert_refused(self.run_converter("--var", self.folder / "var.pth", "--out",
                                               self.folder / "model"), "--vae")

    def test_truncated_file_is_refused(self):
        path = self.folder / "var.pth"
        torch.save(self.var, path)
        for size in (0, 1, 1000, path.stat().st_size // 2):
            torch.save(self.var, path)
            with open(path, "r+b") as file:
                file.truncate(size)
            self.assert_refused(self.run_converter("--var", path, "--vae", path, "--out",
                                                   self.folder / "model"), "var.pth")

    def test_missing_file_is_refused(self):
        self.assert_refused(self.run_converter("--var", self.folder / "no.pth", "--out",
                                               self.folder / "model"), "no.pth", "No such file")

    def test_code_in_a_pickle_is_refused(self):
        torch.save({"head.weight": contextlib.nullcontext()}, self.folder / "var.pth")
        self.assert_refused(self.run_converter("--var", self.folder / "var.pth", "--out",
                                               self.folder / "model"), "nothing but weights")

    def test_a_model_is_replaced_only_when_asked(self):
        self.assertEqual(self.convert()[0], 0)
        before = (self.folder / "model" / "weights.safetensors").read_bytes()
        code, message = self.convert("--dtype", "fp32")
        self.assertEqual(code, 3)
        self.assertIn("--force", message)
        self.assertEqual((self.folder / "model" / "weights.safetensors").read_bytes(), before)
        self.assertEqual(self.convert("--force", "--dtype", "fp32")[0], 0)


if __name__ == "__main__":
    unittest.main()
