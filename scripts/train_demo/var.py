"""Stage 3: the class-conditional transformer on the tokens of a pool of pictures."""

import math

import torch
from torch import nn
from torch.nn import functional as F

import files
import loop
import pictures
import scorer as scoring
from reference_var import Var, generate, load_state
from reference_vqvae import Vqvae

LABEL_DROP = 0.1
GRADIENT_NORM = 2.0


def initialise(var, depth):
    """Small residual branches that start almost closed, as deep next-scale transformers need."""
    width = var.class_emb.embedding_dim
    deviation = math.sqrt(1 / width / 3)
    for module in var.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.trunc_normal_(module.weight, std=deviation)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)
    for parameter in (var.pos_start, var.pos_1LC):
        nn.init.trunc_normal_(parameter, std=deviation)
    with torch.no_grad():
        var.head.weight.mul_(0.02)
        for block in var.blocks:
            block.attn.proj.weight.div_(math.sqrt(2 * depth))
            block.ffn.fc2.weight.div_(math.sqrt(2 * depth))
            if hasattr(block, "ada_gss"):
                block.ada_gss[:, :, :2].mul_(0.1)


@torch.inference_mode()
def tokenise(vae, pool, labels, batch=1000):
    """Tokens int16 [N, L], the transformer's teacher-forced inputs fp16 [N, L − 1, C]."""
    tokens, inputs = [], []
    for part in pool.split(batch):
        ids = vae.encode(pictures.to_float(part))
        tokens.append(torch.cat(ids, 1).short())
        inputs.append(vae.quantize.teacher_input(ids).half())
    return torch.cat(tokens), torch.cat(inputs), labels


def optimizers_of(var, rate):
    """Muon for the matrices of the blocks, AdamW for the rest. After 300 steps at a rate of 1e-3 the
    cross-entropy was 3.08, with AdamW alone 3.47 (H100, batch 128)."""
    matrices, others = [], []
    for name, parameter in var.named_parameters():
        inner = name.startswith("blocks.") and parameter.ndim == 2
        (matrices if inner else others).append(parameter)
    return [torch.optim.Muon(matrices, lr=rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.95), weight_decay=0.05)]


def train_steps(args, var, data, device):
    tokens, inputs, labels = data
    optimizers = optimizers_of(var, args.rate)
    for block in var.blocks:
        block.forward = loop.compiled(block.forward, device)
    parameters = list(var.parameters())

    def step(_):
        chosen = torch.randint(len(tokens), (args.batch,), device=device)
        wanted = labels[chosen]
        dropped = torch.rand(args.batch, device=device) < LABEL_DROP
        with loop.low_precision(device):
            logits = var(torch.where(dropped, var.classes, wanted), inputs[chosen].float())
            loss = F.cross_entropy(logits.flatten(0, 1), tokens[chosen].long().flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, GRADIENT_NORM)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return {"loss": loss.detach()}

    return loop.run("var", args.steps, optimizers, step)


@torch.inference_mode()
def held_out_loss(var, data, batch=100):
    tokens, inputs, labels = data
    total = 0.0
    for begin in range(0, len(tokens), batch):
        part = slice(begin, begin + batch)
        logits = var(labels[part], inputs[part].float())
        total += F.cross_entropy(logits.flatten(0, 1), tokens[part].long().flatten(),
                                 reduction="sum").item()
    return total / tokens.numel()


def samples_of(vae, var, count, sampling, seed, device, batch=250):
    """(8-bit pictures, labels), classes in turn; every batch has a seed of its own."""
    labels = torch.arange(count, device=device) % var.classes
    drawn = []
    for index, part in enumerate(labels.split(batch)):
        image = generate(vae, var, part, seed=seed + index, **sampling)["image"]
        drawn.append(image.mul(255).round().to(torch.uint8))
    return torch.cat(drawn), labels


def evaluate(vae, var, judge, count, sampling, seed, device):
    """Scores of `count` generated pictures, and the pictures."""
    drawn, labels = samples_of(vae, var, count, sampling, seed, device)
    scorer, tensors = judge
    features, predicted = scoring.apply(scorer, drawn)
    distance = scoring.frechet_distance(scoring.moments(features),
                                        scoring.reference_of(tensors, device))
    return {**sampling, "pictures": count,
            "accuracy on generated pictures": scoring.accuracy(predicted, labels),
            "demo Fréchet distance": distance}, drawn


def train(args):
    config, device = args.config, torch.device(args.device)
    torch.manual_seed(args.seed)
    vae = Vqvae(config).to(device)
    load_state(vae, files.load_tensors(args.work, "vae"), args.work)
    vae.eval().requires_grad_(False)
    pool, labels = pictures.draw_pool(args.pool, args.seed + 5, device)
    held_out, held_labels = pictures.draw_pool(args.evaluate, args.seed + 6, device)
    data, held_data = tokenise(vae, pool, labels), tokenise(vae, held_out, held_labels)
    del pool
    print(f"var: {args.pool} pictures tokenised", flush=True)

    var = Var(config).to(device)
    initialise(var, config["depth"])
    if args.resume:
        load_state(var, files.load_tensors(args.work, "var"), args.work)
    seconds = train_steps(args, var, data, device)
    files.save_tensors(args.work, "var", var.state_dict())
    var = Var(config).to(device).eval().requires_grad_(False)
    load_state(var, files.load_tensors(args.work, "var"), args.work)
    figures, drawn = evaluate(vae, var, scoring.load(f"{args.work}/scorer", device), args.evaluate,
                              config["sampling"], args.seed, device)
    files.write_sheet(f"{args.work}/var.png", drawn[:100])
    files.record(args.work, "var", {
        "seed": args.seed, "steps": args.steps, "batch": args.batch, "pool": args.pool,
        "learning rate": args.rate, "resumed": args.resume,
        "device": loop.device_name(device), "seconds": round(seconds),
        "cross-entropy": held_out_loss(var, held_data), **figures})
