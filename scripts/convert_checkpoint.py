#!/usr/bin/env python3
"""Turns official VAR checkpoints into a model folder (weights.safetensors and config.json).

    convert_checkpoint.py --var var_d16.pth --vae vae_ch160v4096z32.pth --out models/d16
    convert_checkpoint.py --var ar-ckpt-last.pth --out models/mine    (of the trainer: holds both)

The sizes of the model are read from the weights; what they do not say is asked for by an option.
"""

import argparse
import json
import math
import pathlib
import pickle
import re
import sys

import torch

import safetensors_io
from parameter_shapes import expected_shapes

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
# Buffers follow from the config: they are read here and not stored.
BUFFER = re.compile(r"var\.lvl_1L|var\.attn_bias_for_masking|var\.blocks\.\d+\.attn\.zero_k_bias"
                    r"|vae\.quantize\.ema_vocab_hit_SV")
# Names of the two modules in the official trainer's state (FoundationVision/VAR, trainer.py).
TRAINER_KEYS = {"var": "var_wo_ddp", "vae": "vae_local"}
NAMES_SHOWN = 4


class Refused(Exception):
    """The checkpoint cannot be converted; the message is one line."""


def refuse(path, expected, got):
    raise Refused(f"[convert_checkpoint] {path}: expected {expected}, got {got}")


def read_checkpoint(path):
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        refuse(path, "a readable file", error.strerror or "none")
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        refuse(path, "a complete file of torch.save with nothing but weights",
               str(error).split("\n")[0][:100] or "a truncated one")
    if not isinstance(content, dict):
        refuse(path, "a state dict", type(content).__name__)
    return content


def find_state(content, part, path):
    """The state dict of `part` in a file: bare, under `trainer`, or under its name."""
    inside = content.get("trainer", content)
    nested = isinstance(inside, dict) and any(key in inside for key in TRAINER_KEYS.values())
    state = inside.get(TRAINER_KEYS[part]) if nested else inside
    if nested and state is None:
        return None
    if not isinstance(state, dict) or not state:
        refuse(path, f"the state dict of the {part}", "none")
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            refuse(path, f"tensors in the state dict of the {part}", f"'{name}'")
    # torch.compile and DistributedDataParallel put their own name in front.
    return {re.sub(r"^(module\.|_orig_mod\.)+", "", name): value for name, value in state.items()}


def read_states(var_path, vae_path):
    """All tensors by their names behind `var.` and `vae.`."""
    var_content = read_checkpoint(var_path)
    var = find_state(var_content, "var", var_path)
    if var is None:
        refuse(var_path, f"trainer.{TRAINER_KEYS['var']}", "nothing")
    if vae_path is not None:
        vae = find_state(read_checkpoint(vae_path), "vae", vae_path)
    elif "trainer" in var_content or TRAINER_KEYS["vae"] in var_content:
        vae = find_state(var_content, "vae", var_path)
    else:
        refuse(var_path, "a VQVAE in it or a file of one in --vae", "neither")
    if vae is None:
        refuse(vae_path or var_path, f"trainer.{TRAINER_KEYS['vae']}", "nothing")
    tensors = {f"var.{name}": value for name, value in var.items()}
    tensors.update({f"vae.{name}": value for name, value in vae.items()})
    return tensors


def sources(options):
    """The files that the tensors came from, as errors name them."""
    return f"{options.var} + {options.vae}" if options.vae else options.var


class Shapes:
    """Shapes of the tensors that tell the sizes of the model; a missing one ends the conversion."""

    def __init__(self, tensors, path):
        self.tensors = tensors
        self.path = path

    def of(self, name, dimensions):
        tensor = self.tensors.get(name)
        if tensor is None:
            refuse(self.path, f"{name}, which tells the sizes of the model", "nothing")
        if tensor.dim() != dimensions:
            refuse(self.path, f"{name} with {dimensions} dimensions", list(tensor.shape))
        return tensor.shape

    def count(self, pattern):
        """1 + the highest index that `pattern` captures."""
        found = [int(match[1]) for match in map(re.compile(pattern).match, self.tensors) if match]
        return max(found, default=-1) + 1


def sides_from_levels(levels, path):
    """patch_nums from lvl_1L, which holds the scale of every token."""
    counts = torch.bincount(levels.flatten().long()).tolist()
    sides = [math.isqrt(count) for count in counts]
    if [side * side for side in sides] != counts or 0 in sides:
        refuse(path, "var.lvl_1L with square scales", counts)
    return sides


def infer_patch_nums(tensors, given, path):
    levels = tensors.get("var.lvl_1L")
    if levels is None:
        if given is None:
            raise Refused(f"[convert_checkpoint] {path}: the checkpoint has no lvl_1L: "
                          "give the sides of the scales with --patch-nums")
        return given
    sides = sides_from_levels(levels, path)
    if given is not None and given != sides:
        refuse(path, f"--patch-nums {sides} (var.lvl_1L)", given)
    return sides


def infer_heads(tensors, given, path):
    scale = tensors.get("var.blocks.0.attn.scale_mul_1H11")
    if scale is None:
        if given is None:
            raise Refused(f"[convert_checkpoint] {path}: the checkpoint has no scale_mul_1H11: "
                          "give the number of heads with --heads")
        return given
    if given is not None and given != scale.numel():
        refuse(path, f"--heads {scale.numel()} (var.blocks.0.attn.scale_mul_1H11)", given)
    return scale.numel()


def infer_config(tensors, options):
    path = sources(options)
    shapes = Shapes(tensors, path)
    vocab, width = shapes.of("var.head.weight", 2)
    hidden = shapes.of("var.blocks.0.ffn.fc1.weight", 2)[0]
    channels = shapes.of("vae.encoder.conv_in.weight", 4)[0]
    levels = shapes.count(r"vae\.encoder\.down\.(\d+)\.")
    multipliers = [shapes.of(f"vae.encoder.down.{level}.block.0.conv1.weight", 4)[0] // channels
                   for level in range(levels)]
    patch_nums = infer_patch_nums(tensors, options.patch_nums, path)
    ratio = hidden / width
    config = {
        "name": options.name or pathlib.Path(options.out).name,
        "depth": shapes.count(r"var\.blocks\.(\d+)\."),
        "width": width,
        "heads": infer_heads(tensors, options.heads, path),
        "mlp_ratio": int(ratio) if ratio.is_integer() else ratio,
        "classes": shapes.of("var.class_emb.weight", 2)[0] - 1,
        "patch_nums": patch_nums,
        "shared_aln": "var.shared_ada_lin.1.weight" in tensors,
        "attn_l2_norm": "var.blocks.0.attn.scale_mul_1H11" in tensors,
        "vae_ch": channels,
        "vae_ch_mult": multipliers,
        "vae_num_res_blocks": shapes.count(r"vae\.encoder\.down\.0\.block\.(\d+)\."),
        "vocab": vocab,
        "z_channels": shapes.of("vae.quantize.embedding.weight", 2)[1],
        "image_size": patch_nums[-1] << (levels - 1),
        "sampling": {"cfg": options.cfg, "top_k": options.top_k, "top_p": options.top_p},
    }
    if options.class_names:
        config["class_names"] = read_class_names(options.class_names, config["classes"])
    return config


def read_class_names(path, classes):
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except OSError as error:
        refuse(path, "a readable file", error.strerror)
    names = [line.strip() for line in text.splitlines() if line.strip()]
    if len(names) != classes:
        refuse(path, f"{classes} lines, one name for each class", f"{len(names)}")
    return names


def listed(names):
    names = sorted(names)
    more = ", …" if len(names) > NAMES_SHOWN else ""
    return f"{len(names)} ({', '.join(names[:NAMES_SHOWN])}{more})"


def check(tensors, config, path):
    """Refuses all but the parameters that `config` calls for, finite and of the right shape."""
    expected = expected_shapes(config)
    missing = expected.keys() - tensors.keys()
    unexpected = {name for name in tensors.keys() - expected.keys() if not BUFFER.fullmatch(name)}
    if missing or unexpected:
        got = [f"missing {listed(missing)}"] if missing else []
        got += [f"unexpected {listed(unexpected)}"] if unexpected else []
        refuse(path, f"the {len(expected)} parameters of the model", " and ".join(got))
    for name, shape in expected.items():
        tensor = tensors[name]
        if tuple(tensor.shape) != shape:
            refuse(path, f"{name} of shape {list(shape)}", list(tensor.shape))
        if not tensor.is_floating_point():
            refuse(path, f"{name} to be floating-point", tensor.dtype)
        if not torch.isfinite(tensor).all():
            refuse(path, f"{name} to be finite", "NaN or infinity")
    if config["width"] % config["heads"] != 0:
        refuse(path, f"heads that divide the width {config['width']}", config["heads"])
    return {name: tensors[name] for name in expected}


def converted(parameters, dtype, path):
    if dtype is None:
        return parameters
    result = {name: tensor.to(DTYPES[dtype]) for name, tensor in parameters.items()}
    for name, tensor in result.items():
        if not torch.isfinite(tensor).all():
            refuse(path, f"{name} within the range of {dtype}", "a larger value")
    return result


def whole_numbers(text):
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    ascending = all(a <= b for a, b in zip(numbers, numbers[1:]))
    if len(numbers) < 2 or numbers[0] < 1 or not ascending:
        raise argparse.ArgumentTypeError(f"expected ascending sides such as 1,2,3, got {text}")
    return numbers


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--var", required=True, help="checkpoint: transformer or trainer")
    parser.add_argument("--vae", help="checkpoint of the VQVAE, unless --var holds it too")
    parser.add_argument("--out", required=True, help="the model folder to make")
    parser.add_argument("--name", help="name of the model (default: the folder's)")
    parser.add_argument("--patch-nums", type=whole_numbers, help="sides of the scales: 1,2,3,…")
    parser.add_argument("--heads", type=int, help="attention heads")
    parser.add_argument("--dtype", choices=DTYPES, help="stored type (default: as is)")
    parser.add_argument("--cfg", type=float, default=1.5, help="default guidance (1.5)")
    parser.add_argument("--top-k", type=int, default=900, help="default top-k (900)")
    parser.add_argument("--top-p", type=float, default=0.96, help="default top-p (0.96)")
    parser.add_argument("--class-names", help="text file with the name of one class on each line")
    parser.add_argument("--force", action="store_true", help="replace a model folder that is there")
    return parser.parse_args(arguments)


def convert(options):
    out = pathlib.Path(options.out)
    targets = [out / "weights.safetensors", out / "config.json"]
    if not options.force and any(target.exists() for target in targets):
        refuse(out, "no model there, or --force to replace it", "one")
    tensors = read_states(options.var, options.vae)
    config = infer_config(tensors, options)
    parameters = check(tensors, config, sources(options))
    parameters = converted(parameters, options.dtype, sources(options))
    try:
        out.mkdir(parents=True, exist_ok=True)
        safetensors_io.save(targets[0], parameters)
        targets[1].write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Refused(f"[convert_checkpoint] {out}: cannot be written: {error.strerror}") from error
    count = sum(tensor.numel() for tensor in parameters.values())
    print(f"{out}: {config['name']}, {config['depth']} layers, {count / 1e6:.1f} M parameters")


def main(arguments=None):
    try:
        convert(parse_arguments(arguments))
    except Refused as reason:
        print(reason, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
