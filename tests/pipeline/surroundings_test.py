"""Machines that are not as they should be: no folder, no disk, no terminal, a broken engine."""

import fcntl
import os
import pathlib
import pty
import re
import resource
import shutil
import struct
import subprocess
import sys
import termios
import unittest

import h5py

from kvscope_cli import DEMO, GOLDEN, KVSCOPE, CliTest

CAPTURE = GOLDEN / "capture_v1.h5"
TINY = ["--model", GOLDEN / "var_parity", "--samples", 2, "--seed", 7]


class Doctor(CliTest):
    """Doctor must not die of what it is there to find."""

    def findings(self, program=KVSCOPE, **options):
        # Wide enough that no cell is broken.
        env = {**options.pop("env", os.environ), "COLUMNS": "1000"}
        done = subprocess.run([program, "doctor"], capture_output=True, text=True, timeout=120, env=env,
                              **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = {}
        for line in done.stdout.splitlines()[1:]:
            item, *rest = re.split(r"\s{2,}", line.strip())
            rows[item] = rest
        return rows

    def refuses(self, row, *expected):
        self.assertEqual(row[0], "-", row)
        for text in expected:
            self.assertIn(text, " ".join(row))

    def program_in(self, name):
        folder = self.folder / name
        folder.mkdir()
        shutil.copy(KVSCOPE, folder)
        return folder / "kvscope", folder / "kvscope-engine"

    def engine_row(self, script, name="bin"):
        program, engine = self.program_in(name)
        engine.write_text(script)
        engine.chmod(0o755)
        return self.findings(program)["engine"]

    def test_folders_that_are_not_there(self):
        rows = self.findings(env={**os.environ, "TMPDIR": "/no/such", "HOME": "/no/home"})
        self.refuses(rows["temporary folder"], "/no/such: No such file or directory", "TMPDIR")
        self.assertEqual(rows["engine"][0], "ok")
        self.assertEqual(rows["current folder"][0], "ok")

    def deleted_folder(self):
        gone = self.folder / "gone"

        def enter():
            gone.mkdir()
            os.chdir(gone)
            gone.rmdir()

        return enter

    def test_a_deleted_working_folder(self):
        rows = self.findings(preexec_fn=self.deleted_folder())
        self.refuses(rows["current folder"], "No such file or directory", "change to a folder")
        self.assertEqual(rows["engine"][0], "ok", rows)

    def test_the_model_does_not_run_in_a_deleted_folder(self):
        for output in ("o.h5", self.path("o.h5")):
            done = self.start("run", *TINY, "-o", output, preexec_fn=self.deleted_folder())
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn("current folder: expected one that is there", done.stderr)
        self.assertFalse(pathlib.Path(self.path("o.h5")).exists())

    def test_a_full_temporary_folder(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

        rows = self.findings(preexec_fn=limit, env={**os.environ, "TMPDIR": str(self.folder)})
        self.refuses(rows["temporary folder"], "File too large")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_folder_name_that_a_shell_would_read(self):
        program, engine = self.program_in("it's $(touch here) built")
        engine.symlink_to(pathlib.Path(KVSCOPE).with_name("kvscope-engine"))
        self.assertEqual(self.findings(program)["engine"][0], "ok")

    def test_an_engine_that_does_not_start_is_called_what_it_is(self):
        program, engine = self.program_in("missing")
        self.refuses(self.findings(program)["engine"], "was not built", "setup.sh")
        engine.write_text("")
        engine.chmod(0o644)
        self.refuses(self.findings(program)["engine"], "is not executable", f"chmod +x {engine}")
        done = subprocess.run([program, "run"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{engine} is not executable (chmod +x {engine}", done.stderr)
        self.refuses(self.engine_row("#!/no/such/interpreter\n", "a"), "does not start")
        self.refuses(self.engine_row("#!/bin/sh\nkill -SEGV $$\n", "b"), "Segmentation fault")
        self.refuses(self.engine_row("#!/bin/sh\necho no libtorch >&2\nexit 127\n", "c"), "no libtorch")
        self.refuses(self.engine_row("#!/bin/sh\necho hello\n", "d"), "its answer is not kvscope's")
        self.refuses(self.engine_row("#!/bin/sh\nexec sleep 600\n", "e"), "no answer in 30 s")


class Files(CliTest):
    def test_a_full_disk_is_one_line(self):
        # Compressed chunks find their place when they are written, on the writer's thread.
        capture = ["capture", "--model", GOLDEN / "var_parity", "--seed", 7, "--samples", 64,
                   "--batch", 8, "--compression", "deflate:1", "-o"]
        self.kvscope(*capture, self.path("whole.h5"))
        size = os.path.getsize(self.path("whole.h5"))
        for share in (0.02, 0.5, 0.9):
            def limit():
                resource.setrlimit(resource.RLIMIT_FSIZE, (int(share * size),) * 2)

            output = self.path(f"full{share}.h5")
            done = self.start(*capture, output, preexec_fn=limit)
            self.assertEqual(done.returncode, 1, done.stderr)
            lines = [line for line in done.stderr.splitlines() if not line.startswith("capture: ")]
            self.assertEqual(len(lines), 1, done.stderr)
            self.assertIn("full", lines[0])
            self.assertIn("file size limit", lines[0])

    def test_damage_that_other_threads_find_is_one_line(self):
        self.kvscope("capture", *TINY, "--store", "raw", "--compression", "deflate:1", "-o",
                     self.path("raw.h5"))
        with h5py.File(self.path("raw.h5")) as file:
            chunks = [file[f"kv/{name}/{tensor}"].id.get_chunk_info(index)
                      for name in file["kv"] if name.startswith("layer")
                      for tensor in ("key", "value") for index in range(2)]
        with open(self.path("raw.h5"), "r+b") as raw:
            for chunk in chunks:
                raw.seek(chunk.byte_offset + chunk.size // 2)
                raw.write(b"damage" * 4)
        done = self.start("analyze", self.path("raw.h5"), "--threads", 4, "-o", self.path("a.h5"))
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_the_reason_why_a_file_does_not_open(self):
        files = [self.path(f"c{index:02}.h5") for index in range(30)]
        for file in files:
            shutil.copy(CAPTURE, file)

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

        self.assertEqual(self.start("compare", *files, preexec_fn=limit).returncode, 0)
        done = self.start("report", *files, "-o", self.path("r.html"), preexec_fn=limit)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertRegex(done.stderr, r"c\d\d\.h5: expected .* got Too many open files\n$")
        os.symlink("loop.h5", self.path("loop.h5"))
        budget = ["run", *TINY, "-o", self.path("o.h5"), "--budget"]
        for command in (["info"], ["plan"], budget, ["report", "-o", self.path("r.html")]):
            for name, reason in (("no.h5", "No such file or directory"),
                                 ("c00.h5/inside.h5", "Not a directory"),
                                 ("loop.h5", "Too many levels of symbolic links")):
                self.assertIn(f"{name}: expected a readable file, got {reason}",
                              self.refused(3, *command, self.path(name)))

    def test_a_capture_of_a_killed_writer_names_the_remedy(self):
        path = self.path("killed.h5")
        shutil.copy(CAPTURE, path)
        subprocess.run([sys.executable, "-c", f"""
import h5py, os
file = h5py.File({path!r}, "r+", libver="latest")
file.attrs["note"] = 1
file.flush()
os._exit(0)
"""], check=True)
        cause = self.refused(3, "info", path)
        self.assertIn(f"h5clear -s {path}", cause)
        if shutil.which("h5clear"):
            subprocess.run(["h5clear", "-s", path], check=True)
            self.kvscope("info", path)


class Terminal(CliTest):
    """What stderr shows on a terminal of 40 columns."""

    columns = 40

    def screen(self, *arguments, **variables):
        """Everything that the command writes to a terminal, and its exit code."""
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, self.columns, 0, 0))
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("TERM", "NO_COLOR", "COLUMNS", "COLORTERM")}
        process = subprocess.Popen([KVSCOPE, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=follower,
                                   env={**environment, **variables})
        os.close(follower)
        text = b""
        while True:
            try:
                block = os.read(leader, 4096)
            except OSError:  # the terminal is gone with the process
                break
            if not block:
                break
            text += block
        os.close(leader)
        return text.decode(), process.wait()

    def job(self):
        # Long enough for a bar, which jobs under a second do not have.
        return ["run", "--model", DEMO, "--samples", 12, "--batch", 1, "-o", self.path("o.h5"), "--force"]

    def test_a_bar_never_wraps(self):
        text, code = self.screen(*self.job(), TERM="xterm")
        self.assertEqual(code, 0, text)
        self.assertIn("\r\x1b[2K", text)
        for line in re.split(r"[\r\n]+", text.replace("\x1b[2K", "")):
            self.assertLess(len(line), self.columns, text)

    def test_terminals_that_draw_nothing_get_lines(self):
        for variables in ({"TERM": "dumb"}, {}, {"TERM": "dumb", "COLORTERM": "truecolor"}):
            text, code = self.screen(*self.job(), **variables)
            self.assertEqual(code, 0, text)
            self.assertIn("run: 12/12 samples", text)
            self.assertNotIn("\x1b", text)

    def test_errors_are_coloured_where_that_is_wanted(self):
        wrong = ["info", self.path("no.h5")]
        self.assertIn("\x1b[", self.screen(*wrong, TERM="xterm")[0])
        for variables in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}, {},
                          {"COLORTERM": "truecolor"}):
            text, code = self.screen(*wrong, **variables)
            self.assertEqual(code, 3)
            self.assertIn("kvscope: error: ", text)
            self.assertNotIn("\x1b", text)


if __name__ == "__main__":
    unittest.main()
