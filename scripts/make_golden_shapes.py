#!/usr/bin/env python3
"""Writes tests/golden/shapes: tiny random models of other shapes and what the reference draws.

Every folder is a model folder plus case.json (what was asked) and golden.safetensors (what came
out), with the tensor names of tests/golden/var_parity; teacher_forced.logits covers every scale.
The reference itself is held to the published code's output by tests/scripts/reference_var_test.py.
"""

import argparse
import json
import pathlib

import torch

import reference_var
import safetensors_io
from geometry import tokens_by_scale
from reference_vqvae import Vqvae

BASE = {"depth": 2, "width": 64, "heads": 2, "mlp_ratio": 4, "classes": 10, "shared_aln": False,
        "attn_l2_norm": True, "vae_ch": 32, "vae_ch_mult": [1, 1], "vae_num_res_blocks": 1,
        "vocab": 64, "z_channels": 8, "sampling": {"cfg": 2.0, "top_k": 30, "top_p": 0.9}}

# Enough for what only the quantizer does.
SMALL = {"width": 32, "classes": 8, "vocab": 32}

CASES = {
    "no_l2_norm": {"attn_l2_norm": False, "patch_nums": [1, 2, 3, 4, 6, 8]},
    "shared_adaln_odd_scales": {"shared_aln": True, "patch_nums": [1, 2, 3, 4, 5], "heads": 4,
                                "mlp_ratio": 2.5, "z_channels": 16},
    "three_scales": {"patch_nums": [1, 2, 4], "heads": 1, "vae_ch_mult": [1, 1, 1]},
    "wide_start": {"patch_nums": [2, 3, 5, 7], "attn_l2_norm": False, "shared_aln": True},
    "one_phi": SMALL | {"patch_nums": [1, 2, 3, 5], "share_quant_resi": 1, "quant_conv_ks": 1},
    # Three convolutions for five scales: two are halfway between two ticks.
    "three_phis": SMALL | {"patch_nums": [1, 2, 3, 4, 5], "share_quant_resi": 3,
                           "quant_resi": -0.3},
    "own_phis": SMALL | {"patch_nums": [1, 2, 3, 4, 6], "share_quant_resi": 0},
    "own_phis_of_other_scales": SMALL | {"patch_nums": [1, 2, 4], "share_quant_resi": 0,
                                         "default_qresi_counts": 5},
    "no_phi": SMALL | {"patch_nums": [1, 2, 4], "quant_resi": 0},
}

REQUEST = {"labels": [3, 7], "seed": 11, "cfg": 2.0, "top_k": 30, "top_p": 0.9}


def policies_of(tokens):
    local1, condensed_only = {"condensed": 1, "local": 1}, {"condensed": 1, "local": 0}
    # One token short of the next-to-last scale: it is never admitted, and earlier ones leave.
    capacity = {"condensed": 1, "capacity_tokens": tokens[0] + tokens[-2] - 1}
    sliding1 = {"condensed": 0, "local": 1}
    return {"local1": [None, local1], "condensed_only": [None, condensed_only],
            "local2_all": [{"condensed": 1, "local": 2}] * 2, "capacity": [None, capacity],
            "sliding1": [sliding1] * 2}


def random_parameter(name, parameter, rng):
    """Weights that keep activations near 1 and let every part of the model matter."""
    noise = torch.randn(parameter.shape, generator=rng)
    if "norm" in name and name.endswith("weight"):
        return 1 + 0.1 * noise
    if name.endswith("bias"):
        return 0.1 * noise
    if name.endswith("scale_mul_1H11"):
        return parameter + 1 + 0.5 * noise
    if name.endswith("head.weight"):
        return noise * 2 / parameter.shape[1] ** 0.5
    if name.endswith("decoder.conv_out.weight"):
        return noise * 0.5 / parameter[0].numel() ** 0.5
    if "emb" in name or name.startswith("pos") or name.endswith("ada_gss"):
        return noise * 0.7
    return noise / parameter[0].numel() ** 0.5


def random_weights(vae, var, seed):
    rng = torch.Generator().manual_seed(seed)
    return {f"{prefix}.{name}": random_parameter(name, parameter, rng).half()
            for prefix, module in (("vae", vae), ("var", var))
            for name, parameter in module.state_dict().items()}


def smooth_image(size, seed):
    """A random image without the pixel noise that no encoder expects, in [−1, 1]."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 3, 3, 3, generator=rng)
    fine = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return fine.tanh().half()


@torch.inference_mode()
def golden_tensors(vae, var, config, case):
    """What the reference answers to a case, by the names of tests/golden/var_parity."""
    options = {name: case[name] for name in REQUEST}
    vanilla = reference_var.generate(vae, var, keep_logits=True, **options)
    smooth = reference_var.generate(vae, var, more_smooth=True, **options)
    greedy = reference_var.generate(vae, var, **options | {"top_k": 1, "top_p": 0.0})
    image = smooth_image(config["image_size"], seed=5)
    ids = vae.encode(image.float())
    label = torch.tensor(case["labels"][:1])
    tensors = {
        "token_ids": vanilla["token_ids"].int(), "f_hat": vanilla["f_hat"],
        "image": vanilla["image"], "token_ids_greedy": greedy["token_ids"].int(),
        "token_ids.more_smooth": smooth["token_ids"].int(), "f_hat.more_smooth": smooth["f_hat"],
        "encode.image": image, "encode.token_ids": torch.cat(ids, 1).int(),
        "encode.reconstruction": vae.decode(vae.quantize.f_hat(ids)),
        "teacher_forced.logits": var(label, vae.quantize.teacher_input(ids)),
    }
    for scale, logits in enumerate(vanilla["logits"]):
        tensors[f"logits.scale{scale}"] = logits
    for layer, cache in enumerate(vanilla["caches"]):
        tensors[f"cached_k.layer{layer}"] = cache.key[:1]
        tensors[f"cached_v.layer{layer}"] = cache.value[:1]
    for name, rules in case["policies"].items():
        drawn = reference_var.generate(vae, var, rules=rules, **options)
        tensors[f"token_ids.{name}"] = drawn["token_ids"].int()
    return tensors


def write_case(folder, name, changes, seed):
    config = BASE | changes | {"name": name}
    config["image_size"] = config["patch_nums"][-1] * 2 ** (len(config["vae_ch_mult"]) - 1)
    case = REQUEST | {"logit_scales": len(config["patch_nums"]),
                      "policies": policies_of(tokens_by_scale(config["patch_nums"]))}
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    weights = random_weights(Vqvae(config), reference_var.Var(config), seed)
    safetensors_io.save(folder / "weights.safetensors", weights)
    for file, content in (("config.json", config), ("case.json", case)):
        (folder / file).write_text(json.dumps(content, indent=1) + "\n")
    config, vae, var = reference_var.load_model(folder)
    safetensors_io.save(folder / "golden.safetensors", golden_tensors(vae, var, config, case))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parents[1]
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/golden/shapes")
    args = parser.parse_args()
    for seed, (name, changes) in enumerate(CASES.items()):
        write_case(args.out / name, name, changes, seed)


if __name__ == "__main__":
    main()
