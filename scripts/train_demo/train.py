#!/usr/bin/env python3
"""Trains the embedded demo model, stage by stage; a stage reads the files of those before it, each below
16 MiB.

  train.py scorer --work W     the classifier that scores pictures, and its reference
  train.py vae    --work W     the multi-scale VQVAE (needs the scorer only to report)
  train.py var    --work W     the transformer
  train.py guide  --work W     scores generated pictures over guidance, top-k and top-p
  train.py export --work W --out data/demo     model folder, scorer, MODEL.md

`train.py score --model data/demo` shows the quality of an exported model. The architecture is that of --config,
which export copies with the sampling it is given.
"""

import argparse
import itertools
import json
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import export  # noqa: E402
import files  # noqa: E402
import loop  # noqa: E402
import pictures  # noqa: E402
import scorer as scoring  # noqa: E402
import vae as vae_stage  # noqa: E402
import var as var_stage  # noqa: E402
from reference_var import Var, load_model  # noqa: E402
from reference_vqvae import Vqvae  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def trained(args, device):
    vae, var = Vqvae(args.config), Var(args.config)
    vae.load_state_dict(files.load_tensors(args.work, "vae"))
    var.load_state_dict(files.load_tensors(args.work, "var"))
    return [model.to(device).eval().requires_grad_(False) for model in (vae, var)]


def guide(args):
    device = torch.device(args.device)
    vae, var = trained(args, device)
    judge = scoring.load(f"{args.work}/scorer", device)
    rows = []
    for cfg, top_k, top_p in itertools.product(args.cfg, args.top_k, args.top_p):
        sampling = {"cfg": cfg, "top_k": top_k, "top_p": top_p}
        figures, _ = var_stage.evaluate(vae, var, judge, args.evaluate, sampling, args.seed, device)
        print(json.dumps(figures), flush=True)
        rows.append(figures)
    files.record(args.work, "guide", {"device": loop.device_name(device), "rows": rows})


def score(args):
    """Every bar of a model folder: real pictures, reconstructions, generated pictures."""
    device = torch.device(args.device)
    config, vae, var = load_model(args.model, device)
    judge = scoring.load(f"{args.model}/scorer", device)
    real, labels = pictures.draw_pool(args.evaluate, args.seed + 7, device)
    _, predicted = scoring.apply(judge[0], real)
    rebuilt, _, _ = vae_stage.evaluate(vae, judge, args.evaluate, args.seed + 8, device)
    drawn, _ = var_stage.evaluate(vae, var, judge, args.evaluate, config["sampling"], args.seed, device)
    print(json.dumps({"device": loop.device_name(device), "seed": args.seed,
                      "accuracy on real pictures": scoring.accuracy(predicted, labels),
                      **rebuilt, **drawn}, indent=1, ensure_ascii=False))


def read_config(path):
    return json.loads(pathlib.Path(path).read_text())


# What several stages read; a stage takes what it uses.
OPTIONS = {
    "work": {"required": True, "help": "folder of the stages' files"},
    "config": {"type": read_config, "default": str(ROOT / "data/demo/config.json"),
               "help": "config.json with the architecture"},
    "device": {"default": "cuda" if torch.cuda.is_available() else "cpu"},
    "seed": {"type": int, "default": 1},
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    stages = parser.add_subparsers(dest="stage", required=True)

    def stage(stage_name, run, shared, **defaults):
        options = stages.add_parser(stage_name)
        options.set_defaults(run=run)
        for option in shared:
            options.add_argument(f"--{option}", **OPTIONS[option])
        for option, default in defaults.items():
            options.add_argument(f"--{option}", type=type(default), default=default)
        return options

    stage("scorer", scoring.train, ("work", "device", "seed"), steps=4000, batch=512, pool=200_000,
          reference=50_000)
    for name, module, defaults in (
            ("vae", vae_stage, {"steps": 15_000, "batch": 128, "rate": 1.2e-3, "pool": 200_000}),
            ("var", var_stage, {"steps": 6000, "batch": 128, "rate": 2e-3, "pool": 200_000})):
        options = stage(name, module.train, OPTIONS, evaluate=2000, **defaults)
        options.add_argument("--resume", action="store_true", help="start from the stage's own files")
    options = stage("guide", guide, OPTIONS, evaluate=1000)
    options.add_argument("--cfg", type=float, nargs="+", default=[0, 1, 2, 3, 4])
    options.add_argument("--top-k", type=int, nargs="+", default=[0])
    options.add_argument("--top-p", type=float, nargs="+", default=[0.96, 0.9])
    options = stage("score", score, ("device", "seed"), evaluate=2000)
    options.add_argument("--model", required=True)
    options = stage("export", export.run, ("work", "config"))
    options.add_argument("--out", required=True)
    options.add_argument("--cfg", type=float, required=True)
    options.add_argument("--top-k", type=int, required=True)
    options.add_argument("--top-p", type=float, required=True)
    return parser.parse_args()


def main():
    args = parse()
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    args.run(args)


if __name__ == "__main__":
    main()
