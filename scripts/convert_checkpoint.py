#!/usr/bin/env python3
"""Turns official VAR checkpoints into a model folder (weights.safetensors and config.json).

    convert_checkpoint.py --var var_d16.pth --vae vae_ch160v4096z32.pth --out models/d16
    convert_checkpoint.py --var ar-ckpt-last.pth --out models/mine    (of the trainer: holds both)

Files of torch.save and safetensors are taken. The sizes of the model are read from the weights; what they do
not say is asked for by an option.
"""

import argparse
import codecs
import json
import math
import pathlib
import re

import torch

import checkpoint_files
import command_line
import model_config
import model_folder
from command_line import BadInput, listed, refuse
from geometry import tokens_by_scale
from parameter_shapes import expected_shapes

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
# What kvscope reads; others are widened to one of DTYPES.
STORED = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
# Buffers follow from the config: they are read here and not stored.
BUFFER = re.compile(r"var\.lvl_1L|var\.attn_bias_for_masking|var\.blocks\.\d+\.attn\.zero_k_bias"
                    r"|vae\.quantize\.ema_vocab_hit_SV")
BYTE_ORDER_MARKS = {"UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
                    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)}
# What the official VQVAE takes unless it is told otherwise (models/vqvae.py).
OFFICIAL_SHARE, OFFICIAL_RESIDUAL, OFFICIAL_SIDE = 4, 0.5, 3


def read_states(var_path, vae_path):
    """All tensors by their names behind `var.` and `vae.`."""
    states = checkpoint_files.states_of(var_path)
    var = states.get("var", states.get(""))
    if var is None:
        refuse(var_path, "a transformer", "a VQVAE alone (--vae takes it)")
    if vae_path is None:
        vae = states.get("vae")
        if vae is None:
            refuse(var_path, "a VQVAE in it or a file of one in --vae", "neither")
    else:
        states = checkpoint_files.states_of(vae_path)
        vae = states.get("vae", states.get(""))
        if vae is None:
            refuse(vae_path, "a VQVAE", "a transformer alone (--var takes it)")
    return {**{f"var.{name}": tensor for name, tensor in var.items()},
            **{f"vae.{name}": tensor for name, tensor in vae.items()}}


def sources(options):
    """The files that the tensors came from, as errors name them."""
    return options.var if options.vae is None else f"{options.var} + {options.vae}"


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
        if tensor.numel() == 0:
            refuse(self.path, f"{name} with values", list(tensor.shape))
        return tensor.shape

    def count(self, pattern, needed=True):
        """1 + the highest index that `pattern` captures; 0 where nothing does and nothing must."""
        found = [int(match[1]) for match in map(re.compile(pattern).match, self.tensors)
                 if match and match[1].isascii() and len(match[1]) < 10]
        if not found and not needed:
            return 0
        if not found:
            refuse(self.path, f"tensors named {pattern}".replace("\\", ""), "none")
        # Names are made for every index below the highest.
        if max(found) >= len(self.tensors):
            refuse(self.path, f"tensors for {pattern}".replace("\\", ""), f"index {max(found)}")
        return max(found) + 1


def sides_from_levels(levels, path):
    """patch_nums from lvl_1L, which holds the scale of every token."""
    levels = levels.flatten().double()
    # Not so for NaN.
    if not bool(((levels >= 0) & (levels < len(levels)) & (levels == levels.round())).all()):
        refuse(path, "var.lvl_1L with the scale of every token", "other values")
    counts = torch.bincount(levels.long()).tolist()
    sides = [math.isqrt(count) for count in counts]
    if tokens_by_scale(sides) != counts or 0 in sides or len(sides) < 2:
        refuse(path, "var.lvl_1L with two or more square scales", f"{counts[:12]} tokens")
    return sides


def infer_patch_nums(tensors, given, path):
    levels = tensors.get("var.lvl_1L")
    if levels is None:
        if given is None:
            raise BadInput(f"[{command_line.script()}] {path}: the checkpoint has no lvl_1L: "
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
            raise BadInput(f"[{command_line.script()}] {path}: the checkpoint has no scale_mul_1H11: "
                          "give the number of heads with --heads")
        return given
    if given is not None and given != scale.numel():
        refuse(path, f"--heads {scale.numel()} (var.blocks.0.attn.scale_mul_1H11)", given)
    return scale.numel()


def infer_quantizer(tensors, shapes, scales, residual):
    """What sets the quantizer apart from the official default, as config.json states it."""
    found = {}
    shared = shapes.count(r"vae\.quantize\.quant_resi\.qresi_ls\.(\d+)\.", needed=False)
    own = shapes.count(r"vae\.quantize\.quant_resi\.(\d+)\.", needed=False)
    if "vae.quantize.quant_resi.qresi.weight" in tensors:
        found["share_quant_resi"] = 1
    elif own:
        found["share_quant_resi"] = 0
        if own != scales:
            found["default_qresi_counts"] = own
    elif not shared:
        residual = 0
    elif shared != OFFICIAL_SHARE:
        found["share_quant_resi"] = shared
    if residual != OFFICIAL_RESIDUAL:
        found["quant_resi"] = residual
    side = shapes.of("vae.quant_conv.weight", 4)[2]
    if side != OFFICIAL_SIDE:
        found["quant_conv_ks"] = side
    return found


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
        "name": options.name or folder_name(options.out),
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
        **infer_quantizer(tensors, shapes, len(patch_nums), options.quant_resi),
        "sampling": {"cfg": options.cfg, "top_k": options.top_k, "top_p": options.top_p},
    }
    if options.class_names is not None:
        config["class_names"] = read_class_names(options.class_names, config["classes"])
    return config


def folder_name(out):
    name = pathlib.Path(out).resolve().name
    if not model_config.is_text(name) or not name:
        refuse(out, "--name, as the folder has none in UTF-8", "nothing")
    return name


def class_names_text(path):
    head = checkpoint_files.read_head(path)
    kind = checkpoint_files.foreign(head)
    if kind:
        refuse(path, "the name of one class on each line", kind)
    for encoding, marks in BYTE_ORDER_MARKS.items():
        if head.startswith(marks):
            refuse(path, "UTF-8 text", f"{encoding}: iconv -f {encoding} -t UTF-8 converts it")
    content = pathlib.Path(path).read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        refuse(path, "UTF-8 text", f"byte 0x{content[error.start]:02X} in line {line}: for Latin-1, iconv "
               "-f ISO-8859-1 -t UTF-8 converts it")


def read_class_names(path, classes):
    names = [line.strip() for line in class_names_text(path).splitlines() if line.strip()]
    for number, name in enumerate(names, start=1):
        if not all(c.isprintable() or c == "\t" for c in name):
            refuse(path, "names without control characters", f"'{name[:60]}' (name {number})")
    if len(names) != classes:
        refuse(path, f"{classes} lines, one name for each class", f"{len(names)}")
    return names


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
        # isfinite is not there for every 8-bit type, and these widen without loss.
        if not torch.isfinite(tensor if tensor.dtype in STORED else tensor.float()).all():
            refuse(path, f"{name} to be finite", "NaN or infinity")
    return {name: tensors[name] for name in expected}


def converted(parameters, dtype, path):
    if dtype is None:
        for name, tensor in parameters.items():
            if tensor.dtype not in STORED:
                refuse(path, f"a type that kvscope reads for {name} (--dtype fp16 widens it)", tensor.dtype)
        return parameters
    result = {name: tensor.to(DTYPES[dtype]) for name, tensor in parameters.items()}
    for name, tensor in result.items():
        if not torch.isfinite(tensor).all():
            refuse(path, f"{name} within the range of {dtype}", "a larger value")
    return result


def sides(text):
    expected = f"ascending sides of 1 to {model_config.LARGEST_SIDE} such as 1,2,3"
    side = command_line.whole(1, model_config.LARGEST_SIDE)
    try:
        numbers = [side(part) for part in text.split(",")]
    except argparse.ArgumentTypeError:
        numbers = []
    if len(numbers) < 2 or numbers != sorted(numbers):
        raise argparse.ArgumentTypeError(f"expected {expected}, got '{command_line.printable(text)}'")
    return numbers


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--var", required=True, help="checkpoint: transformer or trainer")
    parser.add_argument("--vae", help="checkpoint of the VQVAE, unless --var holds it too")
    parser.add_argument("--out", required=True, type=command_line.path, help="the model folder to make")
    parser.add_argument("--name", type=command_line.text, help="name of the model (default: the folder's)")
    parser.add_argument("--patch-nums", type=sides, help="sides of the scales: 1,2,3,…")
    parser.add_argument("--heads", type=command_line.whole(1), help="attention heads")
    parser.add_argument("--quant-resi", type=command_line.real(-1, 1), default=OFFICIAL_RESIDUAL,
                        help="quant_resi of the VQVAE, which no weight tells (0.5)")
    parser.add_argument("--dtype", choices=DTYPES, help="stored type (default: as is)")
    parser.add_argument("--cfg", type=command_line.real(0, model_config.LARGEST_CFG), default=1.5, help="default guidance (1.5)")
    parser.add_argument("--top-k", type=command_line.whole(0), default=900,
                        help="default top-k (900)")
    parser.add_argument("--top-p", type=command_line.real(0, 1), default=0.96,
                        help="default top-p (0.96)")
    parser.add_argument("--class-names", help="text file with the name of one class on each line")
    parser.add_argument("--force", action="store_true", help="replace a model folder that is there")
    return parser.parse_args(arguments)


def convert(options):
    model_folder.check_target(options.out, options.force)
    tensors = read_states(options.var, options.vae)
    config = infer_config(tensors, options)
    model_config.check(config, sources(options))
    parameters = check(tensors, config, sources(options))
    parameters = converted(parameters, options.dtype, sources(options))
    model_folder.write(options.out, config, parameters)
    count = sum(tensor.numel() for tensor in parameters.values())
    summary = f"{config['name']}, {config['depth']} layers, {count / 1e6:.1f} M parameters"
    print(command_line.printable(f"{options.out}: {summary}"))


def main(arguments=None):
    return command_line.status_of(lambda: convert(parse_arguments(arguments)))


if __name__ == "__main__":
    command_line.start(main)
