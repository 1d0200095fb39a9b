"""What a user gets wrong: one line of cause, the documented exit code, nothing overwritten."""

import json
import pathlib
import resource
import shutil
import struct
import sys
import unittest

import h5py

from kvscope_cli import DEMO, GOLDEN, ROOT, CliTest

sys.path.insert(0, str(ROOT / "scripts"))
import safetensors_io

DRAW = ["--samples", 1, "--seed", 7]


class BadModel(CliTest):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "model"
        shutil.copytree(DEMO, self.model)

    def refuse_model(self, *expected):
        cause = self.refused(3, "run", "--model", self.model, *DRAW, "-o", self.path("out.h5"))
        for text in expected:
            self.assertIn(text, cause)
        self.assertFalse((self.folder / "out.h5").exists())

    def edit_config(self, **changes):
        path = self.model / "config.json"
        config = json.loads(path.read_text())
        for key, value in changes.items():
            if value is None:
                del config[key]
            else:
                config[key] = value
        path.write_text(json.dumps(config))

    def rewrite_weights(self, change):
        """Applies `change(header, data)` to the safetensors file."""
        path = self.model / "weights.safetensors"
        raw = path.read_bytes()
        size = struct.unpack("<Q", raw[:8])[0]
        header, data = json.loads(raw[8 : 8 + size]), bytearray(raw[8 + size :])
        change(header, data)
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + data)

    def test_missing_weights(self):
        (self.model / "weights.safetensors").unlink()
        self.refuse_model("weights.safetensors")

    def test_empty_weights(self):
        (self.model / "weights.safetensors").write_bytes(b"")
        self.refuse_model("weights.safetensors")

    def test_truncated_weights(self):
        path = self.model / "weights.safetensors"
        path.write_bytes(path.read_bytes()[:-1000])
        self.refuse_model("weights.safetensors")

    def test_weights_of_another_format(self):
        (self.model / "weights.safetensors").write_bytes(b"PK\x03\x04" + bytes(4000))
        self.refuse_model("weights.safetensors")

    def test_weights_of_the_wrong_dtype(self):
        def change(header, _):
            header["var.head.bias"]["dtype"] = "I16"

        self.rewrite_weights(change)
        self.refuse_model("I16")

    def test_weights_of_the_wrong_shape(self):
        def change(header, _):
            shape = header["var.head.weight"]["shape"]
            header["var.head.weight"]["shape"] = shape[::-1]

        self.rewrite_weights(change)
        self.refuse_model("var.head.weight")

    def test_nan_in_weights(self):
        def change(header, data):
            begin = header["var.head.bias"]["data_offsets"][0]
            data[begin : begin + 2] = b"\x00\x7e"

        self.rewrite_weights(change)
        self.refuse_model("var.head.bias")

    def test_config_without_a_key(self):
        self.edit_config(depth=None)
        self.refuse_model("config.json", "depth")

    def test_config_with_an_unknown_key(self):
        self.edit_config(dept=12)
        self.refuse_model("config.json", "dept")

    def test_config_with_a_key_twice(self):
        path = self.model / "config.json"
        path.write_text(path.read_text().replace('"depth": 12', '"depth": 12, "depth": 11', 1))
        self.refuse_model("config.json", "'depth' twice")

    def test_config_whose_guidance_would_overflow(self):
        self.edit_config(sampling={"cfg": 1e308, "top_k": 0, "top_p": 0.9})
        self.refuse_model("config.json", "sampling.cfg to be a number from 0 to 1000")

    def test_config_that_contradicts_itself(self):
        self.edit_config(image_size=128)
        self.refuse_model("config.json", "image_size")

    def test_config_that_contradicts_the_weights(self):
        self.edit_config(depth=11)
        self.refuse_model("blocks.11")

    def test_no_such_model(self):
        cause = self.refused(3, "run", "--model", self.path("nowhere"), *DRAW, "-o", self.path("o.h5"))
        self.assertIn("nowhere", cause)


class BadBudget(CliTest):
    def refuse_budget(self, change, expected):
        layers = [{"layer": i, "class": "demanding", "keep": "all"} for i in range(12)]
        budget = {
            "schema": "kvscope.budget/1",
            "policy": "ams-kv",
            "model": {
                "depth": 12,
                "heads": 3,
                "head_dim": 64,
                "patch_nums": [1, 2, 3, 4, 5, 6, 8, 10, 13, 16],
            },
            "layers": layers,
        }
        change(budget)
        path = self.folder / "b.json"
        path.write_text(json.dumps(budget))
        cause = self.refused(
            3, "run", "--model", DEMO, "--budget", path, *DRAW, "-o", self.path("out.h5")
        )
        self.assertIn(expected, cause)

    def test_budget_for_another_model(self):
        def change(budget):
            budget["model"]["heads"] = 4

        self.refuse_budget(change, "heads")

    def test_capacity_below_the_condensed_scales(self):
        def change(budget):
            budget["layers"][4] = {
                "layer": 4,
                "class": "efficient",
                "condensed_scales": 2,
                "capacity_tokens": 4,
            }

        self.refuse_budget(change, "layers[4]")

    def test_two_rules_for_one_layer(self):
        def change(budget):
            budget["layers"][3]["local_scales"] = 1

        self.refuse_budget(change, "layers[3]")

    def test_a_misspelt_rule_names_the_near_one(self):
        def change(budget):
            budget["layers"][3] = {"layer": 3, "class": "efficient", "condensed_scales": 2,
                                   "capacity_token": 30}

        self.refuse_budget(change, "is 'capacity_token' meant for 'capacity_tokens'?")

    def test_a_key_twice(self):
        text = json.dumps(json.loads((GOLDEN / "budget" / "full.json").read_text()))
        path = self.folder / "b.json"
        path.write_text(text.replace('"keep": "all"', '"keep": "all", "keep": "all"', 1))
        cause = self.refused(3, "run", "--model", DEMO, "--budget", path, *DRAW,
                             "-o", self.path("out.h5"))
        self.assertIn("layers[0].keep' twice", cause)


class BadUse(CliTest):
    def test_unknown_class(self):
        cause = self.refused(2, "run", "--model", DEMO, "--labels", "11", "-o", self.path("o.h5"))
        self.assertIn("11", cause)

    def test_batch_zero(self):
        cause = self.refused(2, "run", "--model", DEMO, *DRAW, "--batch", 0, "-o", self.path("o.h5"))
        self.assertIn("--batch", cause)

    def test_numbers_below_the_smallest(self):
        draw = ["run", "--model", DEMO, "--samples", 1, "-o", self.path("o.h5")]
        for option, value, wanted in (("--cfg", -1, "a number from 0 to 1000"),
                                      ("--cfg", "1e308", "a number from 0 to 1000"),
                                      ("--top-p", "nan", "a number from 0 to 1"),
                                      ("--top-k", -1, "a whole number of at least 0"),
                                      ("--repeat", 0, "a whole number of at least 1")):
            cause = self.refused(2, *draw, option, value)
            self.assertIn(f"{option}: expected {wanted}, got '{value}'", cause)

    def test_a_seed_with_a_leading_zero_is_decimal(self):
        self.kvscope("run", "--model", DEMO, "--labels", "010,3", "--samples", 1, "--seed", "010",
                     "-o", self.path("o.h5"))
        self.assertEqual(self.kvscope_json("info", self.path("o.h5"))["settings"]["seed"], 10)
        with h5py.File(self.path("o.h5")) as file:
            self.assertEqual(file["samples/label"][()].tolist(), [10])

    def test_empty_values(self):
        draw = ["run", "--model", DEMO, "--samples", 1, "-o", self.path("o.h5")]
        for option in ("--budget", "--scorer", "--labels", "--seed", "--device"):
            self.assertIn(f"{option}: expected", self.refused(2, *draw, option, ""))
            self.assertIn(f"{option}: expected a value", self.refused(2, *draw, f"{option}="))
        capture = GOLDEN / "capture_v1.h5"
        for option in ("--threshold", "--damage", "--efficient", "-o", "--kv-memory"):
            self.refused(2, "plan", capture, option, "")
        self.refused(2, "info", "")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_rule_texts_are_as_strict_as_options(self):
        for rule in ("condensed=2,", "condensed=2,,local=1", "condensed=0x2", "condensed=", "local= 1",
                     "condensed=1e0", "condensed=2,condensed=2", "local=nan"):
            cause = self.refused(2, "plan", GOLDEN / "capture_v1.h5", "--efficient", rule)
            self.assertIn("--efficient", cause)
            self.assertIn(rule, cause)
        for statistic in ("random:", "random:0x10", "random: 1", "random:nan", "random:1,,2"):
            cause = self.refused(2, "plan", GOLDEN / "capture_v1.h5", "--statistic", statistic)
            self.assertIn("--statistic: expected random:SEED", cause)

    def test_raw_choices_with_reduced_storage(self):
        for option, value in (("--keep-layers", 0), ("--keep-heads", 0), ("--keep-scales", 0),
                              ("--keep-samples", 0), ("--kv-dtype", "fp32")):
            cause = self.refused(2, "capture", "--model", DEMO, *DRAW, "--store", "reduced", option,
                                 value, "-o", self.path("o.h5"))
            self.assertIn(f"{option}: expected --store raw, got reduced", cause)

    def test_seeds_that_would_become_other_seeds(self):
        run = ["run", "--model", DEMO, "--samples", 1, "-o", self.path("o.h5")]
        sweep = ["sweep", GOLDEN / "capture_v1.h5", "--model", DEMO, "-o", self.path("s")]
        export = ["export", GOLDEN / "capture_v1.h5", "--npz", self.path("o.npz")]
        for command, option, value in ((run, "--seed", -1), (run, "--seed", 2**64),
                                       (run, "--seed", 1.5), (run, "--random-weights", -1),
                                       (sweep, "--seed", -1), (export, "--shuffle-seed", -1)):
            cause = self.refused(2, *command, option, value)
            self.assertIn(f"{option}: expected a whole number from 0 to 2^64 − 1, got '{value}'", cause)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_unknown_command_suggests_the_near_one(self):
        self.assertIn("'capture'", self.refused(2, "captrue"))

    def test_unknown_option_suggests_the_near_one(self):
        cause = self.refused(2, "run", "--model", DEMO, *DRAW, "--bacth", 2, "-o", self.path("o.h5"))
        self.assertIn("'--batch'", cause)

    def test_kept_indices_that_do_not_exist(self):
        for option in ("--keep-layers", "--keep-heads", "--keep-scales", "--keep-samples"):
            cause = self.refused(
                2, "capture", "--model", DEMO, *DRAW, option, "0,99", "-o", self.path("o.h5")
            )
            self.assertIn(option, cause)

    def test_kept_samples_are_named_as_the_run_counts_them(self):
        cause = self.refused(
            2, "capture", "--model", DEMO, "--samples", 8, "--first-sample", 8, "--batch", 8,
            "--keep-samples", "9,10,0", "-o", self.path("o.h5")
        )
        self.assertIn("expected samples 8 to 15, got 0", cause)

    def test_unknown_device(self):
        cause = self.refused(
            2, "run", "--model", DEMO, *DRAW, "--device", "tpu", "-o", self.path("o.h5")
        )
        self.assertIn("tpu", cause)

    def test_existing_output_is_kept(self):
        path = self.folder / "o.h5"
        path.write_text("precious")
        cause = self.refused(1, "run", "--model", DEMO, *DRAW, "-o", path)
        self.assertIn("--force", cause)
        self.assertEqual(path.read_text(), "precious")

    def test_output_is_checked_before_the_model_is_loaded(self):
        (self.folder / "o.h5").write_text("precious")
        (self.folder / "p.images").mkdir()
        for output in ("o.h5", "no/o.h5", "p.h5"):
            cause = self.refused(
                1, "run", "--model", self.path("nowhere"), *DRAW, "-o", self.path(output)
            )
            self.assertIn(output.removesuffix(".h5"), cause)

    def test_output_in_a_missing_folder(self):
        cause = self.refused(1, "run", "--model", DEMO, *DRAW, "-o", self.path("no/o.h5"))
        self.assertIn("no/o.h5", cause)

    def test_output_that_is_a_folder(self):
        (self.folder / "o.h5").mkdir()
        cause = self.refused(1, "run", "--model", DEMO, *DRAW, "-o", self.path("o.h5"))
        self.assertIn("o.h5", cause)

    def test_full_disk(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))

        done = self.start(
            "capture", "--model", DEMO, "--samples", 8, "--store", "raw", "-o", self.path("o.h5"),
            preexec_fn=limit,
        )
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("o.h5", done.stderr)
        self.assertFalse((self.folder / "o.h5").exists())

    def test_full_disk_keeps_the_file_that_was_there(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

        capture = GOLDEN / "capture_v1.h5"
        old = self.folder / "old"
        for command in (["plan", "-o"], ["report", "-o"], ["export", "--csv"]):
            old.write_text("precious")
            done = self.start(command[0], capture, command[1], old, "--force", preexec_fn=limit)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("old", done.stderr)
            self.assertEqual(old.read_text(), "precious")
            self.assertEqual([path.name for path in self.folder.iterdir()], ["old"])

    def test_files_that_are_no_captures(self):
        text = self.folder / "text.h5"
        text.write_text("not HDF5")
        for command in (["compare", text, text], ["info", text], ["plan", text, "-o", self.path("b.json")]):
            self.assertIn("text.h5", self.refused(3, *command))
        self.assertIn("nothing.h5", self.refused(3, "info", self.path("nothing.h5")))

    def test_captures_of_different_models(self):
        self.kvscope("run", "--model", DEMO, *DRAW, "-o", self.path("a.h5"))
        self.kvscope(
            "run", "--model", GOLDEN / "var_parity", *DRAW, "-o", self.path("b.h5")
        )
        cause = self.refused(3, "compare", self.path("a.h5"), self.path("b.h5"))
        self.assertIn("model", cause)

    def test_a_ratio_out_of_reach_names_the_smallest(self):
        self.kvscope("capture", "--model", DEMO, *DRAW, "--store", "reduced", "-o", self.path("a.h5"))
        cause = self.refused(1, "plan", self.path("a.h5"), "--ratio", 0.001, "-o", self.path("b.json"))
        self.assertIn("smallest", cause)

    def test_a_plan_from_some_layers(self):
        self.kvscope("capture", "--model", DEMO, *DRAW, "--keep-layers", "0,1,2", "-o", self.path("a.h5"))
        self.kvscope("analyze", self.path("a.h5"), "-o", self.path("a.analysis.h5"))
        cause = self.refused(3, "plan", self.path("a.analysis.h5"))
        for part in ("a.analysis.h5", "layers 0, 1, 2 only", "--keep-layers"):
            self.assertIn(part, cause)

    def test_statistics_of_a_cache_that_was_condensed_already(self):
        draw = ["capture", "--model", DEMO, *DRAW, "--store", "reduced"]
        self.kvscope(*draw, "-o", self.path("vanilla.h5"))
        plan = ["plan", self.path("vanilla.h5"), "--ratio", 0.2]
        self.assertNotIn("warning", self.start(*plan, "-o", self.path("b.json")).stderr)
        self.kvscope(*draw, "--budget", self.path("b.json"), "-o", self.path("ams.h5"))
        warned = self.start("plan", self.path("ams.h5"))
        self.assertEqual(warned.returncode, 0, warned.stderr)
        self.assertIn("ams.h5: made under a budget (policy ams-kv)", warned.stderr)
        control = self.start("plan", self.path("ams.h5"), "--statistic", "first", "--ratio", 0.2)
        self.assertNotIn("warning", control.stderr)
        cause = self.refused(3, "sweep", self.path("ams.h5"), "--model", DEMO, *DRAW, "-o", self.path("s"))
        for part in ("ams.h5", "policy ams-kv"):
            self.assertIn(part, cause)

    def test_a_plan_from_few_batches(self):
        self.kvscope("capture", "--model", DEMO, "--samples", 2, "--batch", 1, "--store", "reduced",
                     "-o", self.path("a.h5"))
        done = self.start("plan", self.path("a.h5"), "--statistic", "distant-mass")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("only 2 batches and say little", done.stderr)

    def test_plan_options_that_would_do_nothing(self):
        for options in (["--of", "final"], ["--whole-scales"],
                        ["--damage", "r.json"], ["--statistic", "first"]):
            self.refused(2, "plan", GOLDEN / "capture_v1.h5", *options)


class LostData(CliTest):
    def test_values_that_the_file_cannot_hold_are_counted_and_reported(self):
        model = self.folder / "model"
        shutil.copytree(DEMO, model)
        weights = safetensors_io.load(model / "weights.safetensors")
        # Values of about 1e6 are fine in fp32 and too large for fp16.
        weights["var.blocks.0.attn.v_bias"] = weights["var.blocks.0.attn.v_bias"].float() + 1e6
        safetensors_io.save(model / "weights.safetensors", weights)
        draw = ["capture", "--model", model, *DRAW, "--store", "raw"]

        done = self.start(*draw, "-o", self.path("fp16.h5"))
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("overflowed_values", done.stderr)
        counts = self.kvscope_json("info", self.path("fp16.h5"))["losses"]
        # One layer's V: 2 rows, 192 channels, 680 tokens.
        self.assertEqual(counts["overflowed_values"], 2 * 192 * 680)
        self.kvscope(*draw, "--kv-dtype", "bf16", "-o", self.path("bf16.h5"))


if __name__ == "__main__":
    unittest.main()
