#!/usr/bin/env python3
"""Measures a published model size with random weights on a CUDA device: the vanilla cache against an
AMS-KV budget of 7 demanding layers and condensed scales elsewhere (arXiv 2511.16047's d30 setting).

Vanilla and budget runs alternate; a ratio is taken inside each round. Prints markdown tables.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import command_line
import geometry

ROOT = pathlib.Path(__file__).resolve().parent.parent
GIB = 2**30


class Device:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = pathlib.Path(folder)

    def call(self, *command):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{command}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def kvscope(self, command, *extra, batch):
        path = self.folder / f"{command}.h5" if command == "capture" else self.folder / extra[0]
        self.call(
            self.arguments.kvscope, command, "--model", self.arguments.model,
            "--random-weights", "1", "--device", "cuda", "--dtype", self.arguments.dtype,
            "--samples", batch, "--batch", batch, "--seed", "7", *extra[1:], "--force", "-o", path,
        )
        return path

    def make_budget(self):
        capture = self.kvscope("capture", "", "--store", "reduced", batch=2)
        budget = self.folder / "budget.json"
        self.call(self.arguments.kvscope, "plan", capture, "--demanding-layers", "7",
                  "--efficient", "condensed=2,local=0", "-o", budget)
        return budget

    def round(self, batch, budget):
        timed = ("--warmup", "2", "--repeat", str(self.arguments.repeat))
        vanilla = self.kvscope("run", "vanilla.h5", *timed, batch=batch)
        ams = self.kvscope("run", "ams.h5", *timed, "--budget", budget, batch=batch)
        return json.loads(self.call(self.arguments.kvscope, "compare", vanilla, ams, "--json"))


def median_and_range(values):
    return f"{statistics.median(values):.3f} ({min(values):.3f} – {max(values):.3f})"


def time_rows(batch, rounds):
    def image_ms(file):
        return statistics.median(r["files"][file]["time"]["image"]["median_ns"] / 1e6 for r in rounds)

    def ratio(module):
        return median_and_range(
            [r["files"][1]["against_baseline"]["latency"]["module_ratio"][module] for r in rounds]
        )

    end_to_end = [r["files"][1]["against_baseline"]["latency"]["image_ratio"] for r in rounds]
    return (
        f"| {batch} | {image_ms(0):.2f} | {image_ms(1):.2f} | {median_and_range(end_to_end)} "
        f"| {ratio('attention_core')} | {ratio('self-attention')} |"
    )


def memory_row(batch, name, file, official_bytes):
    memory = file["memory"]
    return (
        f"| {batch} | {name} | {memory['logical_peak_bytes'] / GIB:.3f} "
        f"| {memory['resident_peak_bytes'] / GIB:.3f} | {memory['allocator_peak_bytes'] / GIB:.2f} "
        f"| {100 * memory['change_of_read']:.1f} % | {100 * memory['change_of_final']:.1f} % "
        f"| {official_bytes / GIB:.3f} |"
    )


def official_bytes(model, batch):
    """All tokens of all layers, K in fp32 and V in fp16: what the official code holds under autocast."""
    tokens = sum(geometry.tokens_by_scale(model["patch_nums"]))
    rows = geometry.ROWS_PER_SAMPLE * batch
    return tokens * model["depth"] * model["width"] * rows * (4 + 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kvscope", default=ROOT / "build" / "cuda" / "bin" / "kvscope")
    parser.add_argument("--model", default="d30")
    parser.add_argument("--dtype", default="fp16")
    parser.add_argument("--batches", type=command_line.wholes, default="8,32,64")
    parser.add_argument("--rounds", type=command_line.whole(1), default=3)
    parser.add_argument("--repeat", type=command_line.whole(1), default=5)
    arguments = parser.parse_args()

    times, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        device = Device(arguments, folder)
        budget = device.make_budget()
        name = ""
        for batch in arguments.batches:
            rounds = [device.round(batch, budget) for _ in range(arguments.rounds)]
            times.append(time_rows(batch, rounds))
            comparison = rounds[-1]
            name = comparison["files"][0]["device_name"]
            official = official_bytes(comparison["model"], batch)
            memory.append(memory_row(batch, "vanilla", comparison["files"][0], official))
            memory.append(memory_row(batch, "7 all, 23 condensed", comparison["files"][1], official))
            print(f"batch {batch} done", file=sys.stderr, flush=True)

    print(f"{name}, {arguments.model} with random weights, {arguments.dtype}, "
          f"{arguments.rounds} rounds of {arguments.repeat} passes, medians (min – max of rounds)\n")
    print("| batch | vanilla ms/image | budget ms/image | end to end ratio | attention core ratio "
          "| self-attention ratio |\n|---|---|---|---|---|---|")
    print("\n".join(times))
    print("\n| batch | cache | logical peak GiB | resident peak GiB | allocator peak GiB | vs read "
          "| vs final | official accounting GiB |\n|---|---|---|---|---|---|---|---|")
    print("\n".join(memory))


if __name__ == "__main__":
    command_line.start(lambda: command_line.status_of(main))
