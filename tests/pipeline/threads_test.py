"""Threads: how many a user may ask for, and that a run with them can be stopped."""

import os
import pathlib
import signal
import subprocess
import time
import unittest

from kvscope_cli import DEMO, GOLDEN, KVSCOPE, CliTest

TINY = GOLDEN / "shapes" / "three_scales"
PROCESSORS = os.sysconf("SC_NPROCESSORS_ONLN")


class ThreadCount(CliTest):
    # Lost without it: tens of thousands of threads take gigabytes and cannot be stopped.
    def test_far_more_than_the_processors_are_refused_by_every_command(self):
        out = ["-o", self.path("o.h5")]
        for command in (["run", "--model", TINY, "--samples", 1, *out],
                        ["capture", "--model", TINY, "--samples", 1, *out],
                        ["sweep", "a.h5", "--model", TINY, "--samples", 1, "-o", self.path("s")],
                        ["analyze", "a.h5", *out]):
            for count in (100000, 4 * PROCESSORS + 1, -1):
                with self.subTest(command=command[0], count=count):
                    cause = self.refused(2, *command, f"--threads={count}")
                    for part in ("--threads", f"{PROCESSORS} processors", f"got {count}"):
                        self.assertIn(part, cause)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_few_for_each_processor_are_taken(self):
        self.kvscope("run", "--model", TINY, "--samples", 1, "--threads", 4 * PROCESSORS,
                     "-o", self.path("o.h5"))

    def test_sigterm_ends_a_run(self):
        process = subprocess.Popen(
            [KVSCOPE, "run", "--model", DEMO, "--samples", "4000", "--batch", "1", "--threads",
             str(4 * PROCESSORS), "-o", self.path("o.h5")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        while process.poll() is None and not pathlib.Path(self.path("o.h5.partial")).exists():
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        # The run stops between two scales; a busy machine may take its time for one.
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, errors)
        self.assertFalse(pathlib.Path(self.path("o.h5")).exists())


if __name__ == "__main__":
    unittest.main()
