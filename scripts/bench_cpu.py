#!/usr/bin/env python3
"""Measures kvscope on this machine's CPU, each figure as a ratio of two programs run in turn.

Every pair runs A then B (B then A in every other pair), so that a machine that slows down slows both.
Printed per figure: median ratio, interquartile range, number of pairs, and the median of each side.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

import command_line

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEMO = ROOT / "data" / "demo"
SEED = "7"


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


# libgomp's own wait, which kvscope replaces by sleeping (cli/common/thread_waiting.h).
SPINNING = {"GOMP_SPINCOUNT": "300000"}


@contextlib.contextmanager
def busy(processes):
    """That many other programs, each of which keeps a processor busy."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
              for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


class Bench:
    def __init__(self, kvscope, folder, threads):
        self.kvscope = str(kvscope)
        self.folder = pathlib.Path(folder)
        self.threads = str(threads)
        self.environment = dict(os.environ, OMP_NUM_THREADS=self.threads, MKL_NUM_THREADS=self.threads)

    def call(self, *command, **environment):
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True,
            env=self.environment | environment
        )
        if done.returncode != 0:
            sys.exit(f"{command}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def generate(self, command, *extra, batch="8", samples="8", **environment):
        """Runs a generation; returns the path of its file and the engine's own summary."""
        path = self.folder / "out.h5"
        summary = self.call(
            self.kvscope, command, "--model", DEMO, "--samples", samples, "--batch", batch,
            "--seed", SEED, "--threads", self.threads, "--warmup", "1", *extra,
            "--force", "--json", "-o", path, **environment,
        )
        return path, json.loads(summary)

    def batch_seconds(self, *extra):
        path, _ = self.generate("run", "--repeat", "2", *extra)
        with h5py.File(path) as file:
            return float(file["timing/batch_ns"][()].min()) / 1e9

    def module_seconds(self, module, *extra):
        path, _ = self.generate("run", "--repeat", "2", *extra)
        with h5py.File(path) as file:
            names = [name.decode() for name in file["module"][()]]
            layer_ns = file["timing/layer_ns"][()]
            return float(layer_ns[..., names.index(module)].sum(axis=(-1, -2)).min()) / 1e9

    def reference_seconds(self):
        labels = ",".join(str(label) for label in range(8))
        times = json.loads(
            self.call(
                sys.executable, ROOT / "scripts" / "reference_var.py", "--model", DEMO,
                "--labels", labels, "--batch", "8", "--seed", SEED, "--threads", self.threads,
                "--time", "2",
            )
        )
        return min(times["total_ns"]) / 1e9

    def job_seconds(self, command, *extra):
        return self.generate(command, *extra, samples="32")[1]["job_seconds"]

    def run_seconds(self, others=0, **environment):
        """8 images at batch 4 beside `others` busy programs."""
        with busy(others):
            return self.generate("run", batch="4", **environment)[1]["job_seconds"]

    def wall_seconds(self, *command):
        start = time.perf_counter()
        self.call(*command)
        return time.perf_counter() - start


def pairs(count, first, second):
    """Ratios first/second of `count` interleaved pairs, with both sides."""
    a, b = [], []
    for index in range(count):
        for side in (0, 1) if index % 2 == 0 else (1, 0):
            (a, b)[side].append((first, second)[side]())
    return np.array(a), np.array(b)


def report(name, a, b):
    ratio = a / b
    low, high = np.percentile(ratio, [25, 75])
    print(f"| {name} | {np.median(ratio):.3f} | {low:.3f} – {high:.3f} | {len(ratio)} "
          f"| {np.median(a) * 1e3:.1f} ms | {np.median(b) * 1e3:.1f} ms |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kvscope", default=ROOT / "build" / "release" / "bin" / "kvscope")
    parser.add_argument("--pairs", type=command_line.whole(1), default=9)
    parser.add_argument("--threads", type=command_line.whole(1), default=os.cpu_count())
    parser.add_argument("--only", default="", help="measure the figures whose name has this in it")
    arguments = parser.parse_args()

    print(f"{cpu_name()}, {arguments.threads} threads, demo model, batch 8, fp32\n")
    print("| figure | median ratio | IQR | pairs | first | second |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.kvscope, folder, arguments.threads)
        count = arguments.pairs
        raw, analysis, budget = (bench.folder / name for name in ("raw.h5", "a.h5", "b.json"))
        bench.call(bench.kvscope, "capture", "--model", DEMO, "--samples", "16", "--batch", "8",
                   "--seed", SEED, "--store", "raw", "-o", raw)
        bench.call(bench.kvscope, "analyze", raw, "-o", analysis)
        bench.call(bench.kvscope, "plan", analysis, "--ratio", "0.2", "-o", budget)
        under_budget = ("--budget", budget)

        def figure(name, first, second):
            if arguments.only in name:
                report(name, *pairs(count, first, second))

        figure("generation / eager PyTorch reference", bench.batch_seconds, bench.reference_seconds)
        for others in (0, arguments.threads):
            figure(f"threads that sleep / that spin, beside {others} busy programs",
                   lambda: bench.run_seconds(others),
                   lambda: bench.run_seconds(others, **SPINNING))
        figure("attention core, budget 0.2 of read / vanilla",
               lambda: bench.module_seconds("attention_core", *under_budget),
               lambda: bench.module_seconds("attention_core"))
        figure("end to end, budget 0.2 of read / vanilla",
               lambda: bench.batch_seconds(*under_budget), bench.batch_seconds)
        for store in ("reduced", "raw"):
            figure(f"capture --store {store} / run, 32 samples",
                   lambda: bench.job_seconds("capture", "--store", store),
                   lambda: bench.job_seconds("run"))

        def analyze():
            return json.loads(bench.call(bench.kvscope, "analyze", raw, "--force", "--json",
                                         "--threads", bench.threads, "-o", analysis))["seconds"]

        def analyze_numpy():
            return json.loads(bench.call(sys.executable, ROOT / "scripts" / "analyze_numpy.py", raw,
                                         "--out", bench.folder / "a.npz", "--time"))["seconds"]

        def read_only():
            start = time.perf_counter()
            with h5py.File(raw) as file:
                for layer in file["kv"].values():
                    if isinstance(layer, h5py.Group):
                        layer["key"][()], layer["value"][()]
            return time.perf_counter() - start

        figure("analyze / numpy + h5py, 16 samples", analyze, analyze_numpy)
        figure("analyze / only reading the file, 16 samples", analyze, read_only)
        true = "/bin/true"
        figure("kvscope --help / true", lambda: bench.wall_seconds(bench.kvscope, "--help"),
               lambda: bench.wall_seconds(true))
        figure("kvscope plan / true",
               lambda: bench.wall_seconds(bench.kvscope, "plan", analysis, "--ratio", "0.2",
                                          "--force", "-o", budget),
               lambda: bench.wall_seconds(true))


if __name__ == "__main__":
    command_line.start(lambda: command_line.status_of(main))
