"""Reads and writes safetensors files with torch alone.

A file is an 8-byte little-endian header length, a JSON header (name -> dtype, shape, data_offsets)
and the tensors' bytes, which tile the rest of the file.
"""

import json
import math
import os
import struct

import torch

from command_line import BadInput, refuse

_MAX_HEADER_BYTES = 100_000_000
# The header is padded so that the data starts on a multiple of this: readers map it directly.
_ALIGNMENT_BYTES = 64
_PREFIX_BYTES = 8

_DTYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "U16": torch.uint16,
    "I32": torch.int32,
    "U32": torch.uint32,
    "I64": torch.int64,
    "U64": torch.uint64,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class Malformed(BadInput):
    """A file breaks the format."""

    def __init__(self, path, got):
        super().__init__(f"[safetensors] {path}: expected a whole safetensors file, got {got}")


def _object(pairs):
    """A JSON object; json would keep the last of equal keys without a word."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name twice")
    return values


def _is_size(value):
    return type(value) is int and 0 <= value < 2**63


def _check_entry(path, name, entry):
    """Refuses an entry whose bytes are not those of its type and shape."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise Malformed(path, f"no dtype, shape and data_offsets for {name}")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in _DTYPES:
        raise Malformed(path, f"{name} of type {entry['dtype']}, none of {', '.join(_DTYPES)}")
    for sizes in (shape, offsets):
        if not isinstance(sizes, list) or not all(map(_is_size, sizes)):
            raise Malformed(path, f"sizes of {name} that are no list of whole numbers")
    expected = math.prod(shape) * _DTYPES[entry["dtype"]].itemsize
    # Torch multiplies the sizes beside a 0 too.
    if math.prod(size or 1 for size in shape) >= 2**59:
        raise Malformed(path, f"{name} of shape {shape}")
    if len(offsets) != 2 or offsets[1] - offsets[0] != expected:
        raise Malformed(path, f"bytes {offsets} for {name} of shape {shape}")


def _read_header(file, path):
    """Entries in the order of their bytes, and where the data begins."""
    prefix = file.read(_PREFIX_BYTES)
    if len(prefix) != _PREFIX_BYTES:
        raise Malformed(path, f"{len(prefix)} bytes")
    (header_bytes,) = struct.unpack("<Q", prefix)
    if header_bytes > _MAX_HEADER_BYTES:
        raise Malformed(path, f"a header of {header_bytes} bytes, above 100 MB")
    text = file.read(header_bytes)
    if len(text) != header_bytes:
        raise Malformed(path, "a file that ends inside its header")
    try:
        header = json.loads(text.decode(), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise Malformed(path, "a header that is no valid JSON, or has a name twice") from error
    if not isinstance(header, dict):
        raise Malformed(path, "a header that is no JSON object")
    header.pop("__metadata__", None)
    for name, entry in header.items():
        _check_entry(path, name, entry)
    entries = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
    return entries, _PREFIX_BYTES + header_bytes


def load(path):
    """Returns {name: tensor} of a file. Raises BadInput."""
    try:
        return _load(path)
    except OSError as error:
        refuse(path, "a readable safetensors file", error.strerror)


def _load(path):
    with open(path, "rb") as file:
        entries, begin = _read_header(file, path)
        position = 0
        for name, entry in entries:
            if entry["data_offsets"][0] != position:
                raise Malformed(path, f"{name} that does not begin where the tensor before it ends")
            position = entry["data_offsets"][1]
        data_bytes = os.fstat(file.fileno()).st_size - begin
        if position != data_bytes:
            raise Malformed(path, f"{data_bytes} bytes of data where the header has {position}")
        tensors = {}
        for name, entry in entries:
            dtype = _DTYPES[entry["dtype"]]
            first, last = entry["data_offsets"]
            if first == last:
                tensors[name] = torch.empty(entry["shape"], dtype=dtype)
                continue
            data = bytearray(last - first)
            if file.readinto(data) != len(data):
                raise Malformed(path, "a file that ends early")
            tensors[name] = torch.frombuffer(data, dtype=dtype).reshape(entry["shape"])
    return tensors


def save(path, tensors, metadata=None):
    """Writes {name: tensor}, in name order, so that equal tensors give equal files."""
    header = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    ordered = sorted(tensors.items())
    for name, tensor in ordered:
        if tensor.dtype not in _NAMES:
            raise ValueError(f"{path}: tensor {name}: {tensor.dtype} cannot be stored")
        end = position + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [position, end]}
        position = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT_BYTES)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for _, tensor in ordered:
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            if flat.numel() > 0:
                file.write(flat.view(torch.uint8).numpy().tobytes())
