"""Reads the state dicts out of checkpoint files: of torch.save or safetensors, bare or inside the dicts
that training codes put around them. What is no checkpoint is refused by what it is.
"""

import argparse
import codecs
import os
import pickle
import re
import stat
import struct
import warnings
import zipfile

import torch

import safetensors_io
from command_line import is_out_of_memory, listed, refuse

# Names of the two modules in the official trainer's state (FoundationVision/VAR, trainer.py), and
# plain ones.
PART_KEYS = {"var": ("var_wo_ddp", "var"), "vae": ("vae_local", "vae")}
WRAPPERS = ("trainer", "state_dict", "model", "module", "ema", "ema_model", "model_ema",
            "ema_state_dict", "state_dict_ema")
DEEPEST = 8
# DistributedDataParallel, torch.compile and Lightning put their own name in front.
FOREIGN_PREFIX = re.compile(r"^(module\.|_orig_mod\.|model\.)+")
PART_PREFIX = re.compile(r"(var|vae)\.(.+)", re.DOTALL)

HEAD_BYTES = 4096
LEGACY_MAGIC = b"l\xfc\x9cF\xf9 j\xa8P\x19"
PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|!--|html|head|body|\?xml)", re.IGNORECASE)
UNPACK = "archive: unpack it first"
SIGNATURES = {
    b"version https://git-lfs": "a Git LFS pointer: 'git lfs pull' fetches the file itself",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"GGUF": "a GGUF file",
    b"\x1f\x8b": f"a gzip {UNPACK}",
    b"BZh": f"a bzip2 {UNPACK}",
    b"\xfd7zXZ\0": f"an xz {UNPACK}",
    b"\x28\xb5\x2f\xfd": f"a zstd {UNPACK}",
    b"7z\xbc\xaf\x27\x1c": f"a 7z {UNPACK}",
    b"Rar!": f"a rar {UNPACK}",
}
EXPECTED = "a checkpoint of torch.save or safetensors"
DAMAGED = "a file that is cut off or damaged: download or copy it again"
SAVE_STATE_DICT = "torch.save its state_dict() and convert that file"


def read_head(path):
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            refuse(path, EXPECTED, "a folder: name the file in it")
        # A pipe could wait for ever, and is read only once.
        if not stat.S_ISREG(mode):
            refuse(path, EXPECTED, "a pipe or device")
        with open(path, "rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        refuse(path, "a readable file", error.strerror)
    except ValueError:  # an embedded null byte
        refuse(path, "a readable file", "none")


def is_text(head):
    try:
        # The head may end inside a character.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c.isspace() for c in text)


def foreign(head):
    """What a file is that begins with `head` and is read by nothing here, or None."""
    if not head:
        return "an empty file"
    for signature, name in SIGNATURES.items():
        if head.startswith(signature):
            return name
    if PAGE.match(head):
        return "an HTML or XML page: the download gave an answer instead of the file"
    if head[257:262] == b"ustar":
        return f"a tar {UNPACK}"
    return None


def is_safetensors(head):
    return len(head) > 8 and struct.unpack("<Q", head[:8])[0] < 2**32 and head[8:9] == b"{"


def check_archive(path):
    """Refuses zip files that torch.load would misread or blame on something else."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rsplit("/", 1)[-1] for name in archive.namelist()}
    except OSError as error:
        refuse(path, "a readable file", error.strerror)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, struct.error):
        refuse(path, EXPECTED, DAMAGED)
    if "constants.pkl" in names:
        refuse(path, EXPECTED, f"a TorchScript archive: {SAVE_STATE_DICT}")
    if "data.pkl" not in names:
        refuse(path, EXPECTED, "a zip archive of something else")


def foreign_object(path, error):
    """Name of the first class in a checkpoint that is no weight, or None."""
    try:
        return min(torch.serialization.get_unsafe_globals_in_checkpoint(path), default=None)
    except Exception:  # the files before 2020 are no archives, and a damaged one may raise anything
        found = re.search(r"GLOBAL (\S+) was not an allowed global", str(error))
        return found[1] if found else None


def load_torch(path):
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals([argparse.Namespace]):
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        refuse(path, "a readable file", error.strerror or "none")
    except Exception as error:  # a damaged pickle may raise anything
        if is_out_of_memory(error):
            raise
        name = foreign_object(path, error) if isinstance(error, pickle.UnpicklingError) else None
        if name:
            refuse(path, "nothing but weights", f"an object of {name}: {SAVE_STATE_DICT}")
        refuse(path, EXPECTED, DAMAGED)


def read(path):
    """The content of a checkpoint, by what the file is and not by its name."""
    head = read_head(path)
    known = foreign(head)
    if known:
        refuse(path, EXPECTED, known)
    if is_safetensors(head):
        return safetensors_io.load(path)
    if head.startswith(b"PK"):
        check_archive(path)
    elif is_text(head):
        refuse(path, EXPECTED, "a text file")
    elif not head.startswith(b"\x80"):
        refuse(path, EXPECTED, "a file of another kind")
    elif LEGACY_MAGIC not in head[:32]:
        refuse(path, EXPECTED, f"a pickle of something else: {SAVE_STATE_DICT}")
    return load_torch(path)


def keys_of(content):
    if not isinstance(content, dict):
        return f"an object of {type(content).__name__}"
    return f"a dict with {listed(map(str, content))}" if content else "an empty dict"


def unwrapped(content, path):
    """The dict inside the wrappers: of tensors, or of the transformer and the VQVAE."""
    for _ in range(DEEPEST):
        if not isinstance(content, dict) or parts_of(content):
            break
        inside = [key for key in WRAPPERS if isinstance(content.get(key), dict)]
        if not inside:
            break
        if len(inside) > 1:
            refuse(path, "one state dict", f"{' and '.join(map(repr, inside))}: torch.save the one to "
                   "convert to a file of its own")
        content = content[inside[0]]
    return content


def parts_of(content):
    return {part: content[key] for part, keys in PART_KEYS.items() for key in keys
            if isinstance(content.get(key), dict)}


def parameters(content, path):
    """Name → tensor of one state dict, without the names that wrappers put in front."""
    state = unwrapped(content, path)
    if not isinstance(state, dict) or not any(isinstance(v, torch.Tensor) for v in state.values()):
        refuse(path, "a state dict of tensors", keys_of(state))
    origin, tensors = {}, {}
    for given, tensor in state.items():
        if not isinstance(given, str) or not isinstance(tensor, torch.Tensor):
            refuse(path, "nothing but tensors in the state dict",
                   f"'{given}', an object of {type(tensor).__name__}")
        if (tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_nested
                or tensor.is_quantized):
            refuse(path, f"{given} to be a dense tensor", "a sparse, quantised, nested or empty one")
        name = FOREIGN_PREFIX.sub("", given)
        if name in tensors:
            refuse(path, "every parameter once", f"'{origin[name]}' and '{given}'")
        origin[name], tensors[name] = given, tensor
    return tensors


def states_of(path):
    """{"var": …, "vae": …} of a checkpoint that names its parts, else {"": the state dict}."""
    content = unwrapped(read(path), path)
    parts = parts_of(content) if isinstance(content, dict) else {}
    if parts:
        return {part: parameters(state, path) for part, state in parts.items()}
    tensors = parameters(content, path)
    prefixed = {name: PART_PREFIX.fullmatch(name) for name in tensors}
    if not any(prefixed.values()):
        return {"": tensors}
    bare = [name for name, match in prefixed.items() if not match]
    if bare:
        refuse(path, "every name behind var. or vae., or none", f"{listed(bare)} without")
    states = {}
    for name, match in prefixed.items():
        states.setdefault(match[1], {})[match[2]] = tensors[name]
    return states
