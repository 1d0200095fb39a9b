"""A run that is stopped: nothing half-written under the final name, what was committed is whole."""

import pathlib
import random
import signal
import subprocess
import time
import unittest

import h5py
import numpy as np

from kvscope_cli import DEMO, KVSCOPE, CliTest

CAPTURE = ["capture", "--model", DEMO, "--samples", "40", "--batch", "1", "--seed", "7",
           "--store", "raw", "--keep-layers", "0,11"]


class Interruption(CliTest):
    def start_capture(self, output):
        return subprocess.Popen(
            [KVSCOPE, *CAPTURE, "-o", output], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_for_commit(self, process, partial):
        """Waits until the partial file has a first committed sample."""
        while process.poll() is None:
            info = self.start("info", partial, "--json")
            if info.returncode == 0 and '"committed_samples": 0' not in info.stdout:
                return
            time.sleep(0.05)
        self.fail(process.stderr.read())

    def test_sigint_keeps_what_was_committed(self):
        process = self.start_capture(self.path("o.h5"))
        self.wait_for_commit(process, self.path("o.h5.partial"))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, errors)
        self.assertFalse(pathlib.Path(self.path("o.h5")).exists())
        info = self.kvscope_json("info", self.path("o.h5.partial"))
        self.assertFalse(info["complete"])
        self.assertGreater(info["committed_samples"], 0)
        self.assertEqual(
            info["losses"]["uncommitted_samples"], 40 - info["committed_samples"]
        )
        self.kvscope("analyze", self.path("o.h5.partial"), "-o", self.path("a.h5"))
        causes = [line for line in errors.splitlines() if "error" in line]
        self.assertEqual(len(causes), 1, errors)
        for part in (f"o.h5.partial keeps {info['committed_samples']} of 40 samples",
                     "'kvscope info' and 'kvscope analyze' open it"):
            self.assertIn(part, causes[0])
        cause = self.refused(1, *CAPTURE, "-o", self.path("o.h5"))
        for part in ("o.h5.partial: expected no unfinished file", "move it away", "--force"):
            self.assertIn(part, cause)

    def test_sigkill_at_any_moment_keeps_every_committed_sample(self):
        self.kvscope(*CAPTURE, "-o", self.path("whole.h5"))
        moments = random.Random(1)
        committed_counts = []
        with h5py.File(self.path("whole.h5")) as whole:
            for attempt in range(30):
                output = self.path(f"killed{attempt}.h5")
                process = self.start_capture(output)
                time.sleep(moments.uniform(0.2, 5.0))
                process.kill()
                process.communicate()
                if process.returncode == 0:
                    continue
                self.assertFalse(pathlib.Path(output).exists())
                if not pathlib.Path(output + ".partial").exists():
                    continue
                committed_counts.append(self.check_partial(output + ".partial", whole))
        # The moments must have hit runs under way, or this test shows nothing.
        self.assertGreater(sum(count > 0 for count in committed_counts), 5, committed_counts)

    def check_partial(self, path, whole):
        info = self.start("info", path, "--json")
        if info.returncode == 3:
            # Killed while the objects were being created: refused, with the reason.
            self.assertIn(path, info.stderr)
            return 0
        with h5py.File(path, "r", swmr=True) as file:
            count = int(file["committed_samples"][()])
            for name in ("samples/token_ids", "samples/label", "kv/layer_00/key", "kv/layer_11/value"):
                np.testing.assert_array_equal(file[name][:count], whole[name][:count], err_msg=name)
        return count


if __name__ == "__main__":
    unittest.main()
