"""Last stage: the trained parts as a model folder with its scorer and its card."""

import json
import pathlib
import shutil

import files
import pictures
import safetensors_io

CARD = """# The demo model

A {depth}-layer next-scale transformer ({width} wide, {heads} heads) with a multi-scale VQVAE ({vocab} codes of
{z_channels} channels) that draws 64 px pictures of ten classes of shapes in {scales} scales. It is embedded
so that kvscope can be tried, tested and explained without a checkpoint; it says nothing about photographs.

- **Data**: procedural pictures, drawn on the device by `scripts/train_demo/pictures.py`: {names}. No
  picture comes from anywhere else.
- **Recipe**: `scripts/train_demo/train.py`, stages scorer → vae → var → guide → export; settings, seeds, devices
  and figures of every stage are below, as the stages wrote them. `guide` scores pictures over guidance (cfg), top-k
  and top-p; `export` writes the sampling chosen by it into `config.json`. The figures of `var` were taken before, at
  the sampling of the configuration it was given, which stands with them.
- **Scorer**: `scorer/` holds a classifier used for scoring only, and mean and covariance of its penultimate
  features over real pictures. "Demo Fréchet distance" is measured with it and is not comparable with FID.
- **Licence**: MIT, as kvscope.

```json
{record}
```
"""


def card(config, record):
    """Text of MODEL.md for a model's config.json and the stages' record."""
    return CARD.format(**config, scales=len(config["patch_nums"]), names=", ".join(pictures.CLASS_NAMES),
                       record=json.dumps(record, indent=1, ensure_ascii=False))


def run(args):
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    sampling = {"cfg": args.cfg, "top_k": args.top_k, "top_p": args.top_p}
    config = {**args.config, "name": "demo", "class_names": list(pictures.CLASS_NAMES),
              "sampling": sampling}
    weights = {f"{part}.{name}": tensor.half() for part in ("vae", "var")
               for name, tensor in files.load_tensors(args.work, part).items()}
    safetensors_io.save(out / "weights.safetensors", weights)
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    shutil.copytree(f"{args.work}/scorer", out / "scorer", dirs_exist_ok=True)
    files.record(args.work, "export", sampling)
    record = json.loads((pathlib.Path(args.work) / "record.json").read_text())
    (out / "MODEL.md").write_text(card(config, record))
