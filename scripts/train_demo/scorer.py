"""The classifier that scores demo pictures: its network, training, reference and file format.

It learns from pictures that were blurred and given noise, so that it judges what a person would see
and not the last grain of a reconstruction. It is used for scoring only: neither the VQVAE nor the
transformer is trained against it.
"""

import json
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

import files
import loop
import pictures
import safetensors_io

STRIDES = (1, 2, 1, 2, 1, 2, 1)
CHANNELS = (32, 64, 64, 128, 128, 128, 128)
FEATURES = 64


class Scorer(nn.Module):
    """Picture [B, 3, side, side] in [−1, 1] → (features [B, 64], logits [B, classes])."""

    def __init__(self, classes, channels=CHANNELS, norm=True):
        super().__init__()
        widths = (3, *channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(*pair, 3, stride=stride, padding=1, bias=not norm)
            for pair, stride in zip(zip(widths, widths[1:]), STRIDES))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) if norm else nn.Identity()
                                   for width in channels)
        self.features = nn.Linear(channels[-1], FEATURES)
        self.classes = nn.Linear(FEATURES, classes)

    def forward(self, x):
        for convolution, norm in zip(self.convolutions, self.norms):
            x = F.relu(norm(convolution(x)))
        features = F.relu(self.features(x.mean((2, 3))))
        return features, self.classes(features)


def folded(scorer):
    """State dict of the same network with every batch norm folded into its convolution."""
    state = {}
    for index, (convolution, norm) in enumerate(zip(scorer.convolutions, scorer.norms)):
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        state[f"convolutions.{index}.weight"] = convolution.weight * factor.view(-1, 1, 1, 1)
        state[f"convolutions.{index}.bias"] = norm.bias - norm.running_mean * factor
    for name in ("features", "classes"):
        layer = getattr(scorer, name)
        state[f"{name}.weight"], state[f"{name}.bias"] = layer.weight, layer.bias
    return {name: tensor.detach().half() for name, tensor in state.items()}


def from_tensors(tensors, device):
    channels = [tensors[f"convolutions.{i}.bias"].numel() for i in range(len(STRIDES))]
    scorer = Scorer(tensors["classes.bias"].numel(), channels, norm=False)
    scorer.load_state_dict({name: tensor.float() for name, tensor in tensors.items()
                            if not name.startswith("reference.")})
    return scorer.to(device).eval().requires_grad_(False)


def load(folder, device):
    """(scorer, tensors) of a scorer folder."""
    tensors = safetensors_io.load(pathlib.Path(folder) / "weights.safetensors")
    return from_tensors(tensors, device), tensors


def _gaussian(sigma, radius=3):
    taps = torch.arange(-radius, radius + 1, device=sigma.device).float()
    weights = (-taps.square() / (2 * sigma.square())).exp()
    return weights / weights.sum()


def augment(x):
    """Blur up to σ = 1.3 px, noise up to 0.12, brightness and contrast up to 10 %."""
    sigma = 0.2 + 1.1 * torch.rand((), device=x.device)
    kernel = _gaussian(sigma)
    blurred = F.conv2d(F.pad(x.flatten(0, 1).unsqueeze(1), (3, 3, 3, 3), mode="replicate"),
                       kernel.view(1, 1, 1, -1))
    blurred = F.conv2d(blurred, kernel.view(1, 1, -1, 1)).view(x.shape)

    def each(low, high):
        return low + (high - low) * torch.rand(len(x), 1, 1, 1, device=x.device)

    x = torch.where(each(0, 1) < 0.6, blurred, x)
    x = x + torch.randn_like(x) * each(0, 0.12)
    return x * each(0.9, 1.1) + each(-0.1, 0.1)


@torch.inference_mode()
def apply(scorer, uint8_pictures, batch=1000):
    """(features [N, 64], predicted class [N]) of 8-bit pictures."""
    features, predicted = [], []
    for part in uint8_pictures.split(batch):
        found, logits = scorer(pictures.to_float(part))
        features.append(found)
        predicted.append(logits.argmax(1))
    return torch.cat(features), torch.cat(predicted)


def accuracy(predicted, labels):
    return (predicted == labels).double().mean().item()


def moments(features):
    features = features.double()
    return features.mean(0), torch.cov(features.T)


def _square_root(covariance):
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp_min(0).sqrt() @ vectors.T


def frechet_distance(first, second):
    """Between (mean, covariance) pairs, float64."""
    (mean1, cov1), (mean2, cov2) = first, second
    root = _square_root(cov1)
    cross = torch.linalg.eigvalsh(root @ cov2 @ root).clamp_min(0).sqrt().sum()
    return ((mean1 - mean2).square().sum() + cov1.trace() + cov2.trace() - 2 * cross).item()


def reference_of(tensors, device):
    return tensors["reference.mean"].to(device), tensors["reference.covariance"].to(device)


def train(args):
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    pool, labels = pictures.draw_pool(args.pool, args.seed + 1, device)
    scorer = Scorer(len(pictures.CLASS_NAMES)).to(device)
    optimizer = torch.optim.AdamW(scorer.parameters(), lr=2e-3, weight_decay=0.05)

    def step(_):
        chosen = torch.randint(len(pool), (args.batch,), device=device)
        x = augment(pictures.to_float(pool[chosen]))
        with loop.low_precision(device):
            loss = F.cross_entropy(scorer(x)[1].float(), labels[chosen], label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}

    seconds = loop.run("scorer", args.steps, optimizer, step)
    tensors = folded(scorer.eval())
    judge = from_tensors(tensors, device)
    held_out, held_labels = pictures.draw_pool(args.reference, args.seed + 2, device)
    features, predicted = apply(judge, held_out)
    tensors["reference.mean"], tensors["reference.covariance"] = moments(features)
    folder = pathlib.Path(args.work) / "scorer"
    folder.mkdir(parents=True, exist_ok=True)
    safetensors_io.save(folder / "weights.safetensors", tensors)
    (folder / "scorer.json").write_text(json.dumps({
        "schema": "kvscope.scorer/1", "name": "demo-scorer", "model": "demo",
        "image_size": pictures.SIDE, "classes": len(pictures.CLASS_NAMES), "strides": list(STRIDES),
        "reference_pictures": args.reference}, indent=1) + "\n")
    files.record(args.work, "scorer", {
        "seed": args.seed, "steps": args.steps, "batch": args.batch, "pool": args.pool,
        "device": loop.device_name(device), "seconds": round(seconds),
        "held-out pictures": args.reference,
        "accuracy on real pictures": accuracy(predicted, held_labels)})
