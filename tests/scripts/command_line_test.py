"""Whoever mistypes an option or names the wrong file reads one line about it, not a traceback."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
GOLDEN = ROOT / "tests" / "golden"
TINY = GOLDEN / "var_parity"


class Mistakes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def refused(self, status, part, script, *arguments):
        done = subprocess.run([sys.executable, SCRIPTS / script, *map(str, arguments)],
                              capture_output=True, text=True)
        self.assertNotIn("Traceback", done.stderr)
        self.assertIn(part, done.stderr)
        self.assertEqual(done.returncode, status, done.stderr)
        if status != 2:
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_options_of_the_trainer(self):
        for stage, option, value in (("scorer", "--steps", 0), ("scorer", "--device", "tpu"),
                                     ("vae", "--rate", "nan"), ("var", "--seed", -1),
                                     ("guide", "--top-p", 2)):
            self.refused(2, f"argument {option}: expected", "train_demo/train.py", stage, "--work",
                         self.folder, option, value)

    def test_files_of_the_trainer(self):
        no_config = ("--config", self.folder / "no.json")
        self.refused(3, "no.json", "train_demo/train.py", "vae", "--work", self.folder, *no_config)
        (self.folder / "bad.json").write_text(json.dumps({"depth": 2}))
        self.refused(3, "bad.json", "train_demo/train.py", "vae", "--work", self.folder, "--config",
                     self.folder / "bad.json")
        self.refused(3, "vae.0.safetensors", "train_demo/train.py", "guide", "--work", self.folder,
                     "--device", "cpu")
        self.refused(3, "scorer/weights.safetensors", "train_demo/train.py", "score", "--model", TINY,
                     "--device", "cpu")

    def test_models_of_the_reference(self):
        self.refused(3, "nowhere", "reference_var.py", "--model", self.folder / "nowhere")
        self.refused(3, "labels below 10", "reference_var.py", "--model", TINY, "--labels", "3,10")
        self.refused(2, "--batch", "reference_var.py", "--model", TINY, "--batch", 0)
        self.refused(2, "--rules", "reference_var.py", "--model", TINY, "--rules", "[{}]")
        shutil.copytree(TINY, self.folder / "model")
        config = json.loads((TINY / "config.json").read_text())
        (self.folder / "model/config.json").write_text(json.dumps({**config, "depth": 1}))
        self.refused(3, "blocks.1", "reference_var.py", "--model", self.folder / "model")

    def test_files_of_the_numpy_analysis(self):
        (self.folder / "text.h5").write_text("not HDF5")
        for file in ("text.h5", "nothing.h5"):
            self.refused(3, file, "analyze_numpy.py", self.folder / file)
        self.refused(2, "--samples-at-once", "analyze_numpy.py", GOLDEN / "capture_v1.h5",
                     "--samples-at-once", 0)

    def test_a_program_that_is_not_built(self):
        self.refused(1, "nowhere", "bench_cpu.py", "--kvscope", self.folder / "nowhere")


if __name__ == "__main__":
    unittest.main()
