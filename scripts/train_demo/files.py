"""What the training stages leave on disk: tensors in parts, records, sheets of pictures."""

import json
import pathlib
import struct
import zlib

import torch

import safetensors_io
from command_line import refuse

# Files travel between machines and into the repository: none grows beyond this.
PART_BYTES = 15 * 2**20


def save_tensors(folder, name, tensors):
    """Writes name.0.safetensors, name.1.safetensors … and removes parts of an earlier save."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(f"{name}.*.safetensors"):
        path.unlink()
    parts, room = [{}], PART_BYTES
    for key, tensor in sorted(tensors.items()):
        size = tensor.numel() * tensor.element_size()
        if size > room:
            parts.append({})
            room = PART_BYTES
        parts[-1][key] = tensor
        room -= size
    for index, part in enumerate(parts):
        safetensors_io.save(folder / f"{name}.{index}.safetensors", part)


def load_tensors(folder, name):
    paths = sorted(pathlib.Path(folder).glob(f"{name}.*.safetensors"))
    if not paths:
        refuse(folder, f"{name}.0.safetensors of the stage before", "none")
    tensors = {}
    for path in paths:
        tensors.update(safetensors_io.load(path))
    return tensors


def record(folder, stage, figures):
    """Adds a stage's figures to record.json, which the model card is written from."""
    path = pathlib.Path(folder) / "record.json"
    stages = json.loads(path.read_text()) if path.exists() else {}
    stages[stage] = figures
    path.write_text(json.dumps(stages, indent=1, ensure_ascii=False) + "\n")
    print(f"{stage}: {json.dumps(figures, ensure_ascii=False)}", flush=True)


def write_sheet(path, pictures, columns=10):
    """uint8 [N, 3, side, side] → one PNG, row by row."""
    count, _, side, _ = pictures.shape
    rows = -(-count // columns)
    sheet = torch.full((rows * side, columns * side, 3), 255, dtype=torch.uint8)
    for index, picture in enumerate(pictures.cpu()):
        y, x = divmod(index, columns)
        sheet[y * side:(y + 1) * side, x * side:(x + 1) * side] = picture.permute(1, 2, 0)
    lines = b"".join(b"\0" + bytes(line.flatten().tolist()) for line in sheet)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", sheet.shape[1], sheet.shape[0], 8, 2, 0, 0, 0)
    pathlib.Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
                                   + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))
