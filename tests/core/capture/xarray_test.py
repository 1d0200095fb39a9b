"""A capture opens in xarray with the names of its dimensions, and says what its numbers are.

Run as: xarray_test.py path/to/write_example
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import xarray


def group(path: Path, name: str) -> xarray.Dataset:
    return xarray.open_dataset(path, group=name, engine="h5netcdf", phony_dims=None)


def check_xarray(path: Path) -> None:
    samples = group(path, "samples")
    assert samples["token_ids"].dims == ("sample", "token")
    assert samples["token_ids"].dtype == np.int32
    assert samples["label"].dims == ("sample",)
    assert samples["preview"].dims == ("sample", "y", "x", "rgb")

    key = group(path, "kv/layer_01")["key"]
    assert key.dims == ("sample", "row", "head", "token", "channel")
    assert key.shape == (5, 2, 2, 14, 4)
    assert key.dtype == np.float16
    # The formula of example_capture.cpp.
    mixed = 3 * 1 + 5 * 4 + 7 * 1 + 11 * 1 + 13 * 6 + 2
    assert float(key.sel(sample=4, row=1, head=1, token=6, channel=2)) == (mixed % 31 - 15) / 8

    cosine = group(path, "analysis/similarity/cosine")["key"]
    assert cosine.dims == ("layer", "head", "target", "source")
    assert np.isnan(cosine.sel(target=0)).all()
    assert group(path, "analysis/attention")["mass"].attrs["units"] == "tokens"
    assert group(path, "ledger")["logical_bytes"].dims == ("layer", "scale")
    assert group(path, "timing")["layer_ns"].dims == (
        "batch", "repeat", "layer", "scale", "module")

    # Coordinates are inherited from the root, as data/FORMAT.md shows.
    tree = xarray.open_datatree(path, engine="h5netcdf")
    assert list(tree["samples"]["label"].coords["sample"]) == list(range(5))
    assert tree["timing"]["layer_ns"].sel(module=b"ffn").dims == (
        "batch", "repeat", "layer", "scale")
    assert tree["kv/layer_01"]["key"].coords["token"].values[-1] == 13

    root = group(path, "/")
    assert root.attrs["schema"] == "kvscope.capture/1"
    assert root.attrs["complete"] == 1
    assert bytes(root["module"].values[3]).rstrip(b"\0") == b"attention_core"
    assert root["committed_samples"] == 5


def check_h5py(path: Path) -> None:
    with h5py.File(path) as file:
        assert file["kv/layer_00/key"].chunks == (1, 1, 2, 14, 4)
        # Without compression chunks have their place before the run and no checksum.
        assert not file["kv/layer_00/key"].fletcher32
        assert file["kv/layer_00/key"].attrs["logical_dtype"] == b"float16"
        assert file["ledger/logical_bytes"].attrs["rows"] == 4


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.h5"
        subprocess.run([sys.argv[1], path, "5"], check=True)
        check_xarray(path)
        check_h5py(path)


if __name__ == "__main__":
    main()
