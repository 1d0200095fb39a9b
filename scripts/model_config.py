"""The rules of config.json, as core/geometry/model_config.cpp reads it.

They are here a second time because a script must not write, or start from, what kvscope refuses;
tests/pipeline/convert_test.py holds the two to each other.
"""

import json
import math

from command_line import LARGEST_INT, is_utf8, printable, refuse

LARGEST_SIDE = 4096
LARGEST_CFG = 1000
MOST_HALVINGS = 16
# GroupNorm of the VQVAE has 32 groups at every level.
GROUPS = 32


def is_whole(value, smallest=1):
    return type(value) is int and smallest <= value <= LARGEST_INT


def is_real(value, smallest=0, largest=math.inf):
    if type(value) not in (int, float):
        return False
    try:
        return math.isfinite(value) and smallest <= value <= largest
    except OverflowError:
        return False


def is_text(value):
    return isinstance(value, str) and is_utf8(value)


def list_of(is_item):
    return lambda value: isinstance(value, list) and all(map(is_item, value))


WHOLE = (is_whole, "a whole number ≥ 1")
NATURAL = (lambda value: is_whole(value, 0), "a whole number ≥ 0")
FLAG = (lambda value: isinstance(value, bool), "true or false")
FIELDS = {
    "name": (is_text, "text"),
    "depth": WHOLE, "width": WHOLE, "heads": WHOLE, "classes": WHOLE,
    "patch_nums": (list_of(is_whole), "a list of sides"),
    "shared_aln": FLAG, "attn_l2_norm": FLAG,
    "vae_ch": WHOLE, "vae_ch_mult": (list_of(is_whole), "a list of whole numbers ≥ 1"),
    "vocab": WHOLE, "z_channels": WHOLE, "image_size": WHOLE,
    "sampling": (lambda value: isinstance(value, dict), "an object"),
}
SAMPLING = {
    "cfg": (lambda value: is_real(value, 0, LARGEST_CFG), f"a number from 0 to {LARGEST_CFG}"),
    "top_k": (lambda value: is_whole(value, 0), "a whole number ≥ 0"),
    "top_p": (lambda value: is_real(value, 0, 1), "a number from 0 to 1"),
}
OPTIONAL = {
    "mlp_ratio": (is_real, "a positive ratio"),
    "vae_num_res_blocks": WHOLE,
    "class_names": (list_of(is_text), "a list of text"),
    "share_quant_resi": NATURAL, "default_qresi_counts": NATURAL,
    "quant_resi": (lambda value: is_real(value, -1, 1), "a number from -1 to 1"),
    "quant_conv_ks": (lambda value: is_whole(value) and value % 2 == 1, "an odd side"),
}
DEFAULTS = {"mlp_ratio": 4, "vae_num_res_blocks": 2}


def shown(value):
    return printable(json.dumps(value, ensure_ascii=True, default=str))[:60]


def check_fields(values, required, optional, path, prefix=""):
    known = {**required, **optional}
    for key in values:
        if key not in known:
            refuse(path, "no unknown key", f"'{prefix}{key}'")
    for key, (fits, expected) in known.items():
        if key in values and not fits(values[key]):
            refuse(path, f"{prefix}{key} to be {expected}", shown(values[key]))
        if key in required and key not in values:
            refuse(path, f"{prefix}{key} to be {expected}", "nothing")


def check_transformer(config, path):
    width, heads, sides = config["width"], config["heads"], config["patch_nums"]
    if width % heads != 0:
        refuse(path, f"width to be a multiple of heads ({heads})", width)
    if not 0 < width * config["mlp_ratio"] <= LARGEST_INT:
        refuse(path, "mlp_ratio to be a positive ratio", config["mlp_ratio"])
    if len(sides) < 2 or sides != sorted(sides) or sides[-1] > LARGEST_SIDE:
        refuse(path, f"patch_nums to be two or more ascending sides up to {LARGEST_SIDE}", sides)
    names = config.get("class_names")
    if names and len(names) != config["classes"]:
        refuse(path, f"class_names to be one name for each of {config['classes']} classes",
               f"{len(names)} names")


def check_vae(config, path):
    multipliers = config["vae_ch_mult"]
    if not multipliers:
        refuse(path, "vae_ch_mult to be at least one multiplier", "[]")
    for multiplier in multipliers:
        if config["vae_ch"] * multiplier % GROUPS != 0:
            refuse(path, f"vae_ch to be channels divisible by {GROUPS} at every level",
                   f"{config['vae_ch']} × {multiplier}")
    if config.get("default_qresi_counts", 0) > 0 and config.get("share_quant_resi", 4) != 0:
        refuse(path, "default_qresi_counts to be 0 where scales share convolutions",
               config["default_qresi_counts"])
    halvings = len(multipliers) - 1
    if halvings > MOST_HALVINGS or config["patch_nums"][-1] << halvings != config["image_size"]:
        refuse(path, f"image_size to be the last of patch_nums times 2^{halvings} "
               f"({len(multipliers)} levels in vae_ch_mult)", config["image_size"])


def check(config, path):
    """Refuses a config.json that kvscope would refuse; errors name `path`."""
    check_fields(config, FIELDS, OPTIONAL, path)
    check_fields(config["sampling"], SAMPLING, {}, path, "sampling.")
    check_transformer({**DEFAULTS, **config}, path)
    check_vae(config, path)


def object_of(path):
    """Makes a JSON object of its pairs; json would keep the last of equal keys without a word."""
    def make(pairs):
        values = {}
        for key, value in pairs:
            if key in values:
                refuse(path, "every key once", f"'{key}' twice")
            values[key] = value
        return values
    return make


def load(path):
    """The checked content of a config.json."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            config = json.load(file, object_pairs_hook=object_of(path))
    except OSError as error:
        refuse(path, "a readable file", error.strerror)
    except (ValueError, RecursionError):
        refuse(path, "JSON text in UTF-8", "something else")
    if not isinstance(config, dict):
        refuse(path, "a JSON object", shown(config))
    check(config, path)
    return config
