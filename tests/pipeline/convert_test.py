"""A converted checkpoint must open: what the converter lets pass, kvscope takes, and the rules of config.json that
the scripts hold are those of kvscope."""

import json
import subprocess
import sys
import unittest

import h5py

from kvscope_cli import GOLDEN, ROOT, CliTest

sys.path.insert(0, str(ROOT / "scripts"))

import model_config  # noqa: E402
from command_line import BadInput  # noqa: E402

TINY = GOLDEN / "var_parity"
FIELDS = ("name", "depth", "width", "heads", "mlp_ratio", "classes", "patch_nums", "shared_aln",
          "attn_l2_norm", "vae_ch", "vae_ch_mult", "vae_num_res_blocks", "vocab", "z_channels",
          "image_size", "sampling", "class_names")
VALUES = (None, True, -1, 0, 1, 2, 2.0, 0.5, 3, 64, 2**31 - 1, 2**31, 2**70, 1e308, "", "1", "ring", [],
          [1], [1, 2], [2, 1], [0, 1], [1, 16], [1, 5000], [1.0, 2.0], ["a"] * 10, ["a"] * 9, [1] * 10,
          [1] * 20, {}, float("nan"), float("inf"), "\udce9", "\u00e9\n")
SAMPLING = {"cfg": 1.5, "top_k": 60, "top_p": 0.9}


def texts():
    """Every field with every value, in place of what tests/golden holds; and whole files."""
    config = json.loads((TINY / "config.json").read_text())
    for field in FIELDS:
        for value in VALUES:
            yield json.dumps({**config, field: value})
        yield json.dumps({key: value for key, value in config.items() if key != field})
    for field in SAMPLING:
        for value in VALUES:
            yield json.dumps({**config, "sampling": {**SAMPLING, field: value}})
        sampling = {key: value for key, value in SAMPLING.items() if key != field}
        yield json.dumps({**config, "sampling": sampling})
    yield json.dumps({**config, "widht": 1})
    yield json.dumps({**config, "sampling": {**SAMPLING, "cfgs": 1}})
    yield from ("", "[]", "{", "null", "[" * 100_000, '{"name": 1e999}')


class ConfigRules(CliTest):
    def is_taken_by_scripts(self, path):
        try:
            model_config.load(path)
        except BadInput:
            return False
        return True

    def test_the_scripts_refuse_what_kvscope_refuses(self):
        path = self.folder / "config.json"
        taken = 0
        for text in texts():
            path.write_text(text)
            done = self.start("info", self.folder)
            self.assertIn(done.returncode, (0, 3), f"{text[:900]}\n{done.stderr}")
            self.assertEqual(self.is_taken_by_scripts(path), done.returncode == 0,
                             f"{text[:900]}\n{done.stderr}")
            taken += done.returncode == 0
        self.assertGreater(taken, 50)


class Converted(CliTest):
    def test_a_converted_model_draws_what_its_weights_draw(self):
        names = self.folder / "names.txt"
        names.write_text("\n".join(["caf\u00e9", *map(str, range(1, 10))]), encoding="utf-8-sig")
        sides = ",".join(map(str, json.loads((TINY / "config.json").read_text())["patch_nums"]))
        out = self.folder / "mod\u00e8le"
        done = subprocess.run(
            [sys.executable, ROOT / "scripts" / "convert_checkpoint.py", "--var",
             TINY / "weights.safetensors", "--patch-nums", sides, "--class-names", names, "--cfg", "0",
             "--top-k", "0", "--top-p", "1", "--out", out], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.kvscope("info", out)
        tokens = []
        for model in (out, TINY):
            file = self.folder / "run.h5"
            self.kvscope("run", "--model", model, "--samples", 2, "--seed", 3, "--cfg", 0, "--top-k", 0,
                         "--top-p", 1, "--force", "-o", file)
            with h5py.File(file) as run:
                tokens.append(run["samples/token_ids"][()].tolist())
        self.assertEqual(*tokens)


if __name__ == "__main__":
    unittest.main()
