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

import command_line  # noqa: E402
import export  # noqa: E402
import files  # noqa: E402
import loop  # noqa: E402
import model_config  # noqa: E402
import pictures  # noqa: E402
import scorer as scoring  # noqa: E402
import vae as vae_stage  # noqa: E402
import var as var_stage  # noqa: E402
from reference_var import Var, load_model, load_state  # noqa: E402
from reference_vqvae import Vqvae  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def trained(args, device):
    vae, var = Vqvae(args.config), Var(args.config)
    load_state(vae, files.load_tensors(args.work, "vae"), args.work)
    load_state(var, files.load_tensors(args.work, "var"), args.work)
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


def device_here(text):
    try:
        torch.zeros(1, device=text)
    except (RuntimeError, AssertionError) as error:  # torch has no type for a device that is not there
        raise argparse.ArgumentTypeError(
            f"expected a device of this machine, got '{command_line.printable(text)}'") from error
    return text


# What several stages read; a stage takes what it uses.
OPTIONS = {
    "work": {"required": True, "type": command_line.path, "help": "folder of the stages' files"},
    "config": {"type": model_config.load, "default": str(ROOT / "data/demo/config.json"),
               "help": "config.json with the architecture"},
    "device": {"type": device_here, "default": "cuda" if torch.cuda.is_available() else "cpu"},
    "seed": {"type": command_line.whole(0), "default": 1},
}
CFG, TOP_K, TOP_P = command_line.real(0), command_line.whole(0), command_line.real(0, 1)


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
            # A covariance takes two pictures.
            smallest = 2 if option in ("evaluate", "reference") else 1
            number = command_line.real(0) if option == "rate" else command_line.whole(smallest)
            options.add_argument(f"--{option}", type=number, default=default)
        return options

    stage("scorer", scoring.train, ("work", "device", "seed"), steps=4000, batch=512, pool=200_000,
          reference=50_000)
    for name, module, defaults in (
            ("vae", vae_stage, {"steps": 15_000, "batch": 128, "rate": 1.2e-3, "pool": 200_000}),
            ("var", var_stage, {"steps": 6000, "batch": 128, "rate": 2e-3, "pool": 200_000})):
        options = stage(name, module.train, OPTIONS, evaluate=2000, **defaults)
        options.add_argument("--resume", action="store_true", help="start from the stage's own files")
    options = stage("guide", guide, OPTIONS, evaluate=1000)
    options.add_argument("--cfg", type=CFG, nargs="+", default=[0, 1, 2, 3, 4])
    options.add_argument("--top-k", type=TOP_K, nargs="+", default=[0])
    options.add_argument("--top-p", type=TOP_P, nargs="+", default=[0.96, 0.9])
    options = stage("score", score, ("device", "seed"), evaluate=2000)
    options.add_argument("--model", required=True)
    options = stage("export", export.run, ("work", "config"))
    options.add_argument("--out", required=True, type=command_line.path)
    options.add_argument("--cfg", type=CFG, required=True)
    options.add_argument("--top-k", type=TOP_K, required=True)
    options.add_argument("--top-p", type=TOP_P, required=True)
    return parser.parse_args()


def main():
    args = parse()
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    args.run(args)


if __name__ == "__main__":
    command_line.start(lambda: command_line.status_of(main))
