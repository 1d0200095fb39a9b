"""Reads and writes safetensors files with nothing but torch and the standard library.

A file is an 8-byte little-endian header length, a JSON header (name -> dtype, shape, data_offsets)
and the tensors' bytes, which tile the rest of the file.
"""

import json
import struct

import torch

_MAX_HEADER_BYTES = 100_000_000
# The header is padded so that the data starts on a multiple of this: readers map it directly.
_ALIGNMENT_BYTES = 64

_DTYPES = {
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
    "I32": torch.int32,
    "I64": torch.int64,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def load(path):
    """Returns {name: tensor} of a file. Raises ValueError for one that is malformed."""
    with open(path, "rb") as file:
        prefix = file.read(8)
        if len(prefix) != 8:
            raise ValueError(f"{path}: expected a safetensors file, got {len(prefix)} bytes")
        (header_bytes,) = struct.unpack("<Q", prefix)
        if header_bytes > _MAX_HEADER_BYTES:
            raise ValueError(f"{path}: expected a header below 100 MB, got {header_bytes} bytes")
        header = json.loads(file.read(header_bytes))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if entry["dtype"] not in _DTYPES:
            raise ValueError(f"{path}: tensor {name}: expected one of {list(_DTYPES)}, "
                             f"got {entry['dtype']}")
        dtype = _DTYPES[entry["dtype"]]
        count = 1
        for size in entry["shape"]:
            count *= size
        if not 0 <= begin <= end <= len(data) or end - begin != count * dtype.itemsize:
            raise ValueError(f"{path}: tensor {name}: bytes {begin} to {end} do not hold its shape")
        if count == 0:
            tensors[name] = torch.empty(entry["shape"], dtype=dtype)
            continue
        # frombuffer needs an aligned offset; a copy of the slice has one.
        part = data[begin:end]
        tensors[name] = torch.frombuffer(part, dtype=dtype).reshape(entry["shape"])
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
