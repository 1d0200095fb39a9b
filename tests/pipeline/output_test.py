"""Where results go: links stay, devices live on, `-` is standard output, any file name will do."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import unittest

import numpy as np

from kvscope_cli import DEMO, GOLDEN, KVSCOPE, CliTest

CAPTURE = GOLDEN / "capture_v1.h5"
DRAW = ["--model", GOLDEN / "var_parity", "--samples", 2, "--seed", 7]


class Output(CliTest):
    def text_commands(self):
        """Every command that writes a text, but for the option's value."""
        self.kvscope("run", "--model", DEMO, "--samples", 1, "-o", self.path("demo.h5"))
        return (
            ["plan", CAPTURE, "-o"],
            ["report", CAPTURE, "-o"],
            ["export", CAPTURE, "--csv"],
            ["score", self.path("demo.h5"), "-o"],
        )

    def file_commands(self):
        """Every command that writes a file that must be read back."""
        self.kvscope("run", *DRAW, "-o", self.path("run.h5"))
        return (
            ["run", *DRAW, "-o"],
            ["capture", *DRAW, "-o"],
            ["analyze", CAPTURE, "-o"],
            ["export", self.path("run.h5"), "--npz"],
            ["compare", self.path("run.h5"), self.path("run.h5"), "--sheet"],
        )

    def device(self, name):
        """A null device of its own where that may be made, else a pipe that is being read."""
        path = self.path(name)
        try:
            os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
            # A file system without devices takes the node and opens none.
            os.close(os.open(path, os.O_WRONLY))
        except OSError:
            pathlib.Path(path).unlink(missing_ok=True)
            os.mkfifo(path)
            self.addCleanup(os.close, os.open(path, os.O_RDWR))
        return path

    def kind(self, path):
        return stat.S_IFMT(os.stat(path).st_mode)

    def test_a_device_is_written_through_or_refused_and_never_replaced(self):
        commands = (*self.text_commands(), *self.file_commands(),
                    ["sweep", CAPTURE, *DRAW, "-o"])
        device = self.device("device")
        link = self.path("link")
        os.symlink(device, link)
        kind = self.kind(device)
        written = [command[0] for command in commands for path in (device, link)
                   if self.start(*command, path, "--force").returncode == 0]
        self.assertEqual(written, ["plan", "plan", "report", "report", "export", "export",
                                   "score", "score"])
        self.assertEqual(self.kind(device), kind)
        self.assertTrue(os.path.islink(link))
        self.assertIn("device: expected the name of a regular file, got a",
                      self.refused(1, "run", *DRAW, "-o", device, "--force"))

    def test_links_lead_to_what_is_written_and_stay(self):
        data = self.folder / "data"
        data.mkdir()
        for command in (*self.text_commands(), *self.file_commands()):
            link, target = self.path("link"), data / "target"
            for old in data.iterdir():
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            os.symlink("data/target", link)
            self.kvscope(*command, link)
            first = target.read_bytes()
            refusal = self.refused(1, *command, link)
            self.assertIn("--force", refusal)
            self.kvscope(*command, link, "--force")
            self.assertTrue(os.path.islink(link), command)
            self.assertTrue(first and target.read_bytes(), command)
            self.assertFalse([path for path in data.iterdir() if "partial" in path.name])
            os.remove(link)

    def test_an_unfinished_file_lies_beside_what_the_link_leads_to(self):
        data = self.folder / "data"
        data.mkdir()
        os.symlink("data/target.h5", self.path("link.h5"))
        partial = data / "target.h5.partial"
        partial.write_text("precious")
        cause = self.refused(1, "run", *DRAW, "-o", self.path("link.h5"))
        self.assertIn(f"{partial}: expected no unfinished file", cause)
        self.assertIn(f"{partial} is there", self.refused(3, "info", self.path("link.h5")))
        self.kvscope("run", *DRAW, "-o", self.path("link.h5"), "--force")
        self.assertFalse(partial.exists())

    def test_dash_is_standard_output_for_texts(self):
        plan, report, csv, score = self.text_commands()
        for command in (plan, report, csv, score):
            name = self.path("text")
            self.kvscope(*command, name, "--force")
            expected = pathlib.Path(name).read_bytes()
            for output in (["-"], ["/dev/stdout", "--json"]):
                done = subprocess.run([KVSCOPE, *map(str, command), *output], capture_output=True,
                                      cwd=self.folder)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stdout, expected, command)
        self.assertFalse((self.folder / "-").exists())
        json.loads(self.kvscope(*plan, "-"))

    def test_dash_is_refused_where_a_file_is_needed(self):
        for command in (*self.file_commands(), ["sweep", CAPTURE, "--model", DEMO, "-o"]):
            done = self.start(*command, "-", cwd=self.folder)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn("standard output, which only texts go to", done.stderr)
            self.assertEqual(done.stdout, "")
        self.assertFalse((self.folder / "-").exists())

    def test_standard_output_in_a_file_is_appended_to(self):
        log = self.folder / "log"
        log.write_text("before\n")
        with log.open("a") as stdout:
            subprocess.run([KVSCOPE, "export", CAPTURE, "--csv", "/dev/stdout"], stdout=stdout,
                           check=True)
        text = log.read_text()
        self.assertTrue(text.startswith("before\nlayer,head,"), text[:80])


class NamesThatAreNoUtf8(CliTest):
    """Latin-1 names are bytes to the file system and no text to JSON."""

    def setUp(self):
        super().setUp()
        self.folder = self.folder / os.fsdecode(b"caf\xe9")
        self.folder.mkdir()

    def start(self, *arguments, **options):
        return super().start(*arguments, errors="surrogateescape", **options)

    def test_every_command_answers(self):
        run, twice = self.path("run.h5"), self.path("twice.h5")
        base = self.path("base.h5")
        for command in (
            ["run", "--model", DEMO, "--samples", 1, "-o", self.path("demo.h5")],
            ["run", *DRAW, "-o", run],
            ["run", *DRAW, "-o", twice],
            ["capture", *DRAW, "--batch", 1, "--store", "reduced", "-o", base],
            ["info", run],
            ["compare", run, twice],
            ["report", run, twice, "-o", self.path("report.html")],
            ["export", run, "--npz", self.path("images.npz")],
            ["export", base, "--csv", self.path("statistics.csv")],
            ["analyze", base, "-o", self.path("analysis.h5")],
            ["plan", base, "-o", self.path("budget.json")],
            ["info", self.path("budget.json")],
            ["score", self.path("demo.h5")],
            ["info", self.path("demo.h5.scores.json")],
            ["sweep", base, *DRAW, "--ratios", 0.6, "--statistics", "last", "--no-score", "-o",
             self.path("cells")],
            ["info", self.path("cells/results.json")],
            ["doctor"],
        ):
            told = self.kvscope_json(*command)
            if "file" in told:
                self.assertIn("caf\N{REPLACEMENT CHARACTER}", told["file"])
        self.assertEqual(np.load(self.path("images.npz"))["arr_0"].shape[0], 2)
        for text in ("budget.json", "cells/results.json", "demo.h5.scores.json"):
            json.loads(pathlib.Path(self.path(text)).read_text())

    def test_damaged_settings_are_one_line(self):
        budget = pathlib.Path(self.path("budget.json"))
        budget.write_bytes(b'{"schema": "caf\xe9"}')
        self.assertIn("valid JSON", self.refused(3, "info", budget))


if __name__ == "__main__":
    unittest.main()
