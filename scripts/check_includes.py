#!/usr/bin/env python3
"""Checks who includes whom.

Every folder may include only itself and the folders named here; Torch, HDF5, CUDA and Qt headers
are allowed only where they belong. Prints one line per violation and exits with 1.
"""

import argparse
import pathlib
import re
import sys

BASE = ["core/base"]
NO_TORCH_CORE = BASE + [
    "core/geometry",
    "core/budget",
    "core/image",
    "core/record",
    "core/capture",
]

# folder: folders it may include besides itself.
ARROWS = {
    "core/base": [],
    "core/geometry": BASE,
    "core/budget": BASE + ["core/geometry"],
    "core/image": BASE,
    "core/record": BASE + ["core/geometry", "core/budget"],
    "core/capture": BASE + ["core/geometry", "core/budget", "core/image", "core/record"],
    "core/trace": BASE + ["core/capture"],
    "core/weights": BASE + ["core/geometry"],
    "core/cache": BASE + ["core/geometry", "core/budget"],
    "core/model": BASE + ["core/geometry", "core/budget", "core/weights", "core/cache"],
    "core/generate": BASE
    + ["core/geometry", "core/budget", "core/weights", "core/cache", "core/model"],
    "analysis/metrics": NO_TORCH_CORE + ["core/cache"],
    "analysis/quality": NO_TORCH_CORE
    + ["core/weights", "core/cache", "core/model", "core/generate"],
    "analysis/layers": NO_TORCH_CORE,
    "analysis/planner": NO_TORCH_CORE + ["analysis/layers"],
    "analysis/compare": NO_TORCH_CORE + ["analysis/layers", "analysis/planner"],
    "analysis/sweep": NO_TORCH_CORE
    + ["analysis/layers", "analysis/planner", "analysis/compare", "analysis/views"],
    "analysis/views": NO_TORCH_CORE + ["analysis/layers", "analysis/planner", "analysis/compare"],
    "analysis/report": NO_TORCH_CORE
    + ["analysis/layers", "analysis/planner", "analysis/compare", "analysis/views"],
    "collectors": NO_TORCH_CORE
    + ["core/cache", "core/generate", "core/model", "analysis/metrics", "analysis/quality"],
    "cli/common": NO_TORCH_CORE + ["core/trace"],
    "cli/kvscope": NO_TORCH_CORE
    + ["core/trace", "cli/common", "analysis/layers", "analysis/planner", "analysis/compare",
       "analysis/views", "analysis/report", "analysis/sweep"],
    "cli/engine": ["core", "collectors", "analysis", "cli/common"],
}

TORCH_FOLDERS = [
    "core/weights",
    "core/cache",
    "core/model",
    "core/generate",
    "analysis/metrics",
    "analysis/quality",
    "collectors",
    "cli/engine",
]
CUDA_FOLDERS = ["core/runtime", "collectors"]
HDF5_FOLDERS = ["core/capture", "core/trace"]
TORCH = re.compile(r"^(ATen|c10|torch)/")
HDF5 = re.compile(r"^hdf5(_hl)?\.h$|^H5")
CUDA = re.compile(r"^(cuda|cublas|cudnn|cupti|nvtx|nvml|nccl)", re.IGNORECASE)
QT = re.compile(r"^Q[tA-Z]")
SOURCES = {".h", ".cpp", ".cu", ".cuh"}
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')


def inside(path, folders):
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def folder_of(path):
    """The longest known folder that holds `path`, or None."""
    known = [folder for folder in ARROWS if inside(path, [folder])]
    return max(known, key=len) if known else None


def violation(folder, header):
    if TORCH.match(header) and not inside(folder, TORCH_FOLDERS):
        return "Torch is not allowed here"
    if HDF5.match(header) and not inside(folder, HDF5_FOLDERS):
        return "HDF5 is only for core/capture and core/trace"
    if CUDA.match(header) and not inside(folder, CUDA_FOLDERS):
        return "CUDA is not allowed here"
    if QT.match(header) and not inside(folder, ["gui"]):
        return "Qt is not allowed here"
    target = folder_of(header)
    if target is None:
        if inside(header, ["core", "analysis", "collectors", "cli", "gui", "tests"]):
            return "this folder is not in the list of arrows"
        return None
    if target != folder and not inside(target, ARROWS[folder]):
        return f"no arrow from {folder} to {target}"
    return None


def check(root):
    problems = []
    for top in ("core", "analysis", "collectors", "cli", "gui"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in SOURCES:
                continue
            name = path.relative_to(root).as_posix()
            folder = folder_of(name)
            if folder is None:
                problems.append(f"{name}: this folder is not in the list of arrows")
                continue
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                found = INCLUDE.match(line)
                reason = found and violation(folder, found.group(1))
                if reason:
                    problems.append(f"{name}:{number}: {found.group(1)}: {reason}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default_root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=default_root)
    problems = check(parser.parse_args().root)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
