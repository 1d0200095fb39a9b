"""Name -> shape of every parameter of the official VAR and VQVAE classes (FoundationVision/VAR).

The names are those of the official state dicts behind `var.` and `vae.`; `config` is the content of
config.json.
"""

from geometry import tokens_by_scale


def linear(name, inputs, outputs):
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def convolution(name, inputs, outputs, side=3):
    return {f"{name}.weight": (outputs, inputs, side, side), f"{name}.bias": (outputs,)}


def norm(name, channels):
    return {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}


def residual_block(name, inputs, outputs):
    shapes = {**norm(f"{name}.norm1", inputs), **convolution(f"{name}.conv1", inputs, outputs),
              **norm(f"{name}.norm2", outputs), **convolution(f"{name}.conv2", outputs, outputs)}
    if inputs != outputs:
        shapes.update(convolution(f"{name}.nin_shortcut", inputs, outputs, 1))
    return shapes


def attention_block(name, channels):
    return {**norm(f"{name}.norm", channels),
            **convolution(f"{name}.qkv", channels, 3 * channels, 1),
            **convolution(f"{name}.proj_out", channels, channels, 1)}


def middle(name, channels):
    return {**residual_block(f"{name}.block_1", channels, channels),
            **attention_block(f"{name}.attn_1", channels),
            **residual_block(f"{name}.block_2", channels, channels)}


def level(name, inputs, outputs, blocks, attention):
    shapes = {}
    for block in range(blocks):
        shapes.update(residual_block(f"{name}.block.{block}", inputs if block == 0 else outputs,
                                     outputs))
        if attention:
            shapes.update(attention_block(f"{name}.attn.{block}", outputs))
    return shapes


def phi_names(config):
    """Names of the convolutions phi: models/quant.py names shared and own ones differently."""
    share = config.get("share_quant_resi", 4)
    if abs(config.get("quant_resi", 0.5)) <= 1e-6:
        return []
    if share == 0:
        return [str(phi) for phi in
                range(config.get("default_qresi_counts") or len(config["patch_nums"]))]
    return ["qresi"] if share == 1 else [f"qresi_ls.{phi}" for phi in range(share)]


def quantizer_shapes(config):
    z, side = config["z_channels"], config.get("quant_conv_ks", 3)
    shapes = {"vae.quantize.embedding.weight": (config["vocab"], z),
              **convolution("vae.quant_conv", z, z, side),
              **convolution("vae.post_quant_conv", z, z, side)}
    for name in phi_names(config):
        shapes.update(convolution(f"vae.quantize.quant_resi.{name}", z, z))
    return shapes


def vae_shapes(config):
    channels = [config["vae_ch"] * multiplier for multiplier in config["vae_ch_mult"]]
    coarsest, z, blocks = len(channels) - 1, config["z_channels"], config["vae_num_res_blocks"]
    shapes = {**convolution("vae.encoder.conv_in", 3, config["vae_ch"]),
              **middle("vae.encoder.mid", channels[-1]),
              **norm("vae.encoder.norm_out", channels[-1]),
              **convolution("vae.encoder.conv_out", channels[-1], z),
              **convolution("vae.decoder.conv_in", z, channels[-1]),
              **middle("vae.decoder.mid", channels[-1]),
              **norm("vae.decoder.norm_out", channels[0]),
              **convolution("vae.decoder.conv_out", channels[0], 3),
              **quantizer_shapes(config)}
    for i, own in enumerate(channels):
        finer = channels[i - 1] if i > 0 else config["vae_ch"]
        coarser = channels[min(i + 1, coarsest)]
        down, up = f"vae.encoder.down.{i}", f"vae.decoder.up.{i}"
        shapes.update(level(down, finer, own, blocks, i == coarsest))
        shapes.update(level(up, coarser, own, blocks + 1, i == coarsest))
        if i != coarsest:
            shapes.update(convolution(f"{down}.downsample.conv", own, own))
        if i != 0:
            shapes.update(convolution(f"{up}.upsample.conv", own, own))
    return shapes


def var_shapes(config):
    width, tokens = config["width"], tokens_by_scale(config["patch_nums"])
    hidden = round(width * config["mlp_ratio"])
    shapes = {**linear("var.word_embed", config["z_channels"], width),
              "var.class_emb.weight": (config["classes"] + 1, width),
              "var.pos_start": (1, tokens[0], width),
              "var.pos_1LC": (1, sum(tokens), width),
              "var.lvl_embed.weight": (len(tokens), width),
              **linear("var.head_nm.ada_lin.1", width, 2 * width),
              **linear("var.head", width, config["vocab"])}
    if config["shared_aln"]:
        shapes.update(linear("var.shared_ada_lin.1", width, 6 * width))
    for layer in range(config["depth"]):
        block = f"var.blocks.{layer}"
        if config["attn_l2_norm"]:
            shapes[f"{block}.attn.scale_mul_1H11"] = (1, config["heads"], 1, 1)
        shapes[f"{block}.attn.mat_qkv.weight"] = (3 * width, width)
        shapes[f"{block}.attn.q_bias"] = shapes[f"{block}.attn.v_bias"] = (width,)
        shapes.update(linear(f"{block}.attn.proj", width, width))
        shapes.update(linear(f"{block}.ffn.fc1", width, hidden))
        shapes.update(linear(f"{block}.ffn.fc2", hidden, width))
        if config["shared_aln"]:
            shapes[f"{block}.ada_gss"] = (1, 1, 6, width)
        else:
            shapes.update(linear(f"{block}.ada_lin.1", width, 6 * width))
    return shapes


def expected_shapes(config):
    return {**var_shapes(config), **vae_shapes(config)}
