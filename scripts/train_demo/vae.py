"""Stage 2: the multi-scale VQVAE, with the residual quantizer of the published code.

First an autoencoder without quantizer; then the codebook is filled from its features and the whole is
trained, codes that nothing uses being replaced by features that occur.
"""

import torch
from torch.nn import functional as F

import files
import loop
import pictures
import scorer as scoring
from geometry import tokens_by_scale
from reference_var import load_state
from reference_vqvae import Vqvae

COMMITMENT = 0.25
RESEED_EVERY_STEPS = 100
# Codes are left alone in the last part of the training, so that they can settle.
RESEED_UNTIL = 0.7


class Resizes:
    """The bicubic and area resizes of the quantizer as matrices: torch's bicubic backward is slow."""

    def __init__(self, patch_nums, device):
        last = patch_nums[-1]
        self.up, self.down = [], []
        for side in patch_nums:
            square = torch.eye(side, device=device).view(1, 1, side, side)
            self.up.append(F.interpolate(square, size=(last, side), mode="bicubic")[0, 0])
            square = torch.eye(last, device=device).view(1, 1, last, last)
            self.down.append(F.interpolate(square, size=(side, last), mode="area")[0, 0])

    @staticmethod
    def apply(matrix, x):
        return matrix @ x @ matrix.T


class Gather(torch.autograd.Function):
    """Rows of a codebook; the backward of F.embedding may wait for the host, which no graph allows."""

    @staticmethod
    def forward(ctx, codebook, ids):
        ctx.save_for_backward(ids)
        ctx.shape = codebook.shape
        return codebook[ids]

    @staticmethod
    def backward(ctx, gradient):
        (ids,) = ctx.saved_tensors
        return gradient.new_zeros(ctx.shape).index_add_(0, ids, gradient), None


def as_rows(maps):
    """[B, C, p, p] → [B·p·p, C]."""
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def nearest(rows, codebook):
    distance = codebook.square().sum(1) - 2 * rows @ codebook.T
    return distance.argmin(1)


def quantize(quantizer, resizes, f):
    """Straight-through residual quantization of f [B, C, 16, 16].

    Returns (f_hat that passes its gradient on to f, loss of codebook and commitment, the vectors that
    were looked up, their ids).
    """
    codebook, last = quantizer.embedding.weight, len(quantizer.patch_nums) - 1
    target = f.detach()
    rest, f_hat, loss = target.clone(), torch.zeros_like(target), 0.0
    looked_up, ids = [], []
    for scale, side in enumerate(quantizer.patch_nums):
        rows = as_rows(resizes.apply(resizes.down[scale], rest))
        chosen = nearest(rows, codebook.detach())
        codes = Gather.apply(codebook, chosen).view(len(f), side, side, -1).permute(0, 3, 1, 2)
        part = quantizer.quant_resi(resizes.apply(resizes.up[scale], codes), scale / last)
        f_hat = f_hat + part
        rest = rest - part.detach()
        loss = loss + F.mse_loss(f_hat, target) + COMMITMENT * F.mse_loss(f, f_hat.detach())
        looked_up.append(rows)
        ids.append(chosen)
    return (f_hat - f).detach() + f, loss / (last + 1), torch.cat(looked_up), torch.cat(ids)


def reconstruction_loss(x, wanted):
    """Absolute error of pixels and of differences between neighbours, which keeps edges sharp."""
    error = x - wanted
    across, down = error.diff(dim=3).abs().mean(), error.diff(dim=2).abs().mean()
    return error.abs().mean() + 0.5 * (across + down)


class VaeTrainer:
    def __init__(self, vae, pool, batch, rate, device):
        self.vae, self.pool, self.batch, self.device = vae, pool, batch, device
        self.resizes = Resizes(vae.quantize.patch_nums, device)
        self.encoder, self.decoder = (loop.compiled(part, device)
                                      for part in (vae.encoder, vae.decoder))
        cuda = device.type == "cuda"
        self.optimizer = torch.optim.AdamW(
            vae.parameters(), lr=torch.tensor(rate, device=device) if cuda else rate,
            betas=(0.9, 0.98), weight_decay=1e-4, fused=cuda, capturable=cuda)
        self.chosen = torch.zeros(batch, dtype=torch.long, device=device)
        self.usage = torch.zeros(vae.quantize.embedding.num_embeddings, device=device)
        rows = batch * sum(tokens_by_scale(vae.quantize.patch_nums))
        self.looked_up = torch.zeros(rows, vae.quantize.embedding.embedding_dim, device=device)
        self.steps = {False: None, True: None}

    def features(self, x):
        with loop.low_precision(self.device):
            return self.vae.quant_conv(self.encoder(x)).float()

    def decode(self, f):
        with loop.low_precision(self.device):
            return self.decoder(self.vae.post_quant_conv(f)).float()

    def step(self, quantized):
        """One update. The picture numbers come from self.chosen, which a graph reads in place."""
        x = pictures.to_float(self.pool[self.chosen])
        f = self.features(x)
        loss = 0.0
        if quantized:
            f, loss, rows, ids = quantize(self.vae.quantize, self.resizes, f)
            self.looked_up.copy_(rows)
            self.usage.index_add_(0, ids, torch.ones_like(ids, dtype=self.usage.dtype))
        error = reconstruction_loss(self.decode(f), x)
        self.optimizer.zero_grad(set_to_none=True)
        (error + loss).backward()
        torch.nn.utils.clip_grad_norm_(self.vae.parameters(), 1.0)
        self.optimizer.step()
        figures = {"pixels": error.detach()}
        return {**figures, "codes": loss.detach()} if quantized else figures

    def train_step(self, quantized):
        self.chosen.copy_(torch.randint(len(self.pool), (self.batch,), device=self.device))
        if self.steps[quantized] is None:
            self.steps[quantized] = loop.graphed(lambda: self.step(quantized), self.device)
        return self.steps[quantized]()

    @torch.no_grad()
    def fill_codebook(self):
        """Codes from what each scale would look up if the scales before it had no error."""
        x = pictures.to_float(self.pool[torch.randint(len(self.pool), (self.batch,),
                                                      device=self.device)])
        f = self.features(x)
        apply, down, up = Resizes.apply, self.resizes.down, self.resizes.up
        rest, rows = f, []
        for scale in range(len(down)):
            rows.append(as_rows(apply(down[scale], rest)))
            rest = f - apply(up[scale], apply(down[scale], f))
        weight = self.vae.quantize.embedding.weight
        for code, scale in zip(range(len(weight)), torch.arange(len(weight)) % len(rows)):
            weight[code] = rows[scale][torch.randint(len(rows[scale]), ())]

    @torch.no_grad()
    def reseed(self):
        """Codes below a twentieth of their fair share become vectors that were just looked up."""
        fair = self.usage.sum() / len(self.usage)
        dead = (self.usage < 0.05 * fair).nonzero().flatten()
        weight = self.vae.quantize.embedding.weight
        picked = torch.randint(len(self.looked_up), (len(dead),), device=self.device)
        weight[dead] = self.looked_up[picked]
        state = self.optimizer.state[weight]
        for moment in ("exp_avg", "exp_avg_sq"):
            state[moment][dead] = 0
        self.usage.zero_()

    def train(self, steps, warmup_steps):
        def step(index):
            quantized = index >= warmup_steps
            if index == warmup_steps and warmup_steps > 0:
                self.fill_codebook()
            figures = self.train_step(quantized)
            if quantized and index % RESEED_EVERY_STEPS == 0 and index < RESEED_UNTIL * steps:
                self.reseed()
            return figures

        return loop.run("vae", steps, self.optimizer, step)


@torch.inference_mode()
def evaluate(vae, judge, count, seed, device):
    """PSNR of 8-bit reconstructions, scorer accuracy on them, codes in use; and the pictures."""
    real, labels = pictures.draw_pool(count, seed, device)
    rebuilt, used = [], torch.zeros(vae.quantize.embedding.num_embeddings, device=device)
    for part in real.split(500):
        ids = vae.encode(pictures.to_float(part))
        flat = torch.cat([scale.flatten() for scale in ids])
        used.index_add_(0, flat, torch.ones_like(flat, dtype=used.dtype))
        image = vae.decode(vae.quantize.f_hat(ids))
        rebuilt.append(image.add(1).mul(127.5).round().to(torch.uint8))
    rebuilt = torch.cat(rebuilt)
    error = (rebuilt.float() - real.float()).square().mean((1, 2, 3)).clamp_min(1e-3)
    psnr = 10 * (255**2 / error).log10()
    scorer, tensors = judge
    features, predicted = scoring.apply(scorer, rebuilt)
    distance = scoring.frechet_distance(scoring.moments(features),
                                        scoring.reference_of(tensors, device))
    return {"pictures": count, "PSNR dB": psnr.mean().item(),
            "accuracy on reconstructions": scoring.accuracy(predicted, labels),
            "demo Fréchet distance of reconstructions": distance,
            "codes in use": int((used > 0).sum())}, real, rebuilt


def train(args):
    config, device = args.config, torch.device(args.device)
    torch.manual_seed(args.seed)
    vae = Vqvae(config).to(device)
    if args.resume:
        load_state(vae, files.load_tensors(args.work, "vae"), args.work)
    pool, _ = pictures.draw_pool(args.pool, args.seed + 3, device)
    trainer = VaeTrainer(vae, pool, args.batch, args.rate, device)
    seconds = trainer.train(args.steps, 0 if args.resume else args.steps // 8)
    vae.eval()
    files.save_tensors(args.work, "vae", vae.state_dict())
    figures, real, rebuilt = evaluate(vae, scoring.load(f"{args.work}/scorer", device),
                                      args.evaluate, args.seed + 4, device)
    files.write_sheet(f"{args.work}/vae.png", torch.cat((real[:40], rebuilt[:40])))
    files.record(args.work, "vae", {
        "seed": args.seed, "steps": args.steps, "batch": args.batch, "pool": args.pool,
        "learning rate": args.rate, "resumed": args.resume, "device": loop.device_name(device),
        "seconds": round(seconds), **figures})
