"""Memory of a raw capture does not grow with the number of samples."""

import os
import subprocess
import unittest

from kvscope_cli import DEMO, KVSCOPE, CliTest


class Memory(CliTest):
    def peak_rss_kib(self, samples):
        process = subprocess.Popen(
            [KVSCOPE, "capture", "--model", DEMO, "--samples", str(samples), "--store", "raw",
             "-o", self.path(f"{samples}.h5")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss

    def test_raw_capture_of_64_samples_needs_what_4_need(self):
        few, many = self.peak_rss_kib(4), self.peak_rss_kib(64)
        self.assertLess(many, 1.10 * few)


if __name__ == "__main__":
    unittest.main()
