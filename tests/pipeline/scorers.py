"""Scorer folders for the pipeline tests."""

import json
import pathlib
import sys

from kvscope_cli import DEMO, ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import make_golden_scorer


def write_demo_scorer(folder, **changes):
    """A scorer of random weights that knows the pictures of the embedded model."""
    model = json.loads((pathlib.Path(DEMO) / "config.json").read_text())
    config = {"schema": "kvscope.scorer/1", "name": "random-scorer", "model": model["name"],
              "image_size": model["image_size"], "classes": model["classes"],
              "strides": [1, 2, 2, 2], "reference_pictures": 100} | changes
    make_golden_scorer.write_random_scorer(folder, config, [4, 8, 8, 8], features=6)
