"""Procedural pictures for the demo model: ten classes of shapes, drawn on the device in batches.

A picture is a background (plain, graded or finely striped) with one shape, or two smaller ones of
the same class. Shapes have a random place, size, rotation, colour and shading, and a dark outline a
pixel wide, so that coarse scales alone cannot give them. Edges are antialiased from signed distances.
"""

import math

import torch

CLASS_NAMES = ("disk", "ring", "square", "diamond", "triangle", "plus", "bars", "checker", "crescent",
               "star")
SIDE = 64
# Pixels of a picture measured in its coordinates, which run from −1 to 1.
PIXEL = 2 / SIDE


def _disk(x, y, r):
    return torch.hypot(x, y) - r


def _ring(x, y, r):
    return (torch.hypot(x, y) - 0.75 * r).abs() - 0.22 * r


def _square(x, y, r):
    return torch.maximum(x.abs(), y.abs()) - 0.82 * r


def _diamond(x, y, r):
    """Twice as high as wide: a turned square is no diamond."""
    return (x.abs() + 0.5 * y.abs() - 0.5 * r) / math.hypot(1, 0.5)


def _triangle(x, y, r):
    sides = [math.cos(angle) * x + math.sin(angle) * y
             for angle in (math.pi / 6, 5 * math.pi / 6, 3 * math.pi / 2)]
    return torch.maximum(torch.maximum(sides[0], sides[1]), sides[2]) - 0.52 * r


def _plus(x, y, r):
    x, y = x.abs(), y.abs()
    return torch.minimum(torch.maximum(x - r, y - 0.32 * r), torch.maximum(y - r, x - 0.32 * r))


def _bars(x, y, r):
    step = 0.66 * r
    nearest = y - step * (y / step).round().clamp(-1, 1)
    return torch.maximum(x.abs() - 0.9 * r, nearest.abs() - 0.19 * r)


def _checker(x, y, r):
    """The five filled cells of a 3 × 3 board."""
    cell = 0.6 * r
    x, y = x.abs(), y.abs()
    corner = torch.maximum((x - cell).abs(), (y - cell).abs())
    return torch.minimum(torch.maximum(x, y), corner) - 0.5 * cell


def _crescent(x, y, r):
    return torch.maximum(torch.hypot(x, y) - r, 0.8 * r - torch.hypot(x - 0.5 * r, y))


def _star(x, y, r):
    """Five points; folded to the half-point between an outer and an inner corner."""
    sector = 2 * math.pi / 5
    angle = torch.atan2(y, x)
    angle = (angle - sector * (angle / sector).round()).abs()
    radius = torch.hypot(x, y)
    px, py = radius * angle.cos(), radius * angle.sin()
    inner_x, inner_y = 0.45 * math.cos(sector / 2), 0.45 * math.sin(sector / 2)
    length = math.hypot(1 - inner_x, inner_y)
    return ((px - r) * inner_y + py * (1 - inner_x)) / length


DISTANCES = (_disk, _ring, _square, _diamond, _triangle, _plus, _bars, _checker, _crescent, _star)


class _Uniform:
    """Random numbers [pictures, 1, 1] of one generator."""

    def __init__(self, count, rng):
        self.count, self.rng = count, rng

    def __call__(self, low, high):
        values = torch.rand(self.count, 1, 1, generator=self.rng, device=self.rng.device)
        return low + (high - low) * values


def _colour(hue, saturation, value):
    """HSV → RGB [pictures, 3, 1, 1]."""
    offsets = torch.tensor([5.0, 3.0, 1.0], device=hue.device).view(1, 3, 1, 1)
    k = (offsets + 6 * hue.unsqueeze(1)) % 6
    ramp = torch.minimum(k, 4 - k).clamp(0, 1)
    return value.unsqueeze(1) * (1 - saturation.unsqueeze(1) * ramp)


def _coverage(distance):
    return (0.5 - distance / PIXEL).clamp(0, 1)


def _background(uniform, x, y, dark):
    value = torch.where(dark, uniform(0.12, 0.32), uniform(0.75, 0.95))
    colour = _colour(uniform(0, 1), uniform(0.1, 0.5), value)
    kind, angle = uniform(0, 3).floor(), uniform(0, 2 * math.pi)
    along = x * angle.cos() + y * angle.sin()
    graded = 1 + 0.25 * along
    striped = 1 + 0.12 * (2 * math.pi * along / (uniform(5, 8) * PIXEL)).sin()
    factor = torch.where(kind == 1, graded, torch.where(kind == 2, striped, torch.ones_like(along)))
    return colour * factor.unsqueeze(1)


def _distance(labels, x, y, r):
    every = torch.stack([distance(x, y, r) for distance in DISTANCES])
    return every[labels, torch.arange(len(labels), device=labels.device)]


def _paint(canvas, uniform, labels, x, y, colour, centre, r):
    angle = uniform(0, 2 * math.pi)
    dx, dy = x - centre[0], y - centre[1]
    across = dx * angle.cos() + dy * angle.sin()
    down = dy * angle.cos() - dx * angle.sin()
    distance = _distance(labels, across, down, r)
    light = uniform(0, 2 * math.pi)
    shade = 1 + 0.22 * ((dx * light.cos() + dy * light.sin()) / r).clamp(-1, 1)
    fill = _coverage(distance).unsqueeze(1)
    outline = _coverage((distance + 0.75 * PIXEL).abs() - 0.6 * PIXEL).unsqueeze(1)
    painted = canvas + fill * (colour * shade.unsqueeze(1) - canvas)
    return painted + 0.8 * outline * (0.35 * colour - painted)


@torch.no_grad()
def draw(labels, rng):
    """Pictures of the classes `labels` [B]: uint8 [B, 3, 64, 64]. `rng` lives on their device."""
    uniform = _Uniform(len(labels), rng)
    ticks = (torch.arange(SIDE, device=rng.device) + 0.5) * PIXEL - 1
    y, x = ticks.view(1, SIDE, 1), ticks.view(1, 1, SIDE)
    dark = uniform(0, 1) < 0.5
    canvas = _background(uniform, x, y, dark)
    value = torch.where(dark, uniform(0.75, 1.0), uniform(0.3, 0.6))
    colour = _colour(uniform(0, 1), uniform(0.45, 0.9), value)

    two = uniform(0, 1) < 0.25
    r = torch.where(two, uniform(0.3, 0.4), uniform(0.4, 0.68))
    angle, away = uniform(0, 2 * math.pi), uniform(0.46, 0.52)
    alone = [uniform(-1, 1) * (0.88 - r) for _ in range(2)]
    paired = [angle.cos() * away, angle.sin() * away]
    centre = [torch.where(two, *pair) for pair in zip(paired, alone)]
    first = _paint(canvas, uniform, labels, x, y, colour, centre, r)
    both = _paint(first, uniform, labels, x, y, colour, [-c for c in centre], r)
    picture = torch.where(two.unsqueeze(1), both, first)
    return picture.clamp_(0, 1).mul_(255).round_().to(torch.uint8)


def draw_pool(count, seed, device, batch=2000):
    """`count` pictures with the classes in turn: (uint8 [count, 3, 64, 64], labels [count])."""
    rng = torch.Generator(device=device).manual_seed(seed)
    labels = torch.arange(count, device=device) % len(CLASS_NAMES)
    return torch.cat([draw(part, rng) for part in labels.split(batch)]), labels


def to_float(pictures):
    """uint8 → float in [−1, 1], what the VQVAE and the scorer take."""
    return pictures.float().div_(127.5).sub_(1)
