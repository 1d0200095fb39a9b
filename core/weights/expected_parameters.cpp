// The parameters of the official VAR and VQVAE classes (FoundationVision/VAR, models/var.py,
// basic_var.py, vqvae.py, basic_vae.py, quant.py), by their state dict names.

#include <fmt/format.h>

#include "core/geometry/phi.h"
#include "core/weights/state_dict.h"

namespace kvscope {
namespace {

using Shape = std::vector<std::int64_t>;

constexpr std::int64_t image_channels = 3;

class ParameterList {
 public:
  void add(const std::string& name, Shape shape) { shapes_.emplace(name, std::move(shape)); }

  void linear(const std::string& name, std::int64_t in, std::int64_t out) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }

  void convolution(const std::string& name, std::int64_t in, std::int64_t out,
                   std::int64_t side = 3) {
    add(name + ".weight", {out, in, side, side});
    add(name + ".bias", {out});
  }

  void norm(const std::string& name, std::int64_t channels) {
    add(name + ".weight", {channels});
    add(name + ".bias", {channels});
  }

  void residual_block(const std::string& name, std::int64_t in, std::int64_t out) {
    norm(name + ".norm1", in);
    convolution(name + ".conv1", in, out);
    norm(name + ".norm2", out);
    convolution(name + ".conv2", out, out);
    if (in != out) convolution(name + ".nin_shortcut", in, out, 1);
  }

  void attention_block(const std::string& name, std::int64_t channels) {
    norm(name + ".norm", channels);
    convolution(name + ".qkv", channels, 3 * channels, 1);
    convolution(name + ".proj_out", channels, channels, 1);
  }

  void middle(const std::string& name, std::int64_t channels) {
    residual_block(name + ".block_1", channels, channels);
    attention_block(name + ".attn_1", channels);
    residual_block(name + ".block_2", channels, channels);
  }

  /// One resolution: `blocks` residual blocks, with attention behind each at the coarsest one.
  void level(const std::string& name, std::int64_t in, std::int64_t out, int blocks,
             bool attention) {
    for (int block = 0; block < blocks; ++block) {
      residual_block(fmt::format("{}.block.{}", name, block), block == 0 ? in : out, out);
      if (attention) attention_block(fmt::format("{}.attn.{}", name, block), out);
    }
  }

  std::map<std::string, Shape> take() { return std::move(shapes_); }

 private:
  std::map<std::string, Shape> shapes_;
};

void add_transformer_block(ParameterList& list, const ModelConfig& config, int layer) {
  const std::int64_t width = config.width;
  const std::string block = fmt::format("var.blocks.{}", layer);
  if (config.attn_l2_norm) list.add(block + ".attn.scale_mul_1H11", {1, config.heads, 1, 1});
  list.add(block + ".attn.mat_qkv.weight", {3 * width, width});
  list.add(block + ".attn.q_bias", {width});
  list.add(block + ".attn.v_bias", {width});
  list.linear(block + ".attn.proj", width, width);
  list.linear(block + ".ffn.fc1", width, config.hidden());
  list.linear(block + ".ffn.fc2", config.hidden(), width);
  if (config.shared_aln) {
    list.add(block + ".ada_gss", {1, 1, 6, width});
  } else {
    list.linear(block + ".ada_lin.1", width, 6 * width);
  }
}

void add_transformer(ParameterList& list, const ModelConfig& config) {
  const std::int64_t width = config.width;
  const ScaleSchedule schedule = config.schedule();
  list.linear("var.word_embed", config.z_channels, width);
  list.add("var.class_emb.weight", {config.labels().count(), width});
  list.add("var.pos_start", {1, schedule.tokens(0), width});
  list.add("var.pos_1LC", {1, schedule.total_tokens(), width});
  list.add("var.lvl_embed.weight", {schedule.scales(), width});
  if (config.shared_aln) list.linear("var.shared_ada_lin.1", width, 6 * width);
  for (int layer = 0; layer < config.depth; ++layer) add_transformer_block(list, config, layer);
  list.linear("var.head_nm.ada_lin.1", width, 2 * width);
  list.linear("var.head", width, config.vocab);
}

Shape channels_of_levels(const ModelConfig& config) {
  Shape channels;
  for (const int multiplier : config.vae_ch_mult) {
    channels.push_back(std::int64_t{config.vae_ch} * multiplier);
  }
  return channels;
}

void add_encoder(ParameterList& list, const ModelConfig& config) {
  const Shape channels = channels_of_levels(config);
  const std::size_t coarsest = channels.size() - 1;
  list.convolution("vae.encoder.conv_in", image_channels, config.vae_ch);
  std::int64_t in = config.vae_ch;
  for (std::size_t i = 0; i <= coarsest; ++i) {
    const std::string level = fmt::format("vae.encoder.down.{}", i);
    list.level(level, in, channels[i], config.vae_num_res_blocks, i == coarsest);
    in = channels[i];
    if (i != coarsest) list.convolution(level + ".downsample.conv", in, in);
  }
  list.middle("vae.encoder.mid", in);
  list.norm("vae.encoder.norm_out", in);
  list.convolution("vae.encoder.conv_out", in, config.z_channels);
}

void add_decoder(ParameterList& list, const ModelConfig& config) {
  const Shape channels = channels_of_levels(config);
  const std::size_t coarsest = channels.size() - 1;
  std::int64_t in = channels[coarsest];
  list.convolution("vae.decoder.conv_in", config.z_channels, in);
  list.middle("vae.decoder.mid", in);
  for (std::size_t i = channels.size(); i-- > 0;) {
    const std::string level = fmt::format("vae.decoder.up.{}", i);
    list.level(level, in, channels[i], config.vae_num_res_blocks + 1, i == coarsest);
    in = channels[i];
    if (i != 0) list.convolution(level + ".upsample.conv", in, in);
  }
  list.norm("vae.decoder.norm_out", in);
  list.convolution("vae.decoder.conv_out", in, image_channels);
}

void add_quantizer(ParameterList& list, const ModelConfig& config) {
  const std::int64_t channels = config.z_channels;
  list.add("vae.quantize.embedding.weight", {config.vocab, channels});
  for (int phi = 0; phi < phi_count(config); ++phi) {
    list.convolution("vae.quantize." + phi_name(config, phi), channels, channels);
  }
  list.convolution("vae.quant_conv", channels, channels, config.quant_conv_ks);
  list.convolution("vae.post_quant_conv", channels, channels, config.quant_conv_ks);
}

}  // namespace

std::map<std::string, std::vector<std::int64_t>> expected_parameters(const ModelConfig& config) {
  ParameterList list;
  add_transformer(list, config);
  add_encoder(list, config);
  add_decoder(list, config);
  add_quantizer(list, config);
  return list.take();
}

}  // namespace kvscope
