"""What people read on a terminal: no line is wider than it, and every kind of file is told in five
lines."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unicodedata
import unittest

from kvscope_cli import DEMO, KVSCOPE, CliTest

ENGINE = str(pathlib.Path(KVSCOPE).with_name("kvscope-engine"))
DRAW = ["--model", DEMO, "--samples", 4, "--batch", 2, "--seed", 7]
USUAL = 100


def columns_of(line):
    """Columns that a terminal shows: a combining mark takes none, a wide character two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in line)


def commands_of(program):
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    listed = text[text.index("Commands:"):].splitlines()[1:]
    return [match[1] for match in (re.match(r"  ([a-z]+) ", line) for line in listed) if match]


class WidthTest(CliTest):
    def expect_narrow(self, text, columns, what):
        self.assertTrue(text.strip(), what)
        for line in text.splitlines():
            self.assertLessEqual(columns_of(line), columns, f"{what}\n{line}")
            self.assertEqual(line, line.rstrip(), f"{what}: spaces at the end")

    def shown(self, *arguments, columns=None):
        """What a command shows of these columns, or without a terminal; nothing is wider."""
        environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
        if columns is not None:
            environment["COLUMNS"] = str(columns)
        done = self.start(*arguments, env=environment)
        self.assertEqual(done.returncode, 0, f"{arguments}\n{done.stderr}")
        self.expect_narrow(done.stdout, columns or USUAL, arguments)
        return done.stdout


class Help(WidthTest):
    def test_every_help_fits(self):
        for program in (KVSCOPE, ENGINE):
            commands = commands_of(program)
            self.assertIn("run", commands)
            for arguments in ([], *([command] for command in commands)):
                for columns in (60, 80, 100, 150):
                    command = [program, *arguments, "--help"]
                    done = subprocess.run(command, capture_output=True, text=True, check=True,
                                          env={**os.environ, "COLUMNS": str(columns)})
                    self.expect_narrow(done.stdout, columns, (*command, columns))

    def test_wrapping_loses_no_word(self):
        narrow, wide = (self.shown("plan", "--help", columns=columns) for columns in (60, 1000))
        self.assertGreater(len(narrow.splitlines()), len(wide.splitlines()))
        self.assertEqual(narrow.split(), wide.split())


class Screens(WidthTest):
    @classmethod
    def make_files(cls, test):
        """The demo's job, small."""
        shown = [
            test.shown("capture", *DRAW, "--store", "raw", "-o", test.path("base.h5")),
            test.shown("analyze", test.path("base.h5"), "-o", test.path("base.analysis.h5")),
            test.shown("plan", test.path("base.analysis.h5"), "--ratio", 0.2, "--of", "read", "-o",
                       test.path("budget.json")),
            test.shown("run", *DRAW, "--score", "-o", test.path("vanilla.h5")),
            test.shown("run", *DRAW, "--score", "--budget", test.path("budget.json"), "-o",
                       test.path("ams.h5")),
        ]
        return shown

    def test_the_job_of_the_demo_fits(self):
        self.make_files(self)
        files = [self.path("vanilla.h5"), self.path("ams.h5")]
        self.shown("report", *files, self.path("base.analysis.h5"), "-o", self.path("report.html"))
        brief = self.shown("compare", "--brief", *files)
        for figure in ("KV cache at its peak", "attention_core", "end to end",
                       "tokens as the baseline's", "class accuracy", "demo Fréchet distance"):
            self.assertRegex(brief, rf"(?m)^{figure}.* \S+ +\S+$")
        self.shown("doctor")
        self.shown("plan", self.path("base.analysis.h5"), columns=80)
        self.shown("score", self.path("ams.h5"), "--force")
        self.check_comparisons()
        self.check_infos()

    def copy(self, name):
        """Another file of the same run; its name must not fold it into the first one."""
        shutil.copy(self.path("ams.h5"), self.path(name))
        images = pathlib.Path(self.path("ams.images"))
        shutil.copytree(images, pathlib.Path(self.path(name)).with_suffix(".images"))
        return self.path(name)

    def check_comparisons(self):
        files = [self.path("vanilla.h5"), self.path("ams.h5")]
        files += [self.copy(name) for name in ("fill.h5", "uniform.h5", "fifth.h5", "sixth.h5")]
        for count in range(2, 7):
            text = self.shown("compare", *files[:count])
            if count <= 4:
                # Side by side: every figure of memory in one line.
                self.assertRegex(text, r"(?m)^planned logical peak" + r" +[0-9.]+ MiB" * count + "$")
            self.shown("compare", *files[:count], columns=70)
        for name in ("fifth.h5", "sixth.h5"):
            self.assertIn(name, text)
        self.check_long_names(files)

    def check_long_names(self, files):
        folders = ["a-folder-of-runs-with-a-long-name", "another-folder-of-runs-with-a-long-name"]
        longs = []
        for folder in folders:
            self.folder.joinpath(folder).mkdir()
            longs.append(self.copy(f"{folder}/run.h5"))
        # Of one name: their paths tell them apart, a number stands for each.
        text = self.shown("compare", longs[0], longs[1], columns=max(map(len, longs)) + 4)
        for number, path in enumerate(longs, 1):
            self.assertIn(f"[{number}] {path}\n", text)
        self.assertRegex(text, r"(?m)^ +\[1\] +\[2\]$")
        # Names that fit stand for themselves.
        self.assertRegex(self.shown("compare", *files[:2]), r"(?m)^ +vanilla.h5 +ams.h5$")

    def check_infos(self):
        self.kvscope("sweep", self.path("base.analysis.h5"), *DRAW, "--statistics", "last,uniform",
                     "--ratios", "0.4,0.2", "--teacher-forced", 2, "-o", self.path("cells"))
        self.shown("sweep", self.path("base.analysis.h5"), *DRAW, "--statistics", "last,uniform",
                   "--ratios", "0.4,0.2", "--teacher-forced", 2, "-o", self.path("cells"))
        self.shown("score", self.path("ams.h5"), "--teacher-forced", self.path("vanilla.h5"),
                   "--model", DEMO)
        partial = self.path("partial.h5.partial")
        shutil.copy(self.path("vanilla.h5"), partial)
        subprocess.run([sys.executable, "-c", "import h5py, sys\n"
                        "with h5py.File(sys.argv[1], 'r+') as f: f.attrs['complete'] = 0",
                        partial], check=True)
        kinds = {"base.h5": "a capture, 4 samples", "vanilla.h5": "a run, 4 samples",
                 "base.analysis.h5": "an analysis", "partial.h5.partial": "unfinished, 4 of 4",
                 "budget.json": "a budget", "ams.h5.scores.json": "scores of 4 images",
                 "ams.h5.forced.json": "teacher-forced agreement",
                 "cells/results.json": "results of a sweep", DEMO: "a model folder"}
        for name, kind in kinds.items():
            path = name if name == DEMO else self.path(name)
            for columns in (None, 60):
                with self.subTest(file=name, columns=columns):
                    text = self.start("info", path).stdout if columns is None else None
                    text = text or self.start("info", path, env={**os.environ, "COLUMNS": "60"}).stdout
                    facts = [line for line in text.splitlines() if not line.startswith(" ")]
                    self.assertEqual(len(facts), 5, text)
                    self.assertTrue(facts[0].startswith("what "), text)
                    self.assertIn(kind, " ".join(text.split()))
            self.shown("info", "--all", path)
            self.assertEqual(self.start("info", "--all", "--json", path).returncode, 2)
        self.check_forced_scales()

    def check_forced_scales(self):
        """Ten scales are ten rows, not a line of JSON."""
        text = self.shown("info", "--all", self.path("ams.h5.forced.json"))
        self.assertNotIn("{", text)
        self.assertRegex(text, r"(?m)^9 +[0-9.]+ \([0-9.]+ … [0-9.]+\)")


if __name__ == "__main__":
    unittest.main()
