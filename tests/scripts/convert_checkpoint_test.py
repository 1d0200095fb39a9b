"""What users of official checkpoints would lose: a model folder equal to the checkpoint, and a plain
reason when the checkpoint is not what the converter takes."""

import argparse
import contextlib
import fractions
import io
import json
import os
import pathlib
import pickle
import resource
import subprocess
import sys
import tempfile
import unittest
import zipfile
from unittest import mock

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "var_parity"
DEMO = ROOT / "data" / "demo"
sys.path.insert(0, str(ROOT / "scripts"))

import convert_checkpoint  # noqa: E402
import safetensors_io  # noqa: E402

CONVERTER = ROOT / "scripts" / "convert_checkpoint.py"
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
            try:
                code = convert_checkpoint.main([str(argument) for argument in arguments])
            except SystemExit as end:  # of argparse
                code = end.code
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
        self.assertTrue(message[:-1].isprintable(), repr(message))
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

    def test_every_way_to_share_phi(self):
        shapes = ROOT / "tests" / "golden" / "shapes"
        for name in ("one_phi", "three_phis", "own_phis", "own_phis_of_other_scales", "no_phi"):
            with self.subTest(name):
                stored = safetensors_io.load(shapes / name / "weights.safetensors")
                expected = json.loads((shapes / name / "config.json").read_text())
                self.var, self.vae = split(stored)
                self.var["lvl_1L"] = levels(expected["patch_nums"])
                sampling = expected["sampling"]
                result = self.convert("--name", name, "--cfg", sampling["cfg"], "--force",
                                      "--top-k", sampling["top_k"], "--top-p", sampling["top_p"],
                                      "--quant-resi", expected.get("quant_resi", 0.5))
                self.assertEqual(result, (0, ""))
                self.assertEqual(self.config(), expected)
                self.assert_model(stored)

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
        self.assertEqual(code, 1)
        self.assertIn("--force", message)
        self.assertEqual((self.folder / "model" / "weights.safetensors").read_bytes(), before)
        self.assertEqual(self.convert("--force", "--dtype", "fp32")[0], 0)

    def refuse_file(self, content, *parts):
        """A file of these bytes in place of a checkpoint; a callable writes it itself."""
        path = self.folder / "var.pth"
        if callable(content):
            content(path)
        else:
            path.write_bytes(content)
        self.assert_refused(self.run_converter("--var", path, "--vae", path, "--out",
                                               self.folder / "model"), "var.pth", *parts)

    def test_a_parameter_under_two_names_is_refused(self):
        self.var["module.head.weight"] = self.var["head.weight"] + 1
        self.assert_refused(self.convert(), "'head.weight' and 'module.head.weight'")

    def test_options_that_no_model_can_have_are_refused(self):
        for option, value in (("--cfg", "nan"), ("--cfg", "inf"), ("--cfg", -1), ("--cfg", "1_0"),
                              ("--cfg", ""), ("--top-k", -3), ("--top-k", 2**31), ("--top-k", "1.5"),
                              ("--top-k", "1_0"), ("--top-p", 1.5), ("--top-p", -0.1),
                              ("--top-p", "nan"), ("--heads", 0), ("--heads", -2), ("--name", ""),
                              ("--name", "\udce9"), ("--out", ""), ("--patch-nums", ""),
                              ("--patch-nums", "1,1_0"), ("--patch-nums", "1,5000")):
            code, message = self.run_converter("--var", "v.pth", "--out", self.folder / "model", option,
                                               value)
            self.assertEqual(code, 2, (option, value, message))
            self.assertIn(f"argument {option}: expected", message)

    def test_the_folder_one_stands_in_names_the_model(self):
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        (self.folder / "model").mkdir()
        os.chdir(self.folder / "model")
        self.assertEqual(self.convert("--out", "."), (0, ""))
        self.assertEqual(self.config()["name"], "model")

    def test_weights_of_an_impossible_model_are_refused(self):
        changes = {
            "blocks.0.attn.scale_mul_1H11": (torch.zeros(1, 3, 1, 1), "multiple of heads (3)"),
            "lvl_1L": (torch.zeros(1, 4), "two or more square scales"),
            "head.weight": (torch.zeros(0, 64), "var.head.weight"),
            "class_emb.weight": (torch.zeros(1, 64), "classes"),
            "blocks.999999999.x": (torch.zeros(1), "index 999999999"),
        }
        for name, (tensor, part) in changes.items():
            before = dict(self.var)
            self.var[name] = tensor
            self.assert_refused(self.convert(), part)
            self.var = before
        for levels_of in (torch.full((1, 9), -1), torch.full((1, 9), float("nan"))):
            self.var["lvl_1L"] = levels_of
            self.assert_refused(self.convert(), "var.lvl_1L")

    def test_8_bit_weights_are_widened_only_when_asked(self):
        for dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
            self.var["head.bias"] = torch.linspace(-2, 2, len(self.var["head.bias"])).to(dtype)
            self.assert_refused(self.convert(), "var.head.bias", "--dtype fp16")
            self.assertEqual(self.convert("--dtype", "fp16", "--force")[0], 0)
            stored = safetensors_io.load(self.folder / "model" / "weights.safetensors")
            self.assertTrue(torch.equal(stored["var.head.bias"], self.var["head.bias"].half()))
            for file in (self.folder / "model").iterdir():
                file.unlink()
            (self.folder / "model").rmdir()

    def test_tensors_that_are_no_plain_numbers_are_refused(self):
        weight = self.var["head.weight"].float()
        for tensor in (weight.to_sparse(), weight.to("meta"), weight.to(torch.complex64), weight > 0,
                       torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8)):
            self.var["head.weight"] = tensor
            self.assert_refused(self.convert(), "head.weight")

    def test_types_of_buffers_do_not_matter(self):
        self.var["attn_bias_for_masking"] = torch.zeros(3, dtype=torch.bool)
        self.var["lvl_1L"] = self.var["lvl_1L"].to(torch.uint8)
        self.vae["quantize.ema_vocab_hit_SV"] = torch.zeros(3).to(torch.float8_e4m3fn)
        self.assertEqual(self.convert(), (0, ""))
        self.assert_model(self.golden)

    def test_wrapped_state_dicts_are_found(self):
        both = {"var_wo_ddp": self.var, "vae_local": self.vae}
        named = {f"model.var.{name}": value for name, value in self.var.items()}
        named |= {f"model.vae.{name}": value for name, value in self.vae.items()}
        for content in (both, {"model": both}, {"trainer": {"state_dict": both}},
                        {"state_dict": {"model": both}}, {"state_dict": named},
                        {"var": {"state_dict": self.var}, "vae": {"model": self.vae}},
                        {"ema": both, "optimizer": {"state": {}}, "loss": torch.zeros(())}):
            torch.save(content, self.folder / "last.pth")
            self.assertEqual(self.run_converter("--var", self.folder / "last.pth", "--out",
                                                self.folder / "model", "--force"), (0, ""))
            self.assert_model(self.golden)
        for key in ("state_dict", "model"):
            self.var, self.vae = {key: self.var, "args": argparse.Namespace(lr=1)}, {key: self.vae}
            self.assertEqual(self.convert("--force"), (0, ""))
            self.assert_model(self.golden)

    def test_two_state_dicts_in_one_file_are_refused(self):
        self.var = {"model": self.var, "ema": self.var}
        self.assert_refused(self.convert(), "'model' and 'ema'", "torch.save")

    def test_dicts_without_a_state_dict_are_refused_by_their_keys(self):
        cyclic = {}
        cyclic["model"] = cyclic
        for content, part in (({}, "an empty dict"), ({"epoch": 3}, "epoch"), (cyclic, "model"),
                              ({"model": {"lr": 0.1}}, "lr"), ([1, 2], "list"),
                              (torch.zeros(2), "Tensor"), ({3: torch.zeros(1)}, "'3'"),
                              ({"a": torch.zeros(1), "b": 7}, "'b'"),
                              ({"\x1b[31m\n": 1}, "x1b[31m")):
            self.refuse_file(lambda path, content=content: torch.save(content, path), part)

    def test_safetensors_are_taken_under_any_name(self):
        whole = {**self.golden, "var.lvl_1L": self.var["lvl_1L"]}
        safetensors_io.save(self.folder / "both.pth", whole)
        self.assertEqual(self.run_converter("--var", self.folder / "both.pth", "--out",
                                            self.folder / "model"), (0, ""))
        self.assert_model(self.golden)
        for name, tensors in (("var", self.var), ("vae", self.vae)):
            safetensors_io.save(self.folder / f"{name}.safetensors", tensors)
        self.assertEqual(self.run_converter("--var", self.folder / "var.safetensors", "--vae",
                                            self.folder / "vae.safetensors", "--out",
                                            self.folder / "model", "--force"), (0, ""))
        self.assert_model(self.golden)

    def test_malformed_safetensors_are_refused(self):
        def file(header, data=b""):
            text = header if isinstance(header, bytes) else json.dumps(header).encode()
            return len(text).to_bytes(8, "little") + text + data

        entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
        good = file({"a": entry}, bytes(8))
        for content in (good[:-1], good + b"x", good[:20], file(b"{]"), file(b"{" + b"[" * 100_000),
                        file({"a": 3}), file({"a": {**entry, "dtype": "F4"}}, bytes(8)),
                        file({"a": {**entry, "dtype": []}}, bytes(8)),
                        file({"a": {**entry, "shape": [-2]}}, bytes(8)),
                        file({"a": {**entry, "shape": "2"}}, bytes(8)),
                        file({"a": {**entry, "data_offsets": [0]}}, bytes(8)),
                        file({"a": {**entry, "shape": [2**62, 2**62, 0], "data_offsets": [0, 0]}}),
                        file({"a": entry, "b": {**entry, "data_offsets": [4, 12]}}, bytes(12)),
                        file(b'{"a":1,"a":2}'), file(b'{"\xff":1}')):
            self.refuse_file(content, "safetensors file")

    def test_other_files_are_refused_by_what_they_are(self):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("readme.txt", "hello")
        for content, part in (
                (b"", "empty"), (b"<!DOCTYPE html>\n<html>", "HTML"), (b"\n <html lang=en>", "HTML"),
                (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "XML"),
                (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
                (b"Entry not found", "text file"), (b'{"weight_map": {}}', "text file"),
                (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"), (b"\x1f\x8b\x08" + bytes(99), "gzip"),
                (b"\x93NUMPY\x01", "NumPy"), (bytes(257) + b"ustar" + bytes(99), "tar"),
                (b"\x00\x01\x02\x1b[31m", "another kind"), (archive.getvalue(), "zip archive"),
                (archive.getvalue()[:-4], "cut off"), (pickle.dumps({"a": 1}), "pickle"),
                (pickle.dumps(fractions.Fraction(1, 2)), "pickle"), (b"\x80", "pickle"),
                (b"PK\x03\x04", "cut off")):
            self.refuse_file(content, part)
        (self.folder / "var.pth").unlink()
        self.refuse_file(lambda path: torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), path),
                         "TorchScript", "state_dict")
        (self.folder / "var.pth").unlink()
        self.refuse_file(os.mkfifo, "pipe")
        (self.folder / "var.pth").unlink()
        self.refuse_file(os.mkdir, "folder")

    def test_objects_in_a_checkpoint_are_named(self):
        for archive in (True, False):
            self.refuse_file(lambda path, archive=archive: torch.save(
                {"model": fractions.Fraction(1, 2)}, path, _use_new_zipfile_serialization=archive),
                "fractions.Fraction", "state_dict()")

    def test_a_file_that_cannot_be_read_is_refused(self):
        self.assert_refused(self.run_converter("--var", "/proc/self/mem", "--out", self.folder / "model"),
                            "/proc/self/mem", "a readable file")

    def convert_with_names(self, content):
        names = self.folder / "names.txt"
        names.write_bytes(content)
        return self.convert("--class-names", names)

    def test_a_byte_order_mark_is_no_part_of_the_first_name(self):
        text = "\n".join(["café", *map(str, range(1, 10))]) + "\n"
        self.assertEqual(self.convert_with_names(text.encode("utf-8-sig")), (0, ""))
        self.assertEqual(self.config()["class_names"], ["café", *map(str, range(1, 10))])

    def test_class_names_that_are_no_utf8_are_refused(self):
        text = "\n".join(["0", "café", *map(str, range(2, 10))])
        for content, part in ((text.encode("latin-1"), "0xE9 in line 2"),
                              (text.encode("utf-16"), "iconv -f UTF-16"),
                              (text.encode("utf-32"), "iconv -f UTF-32"),
                              (text.encode("utf-16-le"), "names.txt"),
                              (text.replace("9", "\x1b[31m9").encode(), "control characters"),
                              (b"<!doctype html>", "HTML"), (b"", "empty")):
            self.assert_refused(self.convert_with_names(content), "names.txt", part)
        self.assert_refused(self.convert("--class-names", self.folder), "a folder")
        self.assert_refused(self.convert("--class-names", ""), "No such file")

    def files(self):
        return {path.name: path.read_bytes() for path in (self.folder / "model").iterdir()}

    def test_a_full_disk_keeps_the_model_that_was_there(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        def convert_on_full_disk(folder):
            done = subprocess.run(
                [sys.executable, CONVERTER, "--var", self.folder / "var.pth", "--vae",
                 self.folder / "vae.pth", "--out", self.folder / folder, "--force"],
                capture_output=True, text=True, preexec_fn=limit)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertIn(folder, done.stderr)

        self.assertEqual(self.convert()[0], 0)
        before = self.files()
        convert_on_full_disk("model")
        self.assertEqual(self.files(), before)
        convert_on_full_disk("new/model")
        self.assertFalse((self.folder / "new").exists())

    def test_weights_and_config_are_replaced_together(self):
        self.assertEqual(self.convert()[0], 0)
        before = self.files()
        replace, moves = os.replace, 4  # old config and weights away, new weights and config in
        for failing in range(moves):
            calls = iter(range(2 * moves))

            def fail_once(source, destination, failing=failing, calls=calls):
                if next(calls) == failing:
                    raise PermissionError(1, "Operation not permitted")
                # The old weights never lie beside the new config, nor the other way round.
                names = self.files()
                config, weights = names.get("config.json"), names.get("weights.safetensors")
                if config is not None and weights is not None:
                    self.assertEqual(config == before["config.json"],
                                     weights == before["weights.safetensors"])
                replace(source, destination)

            with mock.patch("os.replace", fail_once):
                code, message = self.convert("--force", "--dtype", "fp32", "--cfg", 3)
            self.assertEqual(code, 1, message)
            self.assertIn("Operation not permitted", message)
            self.assertEqual(self.files(), before)
        self.assertEqual(self.convert("--force", "--dtype", "fp32", "--cfg", 3)[0], 0)
        self.assertEqual(self.files().keys(), before.keys())
        self.assertEqual(self.config()["sampling"]["cfg"], 3)

    def test_links_are_followed(self):
        self.assertEqual(self.convert()[0], 0)
        link = self.folder / "model" / "weights.safetensors"
        store = self.folder / "blob"
        link.rename(store)
        link.symlink_to(store)
        self.assertEqual(self.convert("--force", "--dtype", "fp32")[0], 0)
        self.assertTrue(link.is_symlink())
        self.assert_model(self.golden, torch.float32)

    def test_outputs_that_are_no_folder_of_files_are_refused(self):
        (self.folder / "file").write_text("precious")
        (self.folder / "odd" / "config.json").mkdir(parents=True)
        for name in ("file", "odd", "file/model"):
            code, message = self.run_converter("--var", self.folder / "no.pth", "--out",
                                               self.folder / name, "--force")
            self.assertIn((code, message.count("\n")), ((1, 1), (3, 1)), message)
        self.assertEqual((self.folder / "file").read_text(), "precious")

    def test_nobody_reads_the_output(self):
        torch.save(self.var, self.folder / "var.pth")
        torch.save(self.vae, self.folder / "vae.pth")
        command = [sys.executable, CONVERTER, "--var", self.folder / "var.pth", "--vae",
                   self.folder / "vae.pth", "--out", self.folder / "model", "--force"]
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        self.assertEqual(done.stderr, "")
        self.assert_model(self.golden)
        with open("/dev/full", "w") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)


if __name__ == "__main__":
    unittest.main()
