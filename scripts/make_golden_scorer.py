#!/usr/bin/env python3
"""Writes tests/golden/scorer: a tiny scorer of random weights and what it sees in random pictures.

golden.safetensors holds pictures [N, y, x, 3] (8-bit values as I32), their features and logits, and
the demo Fréchet distance of those features to the scorer's reference. `write_random_scorer` is also
what the pipeline tests make scorers with.
"""

import argparse
import json
import pathlib

import torch
from torch.nn import functional as F

import safetensors_io

TINY = {"schema": "kvscope.scorer/1", "name": "tiny-scorer", "model": "tiny", "image_size": 12,
        "classes": 5, "strides": [1, 2, 2], "reference_pictures": 200}


def random_weights(config, channels, features, rng):
    """Weights that keep activations near 1, so that pictures differ in their features."""
    weights = {}

    def layer(name, outputs, inputs, *kernel):
        fan_in = inputs * 9 if kernel else inputs
        noise = torch.randn(outputs, inputs, *kernel, generator=rng)
        weights[f"{name}.weight"] = (noise * (2 / fan_in) ** 0.5).half()
        weights[f"{name}.bias"] = (0.2 * torch.randn(outputs, generator=rng)).half()

    widths = [3, *channels]
    for index in range(len(config["strides"])):
        layer(f"convolutions.{index}", widths[index + 1], widths[index], 3, 3)
    layer("features", features, widths[-1])
    layer("classes", config["classes"], features)
    return weights


def random_pictures(count, side, rng):
    """Two coarse colour patterns a picture and some noise, 8-bit [N, y, x, 3]."""
    coarse = torch.rand(count, 3, 3, 3, generator=rng)
    smooth = F.interpolate(coarse, size=(side, side), mode="bilinear")
    noisy = smooth + 0.1 * torch.randn(count, 3, side, side, generator=rng)
    return (noisy.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)


@torch.inference_mode()
def judge(config, weights, pictures):
    """(features [N, F], logits [N, classes]) of 8-bit pictures, in float32."""
    weights = {name: tensor.float() for name, tensor in weights.items()}
    x = 2 * pictures.permute(0, 3, 1, 2).float() / 255 - 1
    for index, stride in enumerate(config["strides"]):
        name = f"convolutions.{index}"
        x = F.relu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, 1))
    features = F.relu(F.linear(x.mean((2, 3)), weights["features.weight"],
                               weights["features.bias"]))
    return features, F.linear(features, weights["classes.weight"], weights["classes.bias"])


def moments(features):
    features = features.double()
    return features.mean(0), torch.cov(features.T)


def frechet_distance(mean1, cov1, mean2, cov2):
    """By the eigenvalues of the product itself, which is not symmetric."""
    roots = torch.linalg.eigvals(cov1 @ cov2).real.clamp_min(0).sqrt()
    return (mean1 - mean2).square().sum() + cov1.trace() + cov2.trace() - 2 * roots.sum()


def write_random_scorer(folder, config, channels, features, seed=0):
    """A scorer folder whose reference are random pictures. Returns its weights."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = torch.Generator().manual_seed(seed)
    weights = random_weights(config, channels, features, rng)
    real = random_pictures(config["reference_pictures"], config["image_size"], rng)
    mean, covariance = moments(judge(config, weights, real)[0])
    # Without this one class would be seen everywhere.
    weights["classes.bias"] = -(weights["classes.weight"].double() @ mean).half()
    weights |= {"reference.mean": mean, "reference.covariance": covariance}
    safetensors_io.save(folder / "weights.safetensors", weights)
    (folder / "scorer.json").write_text(json.dumps(config, indent=1) + "\n")
    return weights


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parents[1]
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/golden/scorer")
    out = parser.parse_args().out
    weights = write_random_scorer(out, TINY, [6, 8, 8], features=7)
    pictures = random_pictures(9, TINY["image_size"], torch.Generator().manual_seed(1))
    features, logits = judge(TINY, weights, pictures)
    distance = frechet_distance(*moments(features), weights["reference.mean"],
                                weights["reference.covariance"])
    safetensors_io.save(out / "golden.safetensors", {
        "pictures": pictures.int(), "features": features, "logits": logits,
        "demo_frechet_distance": distance.reshape(1)})


if __name__ == "__main__":
    main()
