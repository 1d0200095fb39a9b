"""Every command fed every wrong kind of file: it says what the file is and what it wants."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from kvscope_cli import DEMO, KVSCOPE, CliTest

RUN = "run --model {demo} --samples 1 -o {out}"
SWEEP = "sweep {analysis} --model {demo} --samples 1 --statistics first -o {out}"

# Command line with the file as {}, part of what it says it wants, the kinds that it takes.
SLOTS = [
    ("info {}", "a capture, run or analysis, a trace, a budget",
     {"capture", "run", "analysis", "budget", "sweep results", "scores", "model folder"}),
    ("plan {}", "an analysis (from", {"capture", "run", "analysis"}),
    ("plan {analysis} --statistic damage --damage {}", "sweep --single-layers", {"sweep results"}),
    ("compare {capture} {}", "a capture or run", {"capture", "run", "analysis"}),
    ("compare {} {capture}", "a capture or run", {"capture", "run", "analysis"}),
    ("report {} -o {out}", "a run, capture or analysis", {"capture", "run", "analysis"}),
    ("export {} --csv {out}", "which have statistics", {"capture", "analysis"}),
    ("export {} --npz {out}", "which have images", {"capture", "run"}),
    ("analyze {} -o {out}", "a capture (from", {"capture", "analysis"}),
    ("score {} -o {out}", "which have images", {"capture", "run"}),
    ("run --model {} --samples 1 -o {out}", "a model folder", {"model folder"}),
    ("capture --model {} --random-weights 1 --samples 1 -o {out}", "a model folder",
     {"model folder"}),
    (f"{RUN} --budget {{}}", "a budget (JSON from 'kvscope plan')", {"budget"}),
    (f"{RUN} --score --scorer {{}}", "a scorer folder", {"scorer folder"}),
    ("sweep {} --model {demo} --samples 1 -o {out}", "an analysis (from",
     {"capture", "run", "analysis"}),
    (f"{SWEEP} --damage {{}}", "sweep --single-layers", {"sweep results"}),
]

# What each kind is called.
NAMES = {
    "capture": "got a capture", "run": "got a run", "analysis": "got an analysis",
    "budget": "got a budget", "sweep results": "got the results of a sweep",
    "scores": "got a scores file", "model folder": "got a model folder",
    "scorer folder": "got a scorer folder", "images folder": "got the images folder",
    "sweep folder": "got a sweep folder", "folder": "got a folder", "png": "got a PNG image",
    "safetensors": "got a safetensors file", "text": "got a text file", "html": "got an HTML",
    "zip": "got a zip archive", "git lfs pointer": "got a Git LFS pointer", "empty": "got an empty",
}


class WrongFile(CliTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory(prefix="kvscope-")
        cls.addClassCleanup(holder.cleanup)
        cls.kinds = one_of_each(pathlib.Path(holder.name))

    def test_is_named_with_what_the_command_wants(self):
        self.assertEqual(set(self.kinds), set(NAMES))
        for slot, wanted, takes in SLOTS:
            self.assertLessEqual(takes, set(NAMES))
            for kind, path in self.kinds.items():
                if kind in takes:
                    continue
                words = [word.format(path, demo=DEMO, out=self.path("out"),
                                     analysis=self.kinds["analysis"],
                                     capture=self.kinds["capture"]) for word in slot.split()]
                with self.subTest(command=slot, kind=kind):
                    cause = self.refused(3, *words)
                    self.assertIn(f"{path}: expected ", cause)
                    self.assertIn(wanted, cause)
                    self.assertIn(NAMES[kind], cause)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_info_describes_every_kind_that_it_takes(self):
        for kind in SLOTS[0][2]:
            self.assertEqual(self.kvscope_json("info", self.kinds[kind])["kind"],
                             "sweep" if kind == "sweep results" else kind)

    def test_budgets_are_told_by_content(self):
        path = self.folder / "budget.txt"
        shutil.copy(self.kinds["budget"], path)
        self.assertEqual(self.kvscope_json("info", path)["kind"], "budget")

    def test_a_size_without_weights(self):
        cause = self.refused(2, "run", "--model", "d16", "--samples", 1, "-o", self.path("o.h5"))
        self.assertIn("--random-weights SEED", cause)
        cause = self.refused(3, "plan", "d30")
        self.assertIn("an analysis (from 'kvscope analyze'", cause)
        self.assertIn("kvscope plan --model d30", cause)
        cause = self.refused(3, "run", "--model", "d17", "--random-weights", 1, "--samples", 1, "-o",
                             self.path("o.h5"))
        self.assertIn("d16, d20, d24, d30, d36-512, demo", cause)


class Words(CliTest):
    def test_compare_takes_two_or_more(self):
        help_text = self.kvscope("compare", "--help")
        self.assertIn("Two or more", help_text)
        self.assertNotIn("2x", help_text)

    def test_doctor_calls_nothing_ok_that_is_not_used(self):
        cupti = next(row for row in self.kvscope_json("doctor") if row["item"] == "CUPTI")
        self.assertFalse(cupti["ok"])
        self.assertIn("does not use it", cupti["remedy"])

    def test_the_time_of_loading_stands_beside_that_of_the_job(self):
        draw = ["run", "--model", DEMO, "--samples", 1]
        self.assertRegex(self.kvscope(*draw, "-o", self.path("a.h5")),
                         r"[0-9.]+\s+s\s+after\s+[0-9.]+\s+s\s+of\s+loading\s+and\s+warm-up")
        summary = self.kvscope_json(*draw, "-o", self.path("b.h5"))
        self.assertGreater(summary["setup_seconds"], 0)
        self.assertGreater(summary["job_seconds"], 0)


def one_of_each(folder):
    """A file or folder of every kind, by kind."""

    def make(name, content):
        path = folder / name
        path.write_bytes(content)
        return str(path)

    def kvscope(*arguments):
        subprocess.run([KVSCOPE, *map(str, arguments)], check=True, capture_output=True)

    draw = ["--model", DEMO, "--samples", 2, "--batch", 1]
    kvscope("capture", *draw, "--store", "reduced", "-o", folder / "capture.h5")
    kvscope("analyze", folder / "capture.h5", "-o", folder / "analysis.h5")
    kvscope("plan", folder / "analysis.h5", "-o", folder / "budget.json")
    kvscope("sweep", folder / "analysis.h5", *draw, "--statistics", "last", "--ratios", 0.2, "--no-score",
            "-o", folder / "sweep")
    kvscope("score", folder / "capture.h5", "-o", folder / "scores.json")
    (folder / "plain").mkdir()
    png = next(path for path in sorted(folder.rglob("*.png")))
    return {
        "capture": str(folder / "capture.h5"),
        "run": str(folder / "sweep" / "vanilla.h5"),
        "analysis": str(folder / "analysis.h5"),
        "budget": str(folder / "budget.json"),
        "sweep results": str(folder / "sweep" / "results.json"),
        "scores": str(folder / "scores.json"),
        "model folder": DEMO,
        "scorer folder": str(pathlib.Path(DEMO) / "scorer"),
        "images folder": str(png.parent),
        "sweep folder": str(folder / "sweep"),
        "folder": str(folder / "plain"),
        "png": str(png),
        "safetensors": str(pathlib.Path(DEMO) / "weights.safetensors"),
        "text": make("notes.h5", b"not HDF5\n"),
        "html": make("page.json", b"<!DOCTYPE html><title>Not found</title>"),
        "zip": make("weights.pth", b"PK\x03\x04" + bytes(100)),
        "git lfs pointer": make("pointer", b"version https://git-lfs.github.com/spec/v1\n"),
        "empty": make("empty.json", b""),
    }


if __name__ == "__main__":
    unittest.main()
