"""Runs the built kvscope programs for the pipeline tests."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KVSCOPE = str(pathlib.Path(os.environ["KVSCOPE_BIN"]) / "kvscope")
DEMO = str(ROOT / "data" / "demo")
GOLDEN = ROOT / "tests" / "golden"


def pixels(png):
    """The compressed pixels of a PNG: without the text that names its capture."""
    data = pathlib.Path(png).read_bytes()
    place, found = 8, b""
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] == b"IDAT":
            found += data[place + 8 : place + 8 + length]
        place += 12 + length
    return found


class CliTest(unittest.TestCase):
    """A test with a folder of its own that goes away with it."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="kvscope-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def path(self, name):
        return str(self.folder / name)

    def start(self, *arguments, **options):
        return subprocess.run(
            [KVSCOPE, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options
        )

    def kvscope(self, *arguments):
        """Runs a command that must succeed; returns its standard output."""
        done = self.start(*arguments)
        self.assertEqual(done.returncode, 0, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def kvscope_json(self, *arguments):
        return json.loads(self.kvscope(*arguments, "--json"))

    def refused(self, code, *arguments):
        """Runs a command that must fail with `code` and one line of cause; returns that line."""
        done = self.start(*arguments)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}\n{done.stderr}")
        causes = [line for line in done.stderr.splitlines() if "error" in line]
        self.assertEqual(len(causes), 1, done.stderr)
        self.assertNotIn("frame #", done.stderr)
        return causes[0]
