"""Threads: how many a user may ask for, how they wait, and that a run with them can be stopped."""

import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

from kvscope_cli import DEMO, GOLDEN, KVSCOPE, CliTest

ENGINE = str(pathlib.Path(KVSCOPE).parent / "kvscope-engine")
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


class WaitingThreads(CliTest):
    def policy_of(self, *command, **environment):
        """What libgomp says it does while a thread waits, at its last start."""
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, timeout=300,
            env=clean | {"OMP_DISPLAY_ENV": "verbose"} | environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = dict(re.findall(r"(OMP_WAIT_POLICY|GOMP_SPINCOUNT) = '(\w+)'", done.stderr))
        return found["OMP_WAIT_POLICY"], int(found["GOMP_SPINCOUNT"])

    # Lost without it: beside other work a run takes several times as long (docs/results.md).
    def test_they_sleep_however_the_engine_is_started(self):
        for command in ([KVSCOPE, "run", "--help"], [ENGINE, "devices"]):
            with self.subTest(command[0]):
                self.assertEqual(self.policy_of(*command), ("PASSIVE", 0))

    def test_the_choice_of_the_user_stays(self):
        for command in ([KVSCOPE, "run", "--help"], [ENGINE, "devices"]):
            with self.subTest(command[0]):
                self.assertEqual(self.policy_of(*command, OMP_WAIT_POLICY="active")[0], "ACTIVE")
                self.assertEqual(self.policy_of(*command, GOMP_SPINCOUNT="77")[1], 77)


if __name__ == "__main__":
    unittest.main()
