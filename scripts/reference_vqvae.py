"""The VQVAE of a VAR model in plain eager PyTorch, with the published parameter names.

Follows models/vqvae.py, basic_vae.py and quant.py of FoundationVision/VAR (arXiv 2404.02905).
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def norm(channels):
    return nn.GroupNorm(32, channels, eps=1e-6)


def conv3(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1, self.conv1 = norm(inputs), conv3(inputs, outputs)
        self.norm2, self.conv2 = norm(outputs), conv3(outputs, outputs)
        same = inputs == outputs
        self.nin_shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x), inplace=True))
        h = self.conv2(F.silu(self.norm2(h), inplace=True))
        return self.nin_shortcut(x) + h


class PixelAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        q, k, v = self.qkv(self.norm(x)).flatten(2).chunk(3, dim=1)
        weights = torch.bmm(q.transpose(1, 2), k).mul_(x.shape[1] ** -0.5).softmax(dim=2)
        return x + self.proj_out(torch.bmm(v, weights.transpose(1, 2)).view_as(x))


class Middle(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block_1 = ResidualBlock(channels, channels)
        self.attn_1 = PixelAttention(channels)
        self.block_2 = ResidualBlock(channels, channels)

    def forward(self, x):
        return self.block_2(self.attn_1(self.block_1(x)))


class Downsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = conv3(channels, channels)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class Level(nn.Module):
    """The blocks of one resolution; attention only at the lowest one."""

    def __init__(self, inputs, outputs, blocks, lowest):
        super().__init__()
        widths = [inputs] + [outputs] * blocks
        self.block = nn.ModuleList(ResidualBlock(*pair) for pair in zip(widths, widths[1:]))
        self.attn = nn.ModuleList(PixelAttention(outputs) for _ in range(blocks if lowest else 0))

    def forward(self, x):
        for index, block in enumerate(self.block):
            x = block(x)
            if self.attn:
                x = self.attn[index](x)
        return x


class Encoder(nn.Module):
    def __init__(self, ch, ch_mult, blocks, z_channels):
        super().__init__()
        widths = [ch] + [ch * factor for factor in ch_mult]
        last = len(ch_mult) - 1
        self.conv_in = conv3(3, ch)
        self.down = nn.ModuleList()
        for index in range(last + 1):
            level = Level(widths[index], widths[index + 1], blocks, index == last)
            if index != last:
                level.downsample = Downsample(widths[index + 1])
            self.down.append(level)
        self.mid = Middle(widths[-1])
        self.norm_out = norm(widths[-1])
        self.conv_out = conv3(widths[-1], z_channels)

    def forward(self, x):
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
            if hasattr(level, "downsample"):
                x = level.downsample(x)
        return self.conv_out(F.silu(self.norm_out(self.mid(x)), inplace=True))


class Decoder(nn.Module):
    def __init__(self, ch, ch_mult, blocks, z_channels):
        super().__init__()
        widths = [ch * factor for factor in ch_mult]
        widths.append(widths[-1])
        last = len(ch_mult) - 1
        self.conv_in = conv3(z_channels, widths[-1])
        self.mid = Middle(widths[-1])
        self.up = nn.ModuleList()
        for index in range(last + 1):
            level = Level(widths[index + 1], widths[index], blocks + 1, index == last)
            if index != 0:
                level.upsample = Upsample(widths[index])
            self.up.append(level)
        self.norm_out = norm(widths[0])
        self.conv_out = conv3(widths[0], 3)

    def forward(self, x):
        x = self.mid(self.conv_in(x))
        for level in reversed(self.up):
            x = level(x)
            if hasattr(level, "upsample"):
                x = level.upsample(x)
        return self.conv_out(F.silu(self.norm_out(x), inplace=True))


class PhiSet(nn.Module):
    """The convolutions behind an upsampled scale; the first whose tick is nearest is taken.

    `share` is the official share_quant_resi: 1 for one convolution, n for n that the scales share,
    0 for `own`, one for each scale. None where `residual` is 0. Each case has its own names.
    """

    def __init__(self, channels, share, own, residual):
        super().__init__()
        self.residual = abs(residual)
        count = share or own
        convs = [conv3(channels, channels) if self.residual > 1e-6 else nn.Identity()
                 for _ in range(count)]
        if share == 0:
            for index, conv in enumerate(convs):
                self.add_module(str(index), conv)
        elif share == 1:
            self.qresi = convs[0]
        else:
            self.qresi_ls = nn.ModuleList(convs)
        self.convs = tuple(convs)
        first = 1 / 3 / count if count == 4 else 1 / 2 / count
        self.ticks = np.linspace(first, 1 - first, count)

    def forward(self, x, position):
        conv = self.convs[np.argmin(np.abs(self.ticks - position)).item()]
        if isinstance(conv, nn.Identity):
            return x
        return x.mul(1 - self.residual) + conv(x).mul_(self.residual)


class Quantizer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.patch_nums = tuple(config["patch_nums"])
        self.embedding = nn.Embedding(config["vocab"], config["z_channels"])
        self.quant_resi = PhiSet(config["z_channels"], config.get("share_quant_resi", 4),
                                 config.get("default_qresi_counts") or len(self.patch_nums),
                                 config.get("quant_resi", 0.5))

    @property
    def last_side(self):
        return self.patch_nums[-1]

    def empty_f_hat(self, batch):
        weight = self.embedding.weight
        return weight.new_zeros(batch, weight.shape[1], self.last_side, self.last_side)

    def contribution(self, scale, codes):
        """What codes [B, tokens, C] of a scale add to f_hat."""
        side, last = self.patch_nums[scale], len(self.patch_nums) - 1
        h = codes.transpose(1, 2).reshape(codes.shape[0], codes.shape[2], side, side)
        if scale != last:
            h = F.interpolate(h, size=(self.last_side, self.last_side), mode="bicubic")
        return self.quant_resi(h, scale / last)

    def area_tokens(self, f, scale):
        """f resized to a scale as tokens [B, tokens, C]: the transformer's input at that scale."""
        side = self.patch_nums[scale]
        return F.interpolate(f, size=(side, side), mode="area").flatten(2).transpose(1, 2)

    def encode(self, features):
        """Features → list of token ids [B, tokens] per scale."""
        codebook = self.embedding.weight
        rest = features.detach().clone()
        ids = []
        for scale in range(len(self.patch_nums)):
            z = self.area_tokens(rest, scale).reshape(-1, codebook.shape[1])
            distance = z.square().sum(1, keepdim=True) + codebook.square().sum(1)
            distance.addmm_(z, codebook.T, alpha=-2, beta=1)
            ids.append(distance.argmin(1).view(features.shape[0], -1))
            rest.sub_(self.contribution(scale, self.embedding(ids[-1])))
        return ids

    def f_hat(self, ids):
        f_hat = self.empty_f_hat(ids[0].shape[0])
        for scale, scale_ids in enumerate(ids):
            f_hat = f_hat + self.contribution(scale, self.embedding(scale_ids))
        return f_hat

    def teacher_input(self, ids):
        """Token ids of the first n scales → the transformer's input at the scales 1…n−1."""
        f_hat, inputs = self.empty_f_hat(ids[0].shape[0]), []
        for scale, scale_ids in enumerate(ids[:-1]):
            f_hat = f_hat + self.contribution(scale, self.embedding(scale_ids))
            inputs.append(self.area_tokens(f_hat, scale + 1))
        return torch.cat(inputs, dim=1)


class Vqvae(nn.Module):
    def __init__(self, config):
        super().__init__()
        shape = (config["vae_ch"], config["vae_ch_mult"], config.get("vae_num_res_blocks", 2),
                 config["z_channels"])
        self.encoder, self.decoder = Encoder(*shape), Decoder(*shape)
        self.quantize = Quantizer(config)
        side, z_channels = config.get("quant_conv_ks", 3), config["z_channels"]
        self.quant_conv = nn.Conv2d(z_channels, z_channels, side, padding=side // 2)
        self.post_quant_conv = nn.Conv2d(z_channels, z_channels, side, padding=side // 2)

    def encode(self, image):
        """Image [B, 3, size, size] in [−1, 1] → list of token ids per scale."""
        return self.quantize.encode(self.quant_conv(self.encoder(image)))

    def decode(self, f_hat):
        """f_hat → image in [−1, 1]."""
        return self.decoder(self.post_quant_conv(f_hat)).clamp_(-1, 1)
