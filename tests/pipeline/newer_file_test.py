"""A file of a newer kvscope: what this one knows is shown, the rest is said, or refused by name."""

import unittest

import h5py
import numpy as np

from kvscope_cli import GOLDEN, CliTest

DRAW = ["--samples", 2, "--batch", 2, "--seed", 7]


class NewerFile(CliTest):
    def setUp(self):
        super().setUp()
        self.file = self.path("base.h5")
        self.kvscope("capture", "--model", GOLDEN / "var_parity", *DRAW, "-o", self.file)

    def make_newer(self, change):
        with h5py.File(self.file, "r+") as file:
            file.attrs["schema_minor"] = np.int64(file.attrs["schema_minor"] + 1)
            change(file)

    def test_what_may_be_left_out_is_said_once(self):
        def change(file):
            file.attrs["optional_contents"] = np.bytes_("dreams")
            file["dreams"] = np.arange(3)

        self.make_newer(change)
        for command in (["info", self.file], ["compare", self.file, self.file]):
            done = self.start(*command)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stderr.count("dreams"), 1, done.stderr)

    def test_what_must_be_known_is_refused_by_name(self):
        def change(file):
            file.attrs["contents"] = np.bytes_(file.attrs["contents"] + b" dreams")

        self.make_newer(change)
        cause = self.refused(3, "info", self.file)
        self.assertIn(self.file, cause)
        self.assertIn("got dreams (a newer kvscope reads it)", cause)

    def test_unknown_counters_are_told_by_their_severity(self):
        def change(file):
            names = [*file["counter"][()], b"dreamt", b"mixed", b"lost"]
            counts = [*file["quality"][()], 1, 2, 3]
            words = file["quality"].attrs["severity"] + b" info warning data_loss"
            del file["counter"], file["quality"]
            file["counter"] = np.array(names, dtype="S32")
            file["quality"] = np.array(counts, dtype=np.int64)
            file["quality"].attrs["severity"] = np.bytes_(words)

        self.make_newer(change)
        losses = self.kvscope_json("info", self.file)["losses"]
        self.assertEqual((losses["dreamt"], losses["mixed"], losses["lost"]), (1, 2, 3))
        first = " ".join(self.kvscope("info", self.file).split())
        for loss in ("1 dreamt", "2 mixed", "3 lost"):
            self.assertIn(loss, first)
        problems = self.kvscope_json("compare", self.file, self.file)["problems"]
        told = {problem["what"] for problem in problems}
        self.assertEqual(told, {"2 mixed", "3 lost"})

        done = self.start("analyze", self.file, "-o", self.path("analysis.h5"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("3 lost: a newer kvscope counted this", done.stderr)


if __name__ == "__main__":
    unittest.main()
