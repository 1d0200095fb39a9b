#!/usr/bin/env python3
"""Similarity and norms of a raw capture in numpy and h5py.

The yardstick of `kvscope analyze`, and a second opinion on its numbers: the same definition, written
for speed with what numpy offers. The bilinear resize of a map is two small matrix products (rows,
then columns) that BLAS does for all samples, heads and channels at once.

    analyze_numpy.py capture.h5 --out similarity.npz --time
"""

import argparse
import json
import os
import time

import h5py
import numpy as np

import command_line
from command_line import refuse
from geometry import tokens_by_scale

TENSORS = ("key", "value")
EPS = np.float32(1e-8)


def resize_matrix(source_side, target_side):
    """[target side, source side]: bilinear, align_corners = false, as PyTorch computes it."""
    scale = np.float32(source_side) / np.float32(target_side)
    position = np.maximum(scale * (np.arange(target_side, dtype=np.float32) + 0.5) - 0.5, 0)
    low = np.minimum(position.astype(np.int64), source_side - 1)
    high = np.minimum(low + 1, source_side - 1)
    fraction = (position - low).astype(np.float32)
    matrix = np.zeros((target_side, source_side), np.float32)
    rows = np.arange(target_side)
    np.add.at(matrix, (rows, low), 1 - fraction)
    np.add.at(matrix, (rows, high), fraction)
    return matrix


def read_conditional(dataset, first, count):
    """[sample, head, token, channel] float32."""
    raw = dataset[first : first + count, 0]
    if raw.dtype == np.uint16:  # bfloat16 bits
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return raw.astype(np.float32, copy=False)


def squared_norm(rows):
    return np.einsum("...c,...c->...", rows, rows)


def layer_similarity(rows, sides, matrices):
    """Of rows [sample, head, token, channel]: cosine and neg_l2 [sample, head, target, source], norms
    [sample, head, scale]."""
    samples, heads, _, channels = rows.shape
    scales = len(sides)
    cosine = np.full((samples, heads, scales, scales), np.nan)
    neg_l2 = np.full_like(cosine, np.nan)
    norms = np.empty((samples, heads, scales))
    begin = np.concatenate([[0], np.cumsum(tokens_by_scale(sides))])
    maps = [rows[:, :, begin[s] : begin[s + 1]] for s in range(scales)]
    for target, side in enumerate(sides):
        own = np.ascontiguousarray(maps[target])
        own_norm = np.sqrt(squared_norm(own))
        norms[:, :, target] = own_norm.mean(-1, dtype=np.float64)
        own_norm = np.maximum(own_norm, EPS)
        for source in range(target):
            matrix = matrices[target, source]
            from_side = sides[source]
            tall = matrix @ maps[source].reshape(samples, heads, from_side, from_side * channels)
            tall = tall.reshape(samples, heads, side, from_side, channels)
            resized = np.matmul(matrix, tall).reshape(samples, heads, -1, channels)
            dot = np.einsum("...c,...c->...", resized, own)
            norm = np.maximum(np.sqrt(squared_norm(resized)), EPS)
            cosine[:, :, target, source] = (dot / (norm * own_norm)).mean(-1, dtype=np.float64)
            resized -= own
            neg_l2[:, :, target, source] = -np.sqrt(squared_norm(resized)).mean(
                -1, dtype=np.float64
            )
    return cosine, neg_l2, norms


def layer_statistic(similarity):
    """[sample]: mean over heads and targets i >= 1 of source i - 1."""
    return np.diagonal(similarity, -1, 2, 3).mean((1, 2))


def open_raw(path):
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        refuse(path, "an HDF5 file", os.strerror(error.errno) if error.errno else "something else")
    kv = file.get("kv")
    layers = list(kv) if isinstance(kv, h5py.Group) else []
    if ("model_config" not in file.attrs or "committed_samples" not in file
            or not any(f"{layer}/key" in kv for layer in layers)):
        refuse(path, "a raw capture (kvscope capture --store raw)", "something else")
    if file["committed_samples"][()] == 0:
        refuse(path, "at least one sample", "none")
    return file


def analyze(path, samples_at_once):
    results = {}
    with open_raw(path) as file:
        sides = json.loads(file.attrs["model_config"])["patch_nums"]
        samples = int(file["committed_samples"][()])
        layers = sorted(name for name in file["kv"] if name.startswith("layer_"))
        matrices = {
            (i, j): resize_matrix(sides[j], sides[i]) for i in range(len(sides)) for j in range(i)
        }
        for tensor in TENSORS:
            of_layers = {"cosine": [], "neg_l2": [], "norm": []}
            statistics = {"cosine": [], "neg_l2": []}
            for layer in layers:
                parts = []
                for first in range(0, samples, samples_at_once):
                    count = min(samples_at_once, samples - first)
                    rows = read_conditional(file["kv"][layer][tensor], first, count)
                    parts.append(layer_similarity(rows, sides, matrices))
                for name, part in zip(("cosine", "neg_l2", "norm"), zip(*parts)):
                    whole = np.concatenate(part)
                    of_layers[name].append(whole.mean(0))
                    if name in statistics:
                        statistics[name].append(layer_statistic(whole))
            for metric in statistics:
                results[f"similarity/{metric}/{tensor}"] = np.stack(of_layers[metric])
                results[f"layer_statistic/{metric}/{tensor}"] = np.stack(statistics[metric], 1)
            results[f"norm/{tensor}"] = np.stack(of_layers["norm"])
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="a raw capture")
    parser.add_argument("--out", help="write the arrays to this .npz")
    parser.add_argument("--time", action="store_true", help="print the seconds as JSON")
    parser.add_argument("--samples-at-once", type=command_line.whole(1), default=8, help="bounds the memory")
    options = parser.parse_args()
    start = time.perf_counter()
    results = analyze(options.file, options.samples_at_once)
    seconds = time.perf_counter() - start
    if options.out:
        np.savez(options.out, **results)
    if options.time:
        print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    command_line.start(lambda: command_line.status_of(main))
