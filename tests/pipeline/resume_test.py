"""A run that was stopped goes on with --resume to what it would have been."""

import pathlib
import random
import shutil
import signal
import subprocess
import time
import unittest

import h5py
import numpy as np

from kvscope_cli import DEMO, KVSCOPE, CliTest, pixels
from scorers import write_demo_scorer

DRAW = ["--model", DEMO, "--batch", 2, "--seed", 7, "--threads", 1]
KINDS = {
    "raw": ["capture", *DRAW, "--samples", 13, "--store", "raw", "--keep-layers", "0,11"],
    "reduced": ["capture", *DRAW, "--samples", 13, "--store", "reduced", "--first-sample", 4],
    "scored": ["run", *DRAW, "--samples", 13, "--score"],
}
# Measured, not drawn: these differ between any two runs.
MEASURED = ("timing/", "memory/")


def contents(path):
    """Every dataset of a file that is drawn or computed, and every attribute of the root that is no
    id or time, as bytes."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: np.asarray(item[()]).tobytes()})
            if isinstance(item, h5py.Dataset) and not name.startswith(MEASURED)
            else None
        )
        for name, value in file.attrs.items():
            if name not in ("capture_id", "start_time"):
                found["@" + name] = value
        for name, value in file["ledger/logical_bytes"].attrs.items():
            if name not in ("DIMENSION_LIST", "REFERENCE_LIST"):
                found["ledger@" + name] = value
    return found


class Resume(CliTest):
    def begin(self, command, output):
        return subprocess.Popen(
            [KVSCOPE, *map(str, command), "-o", output],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )

    def stop_behind(self, command, output, signal_number, samples=1):
        """Starts the command and stops it once its partial file holds `samples`."""
        process = self.begin(command, output)
        while process.poll() is None:
            info = self.start("info", output + ".partial", "--json")
            if info.returncode == 0:
                committed = int(info.stdout.split('"committed_samples": ')[1].split(",")[0])
                if committed >= samples:
                    break
            time.sleep(0.02)
        process.send_signal(signal_number)
        _, errors = process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0, "it ended before the signal")
        return errors

    def assert_same(self, whole, resumed):
        expected, found = contents(whole), contents(resumed)
        self.assertEqual(set(expected), set(found))
        for name in expected:
            self.assertEqual(expected[name], found[name], name)
        first, second = (pathlib.Path(path).with_suffix(".images") for path in (whole, resumed))
        names = sorted(image.name for image in first.iterdir())
        self.assertEqual(names, sorted(image.name for image in second.iterdir()))
        for name in names:
            self.assertEqual(pixels(first / name), pixels(second / name), name)
        for left in (".partial", ".partial.new"):
            self.assertFalse(pathlib.Path(resumed + left).exists())
        self.assertFalse((pathlib.Path(resumed).with_suffix(".images.partial")).exists())

    def test_goes_on_to_the_same_contents_after_any_signal(self):
        for kind, command in KINDS.items():
            whole = self.path(f"{kind}.h5")
            self.kvscope(*command, "-o", whole)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
                with self.subTest(kind=kind, signal=number.name):
                    output = self.path(f"{kind}-{number.name}.h5")
                    errors = self.stop_behind(command, output, number, 4)
                    if number != signal.SIGKILL:
                        self.assertIn(f"'kvscope {command[0]}' command with --resume", errors)
                    done = self.start(*command, "--resume", "-o", output)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertIn("goes on behind", done.stderr)
                    self.assert_same(whole, output)

    def test_a_compressed_file_goes_on_only_when_its_writer_closed_it(self):
        command = [*KINDS["reduced"], "--compression", "deflate:1"]
        whole, output = self.path("whole.h5"), self.path("o.h5")
        self.kvscope(*command, "-o", whole)
        self.stop_behind(command, output, signal.SIGINT)
        self.kvscope(*command, "--resume", "-o", output)
        self.assert_same(whole, output)
        killed = self.path("killed.h5")
        self.stop_behind(command, killed, signal.SIGKILL)
        cause = self.refused(1, *command, "--resume", "-o", killed)
        self.assertIn("expected a compressed file that its writer closed", cause)

    def test_goes_on_after_kills_at_random_moments(self):
        whole = self.path("whole.h5")
        self.kvscope(*KINDS["reduced"], "-o", whole)
        output = self.path("killed.h5")
        moments = random.Random(3)
        kills, errors = 0, ""
        for _ in range(8):
            process = self.begin([*KINDS["reduced"], "--resume"], output)
            time.sleep(moments.uniform(0.3, 3.0))
            process.kill()
            errors += process.communicate()[1]
            kills += process.returncode != 0
        done = self.start(*KINDS["reduced"], "--resume", "-o", output)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_same(whole, output)
        self.assertGreater(kills, 2)
        # Kills that all fell into loading would have tested nothing.
        self.assertIn("goes on behind", errors + done.stderr)

    def test_goes_on_whichever_name_the_kill_left(self):
        command = KINDS["raw"]
        whole, output = self.path("whole.h5"), self.path("o.h5")
        self.kvscope(*command, "-o", whole)
        self.kvscope(*command, "--resume", "-o", output)  # nothing there: from the start
        self.assert_same(whole, output)
        before = pathlib.Path(output).stat().st_mtime_ns
        self.kvscope(*command, "--resume", "-o", output)  # finished: nothing to do
        self.assertEqual(pathlib.Path(output).stat().st_mtime_ns, before)
        # Killed between the file's name and its images', then before both.
        images = pathlib.Path(self.path("o.images"))
        images.rename(self.path("o.images.partial"))
        self.kvscope(*command, "--resume", "-o", output)
        self.assert_same(whole, output)
        images.rename(self.path("o.images.partial"))
        pathlib.Path(output).rename(output + ".partial")
        self.kvscope(*command, "--resume", "-o", output)
        self.assert_same(whole, output)

    def test_names_the_first_setting_that_differs(self):
        command = ["run", *DRAW, "--labels", "3,7,1,2,0,5", "--samples", 400]
        output = self.path("o.h5")
        self.stop_behind(command, output, signal.SIGKILL)
        before = contents_of_partial(output)
        changed = {"seed": ["--seed", 8], "labels": ["--labels", "3,7,1,2,0,6"],
                   "samples": ["--samples", 12], "cfg": ["--cfg", 3], "repeat": ["--repeat", 2],
                   "threads": ["--threads", 2], "dtype": ["--dtype", "bf16"]}
        for setting, options in changed.items():
            own = [word for word in command]
            place = own.index(options[0]) if options[0] in own else len(own)
            own[place : place + 2] = options
            cause = self.refused(3, *own, "--resume", "-o", output)
            self.assertIn(f"o.h5.partial: expected {setting} ", cause)
        cause = self.refused(3, "capture", *command[1:], "--resume", "-o", output)
        self.assertIn("o.h5.partial: expected ", cause)
        self.assertIn("--resume", self.refused(1, *command, "-o", output))
        self.assertEqual(contents_of_partial(output), before, "a refusal changes nothing")
        shutil.rmtree(self.path("o.images.partial"))
        cause = self.refused(3, *command, "--resume", "-o", output)
        self.assertIn("expected the image of sample 0", cause)

    def test_names_the_part_of_a_setting_that_differs(self):
        budgets = {}
        for count in (3, 4):
            budgets[count] = self.path(f"{count}.json")
            self.kvscope("plan", "--model", DEMO, "--statistic", "first", "--demanding-layers",
                         count, "-o", budgets[count])
        scorer, another = self.folder / "scorer", self.folder / "another"
        write_demo_scorer(scorer)
        write_demo_scorer(another, name="another")
        command = ["capture", *DRAW, "--samples", 400, "--store", "raw", "--keep-layers", "0,11",
                   "--budget", budgets[3], "--score", "--scorer", scorer]
        output = self.path("o.h5")
        self.stop_behind(command, output, signal.SIGKILL)
        for options, expected in (
            (["--keep-layers", "0,3"], "expected keep.layers [0,3], got [0,11]"),
            (["--scorer", another], 'expected scorer.name "another", got "'),
            (["--budget", budgets[4]], "expected budget.layers[3]."),
        ):
            own = list(command)
            place = own.index(options[0])
            own[place : place + 2] = options
            cause = self.refused(3, *own, "--resume", "-o", output)
            self.assertIn(f"o.h5.partial: {expected}", cause)

    def test_force_replaces_what_is_of_another_job_whole_or_not(self):
        command = ["run", *DRAW, "--samples", 400]
        other = ["run", "--model", DEMO, "--samples", 2, "--seed", 8]
        output = self.path("o.h5")
        self.stop_behind(command, output, signal.SIGKILL)
        self.refused(3, *other, "--resume", "-o", output)
        for seed in (8, 9):  # an unfinished file of another job, then a finished one
            other[-1] = seed
            self.kvscope(*other, "--resume", "--force", "-o", output)
            info = self.kvscope_json("info", output)
            self.assertEqual(info["settings"]["seed"], seed)
            self.assertFalse(pathlib.Path(output + ".partial").exists())
            self.refused(3, *command, "--resume", "-o", output)
        # What is of the job goes on, --force or not.
        own = self.path("own.h5")
        self.stop_behind(KINDS["raw"], own, signal.SIGKILL, 4)
        done = self.start(*KINDS["raw"], "--resume", "--force", "-o", own)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("goes on behind", done.stderr)

    def test_an_unfinished_file_is_never_called_finished(self):
        command = ["run", *DRAW, "--samples", 400]
        output = self.path("o.h5")
        self.stop_behind(command, output, signal.SIGKILL)
        cause = self.refused(1, *command, "--resume", "-o", output + ".partial")
        self.assertIn("expected a name without .partial", cause)
        pathlib.Path(output + ".partial").rename(output)
        pathlib.Path(self.path("o.images.partial")).rename(self.path("o.images"))
        cause = self.refused(3, *command, "--resume", "-o", output)
        self.assertIn("o.h5: expected a finished file", cause)

    def test_a_file_that_is_being_written_is_left_alone(self):
        command = ["run", *DRAW, "--samples", 200]
        output = self.path("o.h5")
        process = self.begin(command, output)
        try:
            while not pathlib.Path(output + ".partial").exists():
                time.sleep(0.02)
            self.assertIn(
                "another process", self.refused(1, *command, "--resume", "-o", output)
            )
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def contents_of_partial(output):
    with h5py.File(output + ".partial", "r", swmr=True) as file:
        return (file["samples/token_ids"][()].tobytes(), int(file["committed_samples"][()]))


if __name__ == "__main__":
    unittest.main()
