#!/usr/bin/env python3
"""The same VAR model in plain eager PyTorch: second opinion and speed baseline of the C++ model.

Follows the published code (FoundationVision/VAR, arXiv 2404.02905): parameter names, order of the
random draws, and a KV cache grown by torch.cat. A script may import Vqvae, Var, load_model and
generate; run as a program, it draws one batch and writes its tokens and image, or times it.
"""

import argparse
import json
import math
import pathlib
import time

import torch
from torch import nn
from torch.nn import functional as F

import command_line
import geometry
import model_config
import safetensors_io
from command_line import listed, refuse
from reference_vqvae import Vqvae

# The published classes keep these as buffers; a checkpoint may or may not carry them.
BUFFERS = ("lvl_1L", "attn_bias_for_masking", "zero_k_bias", "ema_vocab_hit_SV")


class SelfAttention(nn.Module):
    max_log_scale = math.log(100)

    def __init__(self, width, heads, l2_norm):
        super().__init__()
        self.heads, self.head_dim, self.l2_norm = heads, width // heads, l2_norm
        if l2_norm:
            self.scale_mul_1H11 = nn.Parameter(torch.full((1, heads, 1, 1), 4.0).log())
        self.scale = 1.0 if l2_norm else 0.25 / math.sqrt(self.head_dim)
        self.mat_qkv = nn.Linear(width, 3 * width, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("zero_k_bias", torch.zeros(width), persistent=False)
        self.proj = nn.Linear(width, width)

    def forward(self, x, mask=None, cache=None):
        rows, tokens, width = x.shape
        bias = torch.cat((self.q_bias, self.zero_k_bias, self.v_bias))
        qkv = F.linear(x, self.mat_qkv.weight, bias).view(rows, tokens, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        if self.l2_norm:
            q = F.normalize(q, dim=-1).mul(self.scale_mul_1H11.clamp_max(self.max_log_scale).exp())
            k = F.normalize(k, dim=-1)
        if cache is not None:
            k, v = cache.update(k, v)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=self.scale)
        return self.proj(out.transpose(1, 2).reshape(rows, tokens, width))


class Ffn(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class SharedAdaLin(nn.Linear):
    def forward(self, condition):
        return super().forward(condition).view(condition.shape[0], 1, 6, -1)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["width"]
        self.attn = SelfAttention(width, config["heads"], config["attn_l2_norm"])
        self.ffn = Ffn(width, round(width * config.get("mlp_ratio", 4)))
        self.ln = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        if config["shared_aln"]:
            self.ada_gss = nn.Parameter(torch.randn(1, 1, 6, width) / width**0.5)
        else:
            self.ada_lin = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x, condition, mask=None, cache=None):
        if hasattr(self, "ada_gss"):
            modulation = self.ada_gss + condition
        else:
            modulation = self.ada_lin(condition).view(x.shape[0], 1, 6, -1)
        gamma1, gamma2, scale1, scale2, shift1, shift2 = modulation.unbind(2)
        attended = self.attn(self.ln(x).mul(scale1.add(1)).add_(shift1), mask, cache)
        x = x + attended.mul_(gamma1)
        return x + self.ffn(self.ln(x).mul(scale2.add(1)).add_(shift2)).mul_(gamma2)


class HeadNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.ln = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.ada_lin = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x, condition):
        scale, shift = self.ada_lin(condition).view(x.shape[0], 1, 2, -1).unbind(2)
        return self.ln(x).mul(scale.add(1)).add_(shift)


class Var(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, self.patch_nums = config["width"], tuple(config["patch_nums"])
        self.classes = config["classes"]
        self.tokens = geometry.tokens_by_scale(self.patch_nums)
        self.word_embed = nn.Linear(config["z_channels"], width)
        self.class_emb = nn.Embedding(self.classes + 1, width)
        self.pos_start = nn.Parameter(torch.randn(1, self.tokens[0], width))
        self.pos_1LC = nn.Parameter(torch.randn(1, sum(self.tokens), width))
        self.lvl_embed = nn.Embedding(len(self.patch_nums), width)
        self.shared_ada_lin = (nn.Sequential(nn.SiLU(), SharedAdaLin(width, 6 * width))
                               if config["shared_aln"] else nn.Identity())
        self.blocks = nn.ModuleList(Block(config) for _ in range(config["depth"]))
        self.head_nm = HeadNorm(width)
        self.head = nn.Linear(width, config["vocab"])
        levels = torch.repeat_interleave(torch.arange(len(self.tokens)), torch.tensor(self.tokens))
        self.register_buffer("levels", levels, persistent=False)

    def positions(self):
        return self.lvl_embed(self.levels) + self.pos_1LC

    def start(self, condition, positions):
        """Input of scale 0: [rows, tokens, width]."""
        return condition.unsqueeze(1) + self.pos_start + positions[:, :self.tokens[0]]

    def logits(self, x, condition, mask=None, caches=None):
        shared = self.shared_ada_lin(condition)
        for index, block in enumerate(self.blocks):
            x = block(x, shared, mask, caches[index] if caches else None)
        return self.head(self.head_nm(x, condition))

    def forward(self, labels, inputs):
        """Teacher forcing: logits [B, tokens, vocab] of scale 0 and the scales `inputs` covers."""
        end = self.tokens[0] + inputs.shape[1]
        condition, positions = self.class_emb(labels), self.positions()[:, :end]
        x = torch.cat((self.start(condition, positions),
                       self.word_embed(inputs) + positions[:, self.tokens[0]:]), dim=1)
        levels = self.levels[:end]
        return self.logits(x, condition, mask=levels[:, None] >= levels[None, :])


class FullCache:
    """The published cache: everything, grown by torch.cat."""

    def __init__(self):
        self.key = self.value = None

    def update(self, key, value):
        if self.key is not None:
            key = torch.cat((self.key, key), dim=2)
            value = torch.cat((self.value, value), dim=2)
        self.key, self.value = key, value
        return key, value


class RuleCache:
    """Reads the scales a retention rule keeps, and forgets nothing: it is a reference."""

    def __init__(self, rule, tokens):
        self.rule, self.tokens, self.scales = rule, tokens, []

    def update(self, key, value):
        kept = kept_scales(self.rule, len(self.scales), self.tokens)
        self.scales.append((key, value))
        read = [self.scales[index] for index in kept] + [(key, value)]
        return tuple(torch.cat(part, dim=2) for part in zip(*read))


def kept_scales(rule, target, tokens):
    """Source scales a layer's rule keeps for a target: {condensed, local | capacity_tokens}."""
    condensed = min(rule["condensed"], target)
    if "local" in rule:
        return [s for s in range(target) if s < condensed or s >= target - rule["local"]]
    room = rule["capacity_tokens"] - sum(tokens[:rule["condensed"]])
    admitted = []
    for scale in range(condensed, target):
        if tokens[scale] > room:
            continue
        admitted.append(scale)
        while sum(tokens[s] for s in admitted) > room:
            admitted.pop(0)
    return list(range(condensed)) + admitted


def truncate_(logits, top_k, top_p):
    """Masks in place all but the top_k logits (ties kept), then all but the top_p mass."""
    if top_k > 0:
        smallest = logits.topk(min(top_k, logits.shape[-1]), sorted=False).values
        logits.masked_fill_(logits < smallest.amin(-1, keepdim=True), -torch.inf)
    if top_p > 0:
        ascending, order = logits.sort(dim=-1)
        removed = ascending.softmax(-1).cumsum_(-1) <= 1 - top_p
        removed[..., -1] = False
        logits.masked_fill_(removed.scatter(-1, order, removed), -torch.inf)
    return logits


def draw(logits, rng):
    """One token per position: [B, tokens, vocab] → [B, tokens]."""
    flat = logits.softmax(-1).flatten(0, 1)
    return torch.multinomial(flat, 1, replacement=True, generator=rng).view(logits.shape[:2])


def smooth_codes(logits, ratio, codebook, rng):
    """Codes mixed by a Gumbel softmax that hardens towards the last scale (more_smooth)."""
    logits = logits.mul(1 + ratio)
    gumbel = -torch.empty_like(logits).exponential_(generator=rng).log()
    temperature = max(0.27 * (1 - ratio * 0.95), 0.005)
    return ((logits + gumbel) / temperature).softmax(-1) @ codebook


@torch.inference_mode()
def generate(vae, var, labels, batch=None, seed=0, cfg=1.5, top_k=0, top_p=0.0, more_smooth=False,
             rules=None, decode=True, keep_logits=False, forced=None):
    """Draws a batch. Returns labels, token_ids [B, L], f_hat, image, logits (if kept) and caches.

    `labels` None draws `batch` of them first. `rules` holds one retention rule per layer, None for
    a layer that reads everything. Images are in [0, 1]; logits come one per scale, guided and not yet
    truncated. `forced` token ids [B, L] are followed in place of drawn ones (teacher forcing).
    """
    quantizer, device = vae.quantize, var.levels.device
    rng = torch.Generator(device=device).manual_seed(seed)
    if labels is None:
        uniform = torch.full((1, var.classes), 1 / var.classes, device=device)
        labels = torch.multinomial(uniform, batch, replacement=True, generator=rng).flatten()
    labels = torch.as_tensor(labels, device=device)
    rules = rules or [None] * len(var.blocks)
    caches = [RuleCache(rule, var.tokens) if rule else FullCache() for rule in rules]
    batch, last = len(labels), len(var.tokens) - 1
    condition = var.class_emb(torch.cat((labels, torch.full_like(labels, var.classes))))
    positions = var.positions()
    x, end = var.start(condition, positions), 0
    f_hat = quantizer.empty_f_hat(batch)
    token_ids, kept_logits = [], []
    for scale, tokens in enumerate(var.tokens):
        ratio = scale / last
        logits = var.logits(x, condition, caches=caches)
        guidance = cfg * ratio
        logits = (1 + guidance) * logits[:batch] - guidance * logits[batch:]
        if keep_logits:
            kept_logits.append(logits.clone())
        ids = (forced[:, end:end + tokens] if forced is not None
               else draw(truncate_(logits, top_k, top_p), rng))
        token_ids.append(ids)
        codes = (smooth_codes(logits, ratio, quantizer.embedding.weight, rng) if more_smooth
                 else quantizer.embedding(ids))
        f_hat.add_(quantizer.contribution(scale, codes))
        end += tokens
        if scale != last:
            x = var.word_embed(quantizer.area_tokens(f_hat, scale + 1))
            x = (x + positions[:, end:end + var.tokens[scale + 1]]).repeat(2, 1, 1)
    image = vae.decode(f_hat).add_(1).mul_(0.5) if decode else None
    return {"labels": labels, "token_ids": torch.cat(token_ids, 1), "logits": kept_logits,
            "f_hat": f_hat, "image": image, "caches": caches}


def state_dict_of(weights, prefix):
    """The float32 parameters behind `prefix` of a model folder's weights, without buffers."""
    return {name.removeprefix(prefix): tensor.float() for name, tensor in weights.items()
            if name.startswith(prefix) and name.rsplit(".", 1)[-1] not in BUFFERS}


def load_state(module, state, path):
    """Fills `module`; refuses the tensors of another one. `path` is only named in errors."""
    wanted = {name: tensor.shape for name, tensor in module.state_dict().items()}
    wrong = [name for name in wanted.keys() | state.keys()
             if name not in wanted or name not in state or state[name].shape != wanted[name]]
    if wrong:
        refuse(path, "the parameters that the config calls for",
               f"missing, unexpected or of another shape: {listed(wrong)}")
    module.load_state_dict(state)


def load_model(folder, device="cpu"):
    """Returns (config, vae, var) of a model folder, float32, for inference."""
    folder = pathlib.Path(folder)
    config = model_config.load(folder / "config.json")
    weights = safetensors_io.load(folder / "weights.safetensors")
    vae, var = Vqvae(config), Var(config)
    load_state(vae, state_dict_of(weights, "vae."), folder)
    load_state(var, state_dict_of(weights, "var."), folder)
    for module in (vae, var):
        module.eval().requires_grad_(False).to(device)
    return config, vae, var


def time_generation(vae, var, repeats, options):
    """Prints the wall time of whole batches, first run discarded, as JSON."""
    total_ns, decode_ns = [], []
    for _ in range(repeats + 1):
        begin = time.perf_counter_ns()
        f_hat = generate(vae, var, **options, decode=False)["f_hat"]
        middle = time.perf_counter_ns()
        with torch.inference_mode():
            vae.decode(f_hat).add_(1).mul_(0.5)
        end = time.perf_counter_ns()
        total_ns.append(end - begin)
        decode_ns.append(end - middle)
    print(json.dumps({"threads": torch.get_num_threads(), "total_ns": total_ns[1:],
                      "decode_ns": decode_ns[1:]}))


def parse_rules(text):
    rules = json.loads(text)
    fits = isinstance(rules, list) and all(
        rule is None or isinstance(rule, dict)
        and rule.keys() in ({"condensed", "local"}, {"condensed", "capacity_tokens"})
        and all(type(value) is int and value >= 0 for value in rule.values()) for rule in rules)
    if not fits:
        raise argparse.ArgumentTypeError("expected a list of null or retention rules")
    return rules


def run():
    whole = command_line.whole
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, metavar="DIR", help="model folder")
    parser.add_argument("--labels", metavar="3,7", type=command_line.wholes, help="one class per sample; default: drawn")
    parser.add_argument("--batch", type=whole(1), default=1, help="samples, with --labels taken in turn")
    parser.add_argument("--seed", type=whole(0, 2**63 - 1), default=0)
    parser.add_argument("--cfg", type=command_line.real(0, model_config.LARGEST_CFG), help="guidance; default of this and the next two: "
                        "config.json")
    parser.add_argument("--top-k", type=whole(0))
    parser.add_argument("--top-p", type=command_line.real(0, 1))
    parser.add_argument("--more-smooth", action="store_true")
    parser.add_argument("--rules", metavar="JSON", type=parse_rules, help="retention rule per layer, e.g. "
                        '[null, {"condensed": 2, "local": 1}]')
    parser.add_argument("--threads", type=whole(1), help="CPU threads of torch")
    parser.add_argument("--out", metavar="FILE", help="safetensors file to write")
    parser.add_argument("--time", type=whole(1), metavar="N", help="time N batches instead")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    config, vae, var = load_model(args.model)
    labels = args.labels
    if labels:
        if max(labels) >= config["classes"]:
            refuse(args.model, f"labels below {config['classes']}", max(labels))
        labels = [labels[i % len(labels)] for i in range(max(args.batch, len(labels)))]
    if args.rules and len(args.rules) != config["depth"]:
        refuse(args.model, f"--rules for {config['depth']} layers", len(args.rules))
    options = {"labels": labels, "batch": args.batch, "seed": args.seed,
               "more_smooth": args.more_smooth,
               "rules": args.rules}
    for name in ("cfg", "top_k", "top_p"):
        given = getattr(args, name)
        options[name] = config["sampling"][name] if given is None else given
    if args.time:
        time_generation(vae, var, args.time, options)
        return
    result = generate(vae, var, **options)
    if args.out:
        safetensors_io.save(args.out, {
            "labels": result["labels"].int(), "token_ids": result["token_ids"].int(),
            "f_hat": result["f_hat"], "image": result["image"]})


if __name__ == "__main__":
    command_line.start(lambda: command_line.status_of(run))
