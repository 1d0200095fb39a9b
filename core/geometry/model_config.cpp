#include "core/geometry/model_config.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/decimal.h"
#include "core/base/error.h"
#include "core/base/json_fields.h"

namespace kvscope {
namespace {

constexpr std::string_view where = "model config";

int whole(JsonFields& fields, std::string_view key, int smallest = 1) {
  const std::int64_t value = fields.integer(key, smallest);
  if (value > std::numeric_limits<int>::max()) {
    fields.fail(key, "below 2^31", fmt::to_string(value));
  }
  return static_cast<int>(value);
}

SamplingDefaults parse_sampling(JsonFields fields) {
  SamplingDefaults sampling;
  sampling.cfg = fields.number("cfg");
  sampling.top_k = whole(fields, "top_k", 0);
  sampling.top_p = fields.number("top_p");
  const auto check = [&](std::string_view key, double value, const NumberRange<double>& range) {
    if (value >= range.smallest && value <= range.largest) return;
    fields.fail(key, name_of(range), fmt::to_string(value));
  };
  check("cfg", sampling.cfg, {0, largest_cfg});
  check("top_p", sampling.top_p, {0, 1});
  fields.refuse_unknown();
  return sampling;
}

void parse_quantizer(JsonFields& fields, ModelConfig& config) {
  if (fields.has("share_quant_resi"))
    config.share_quant_resi = whole(fields, "share_quant_resi", 0);
  if (fields.has("default_qresi_counts")) {
    config.default_qresi_counts = whole(fields, "default_qresi_counts", 0);
  }
  if (fields.has("quant_resi")) config.quant_resi = fields.number("quant_resi");
  if (fields.has("quant_conv_ks")) config.quant_conv_ks = whole(fields, "quant_conv_ks");
  if (config.default_qresi_counts > 0 && config.share_quant_resi != 0) {
    fields.fail("default_qresi_counts", "0 where scales share convolutions (share_quant_resi)",
                fmt::to_string(config.default_qresi_counts));
  }
  if (std::abs(config.quant_resi) > 1) {
    fields.fail("quant_resi", "between -1 and 1", fmt::to_string(config.quant_resi));
  }
  // Padding keeps the size of a map for odd sides only.
  if (config.quant_conv_ks % 2 == 0) {
    fields.fail("quant_conv_ks", "an odd side", fmt::to_string(config.quant_conv_ks));
  }
}

// Only what differs from the official defaults, so that the files of ordinary models stay as they
// are for every version that reads them.
void write_quantizer(nlohmann::json& json, const ModelConfig& config) {
  const ModelConfig usual;
  if (config.share_quant_resi != usual.share_quant_resi) {
    json["share_quant_resi"] = config.share_quant_resi;
  }
  if (config.default_qresi_counts != usual.default_qresi_counts) {
    json["default_qresi_counts"] = config.default_qresi_counts;
  }
  if (config.quant_resi != usual.quant_resi) json["quant_resi"] = config.quant_resi;
  if (config.quant_conv_ks != usual.quant_conv_ks) json["quant_conv_ks"] = config.quant_conv_ks;
}

void check_consistent(const ModelConfig& config, const JsonFields& fields) {
  if (config.width % config.heads != 0) {
    fields.fail("width", fmt::format("a multiple of heads ({})", config.heads),
                fmt::to_string(config.width));
  }
  const double hidden = config.width * config.mlp_ratio;
  if (!(config.mlp_ratio > 0) || hidden > std::numeric_limits<int>::max()) {
    fields.fail("mlp_ratio", "a positive ratio", fmt::to_string(config.mlp_ratio));
  }
  try {
    (void)config.schedule();
  } catch (const Error&) {
    fields.fail("patch_nums", "two or more ascending sides", fmt::format("{}", config.patch_nums));
  }
  if (config.vae_ch_mult.empty()) fields.fail("vae_ch_mult", "at least one multiplier", "[]");
  // GroupNorm of the VAE has 32 groups at every level.
  for (const int multiplier : config.vae_ch_mult) {
    if (std::int64_t{config.vae_ch} * multiplier % 32 != 0) {
      fields.fail("vae_ch", "channels divisible by 32 at every level",
                  fmt::format("{} × {}", config.vae_ch, multiplier));
    }
  }
  const std::size_t halvings = config.vae_ch_mult.size() - 1;
  if (halvings > 16 || config.patch_nums.back() << halvings != config.image_size) {
    fields.fail("image_size",
                fmt::format("the last of patch_nums times 2^{} ({} levels in vae_ch_mult)",
                            halvings, config.vae_ch_mult.size()),
                fmt::to_string(config.image_size));
  }
  if (!config.class_names.empty() &&
      config.class_names.size() != static_cast<std::size_t>(config.classes)) {
    fields.fail("class_names", fmt::format("one name for each of {} classes", config.classes),
                fmt::format("{} names", config.class_names.size()));
  }
}

ModelConfig parse(const nlohmann::json& json, const std::string& file) {
  JsonFields fields(json, std::string(where), file);
  ModelConfig config;
  config.name = fields.text("name");
  config.depth = whole(fields, "depth");
  config.width = whole(fields, "width");
  config.heads = whole(fields, "heads");
  if (fields.has("mlp_ratio")) config.mlp_ratio = fields.number("mlp_ratio");
  config.classes = whole(fields, "classes");
  config.patch_nums = fields.integers("patch_nums", 1);
  config.shared_aln = fields.boolean("shared_aln");
  config.attn_l2_norm = fields.boolean("attn_l2_norm");
  config.vae_ch = whole(fields, "vae_ch");
  config.vae_ch_mult = fields.integers("vae_ch_mult", 1);
  if (fields.has("vae_num_res_blocks")) {
    config.vae_num_res_blocks = whole(fields, "vae_num_res_blocks");
  }
  parse_quantizer(fields, config);
  config.vocab = whole(fields, "vocab");
  config.z_channels = whole(fields, "z_channels");
  config.image_size = whole(fields, "image_size");
  config.sampling = parse_sampling(fields.object("sampling"));
  if (fields.has("class_names")) config.class_names = fields.texts("class_names");
  fields.refuse_unknown();
  check_consistent(config, fields);
  return config;
}

// Depth d means width 64·d and d heads; d36 is the 512 px model and shares one adaLN.
ModelConfig published(std::string_view name, int depth, bool is_512) {
  ModelConfig config;
  config.name = name;
  config.depth = depth;
  config.width = 64 * depth;
  config.heads = depth;
  config.classes = 1000;
  config.patch_nums = is_512 ? std::vector<int>{1, 2, 3, 4, 6, 9, 13, 18, 24, 32}
                             : std::vector<int>{1, 2, 3, 4, 5, 6, 8, 10, 13, 16};
  config.shared_aln = is_512;
  config.vae_ch = 160;
  config.vae_ch_mult = {1, 1, 2, 2, 4};
  config.vocab = 4096;
  config.z_channels = 32;
  config.image_size = is_512 ? 512 : 256;
  config.sampling = {.cfg = 1.5, .top_k = 900, .top_p = 0.96};
  return config;
}

ModelConfig demo() {
  ModelConfig config;
  config.name = "demo";
  config.depth = 12;
  config.width = 192;
  config.heads = 3;
  config.classes = 10;
  config.patch_nums = {1, 2, 3, 4, 5, 6, 8, 10, 13, 16};
  config.shared_aln = true;
  config.vae_ch = 32;
  config.vae_ch_mult = {1, 2, 2};
  config.vocab = 1024;
  config.z_channels = 16;
  config.image_size = 64;
  config.sampling = {.cfg = 2, .top_k = 0, .top_p = 0.9};
  return config;
}

}  // namespace

int ModelConfig::hidden() const { return static_cast<int>(std::nearbyint(width * mlp_ratio)); }

std::string ModelConfig::class_label(std::int64_t label) const {
  if (label < 0 || static_cast<std::size_t>(label) >= class_names.size()) {
    return fmt::to_string(label);
  }
  return fmt::format("{} ({})", label, class_names[static_cast<std::size_t>(label)]);
}

ModelConfig load_model_config(const std::string& path) {
  return parse(read_json_file(path, where), path);
}

ModelConfig parse_model_config(std::string_view json, const std::string& file) {
  return parse(parse_json(json, where, file), file);
}

nlohmann::json to_json(const ModelConfig& config) {
  nlohmann::json json = {{"name", config.name},
                         {"depth", config.depth},
                         {"width", config.width},
                         {"heads", config.heads},
                         {"mlp_ratio", config.mlp_ratio},
                         {"classes", config.classes},
                         {"patch_nums", config.patch_nums},
                         {"shared_aln", config.shared_aln},
                         {"attn_l2_norm", config.attn_l2_norm},
                         {"vae_ch", config.vae_ch},
                         {"vae_ch_mult", config.vae_ch_mult},
                         {"vae_num_res_blocks", config.vae_num_res_blocks},
                         {"vocab", config.vocab},
                         {"z_channels", config.z_channels},
                         {"image_size", config.image_size},
                         {"sampling",
                          {{"cfg", config.sampling.cfg},
                           {"top_k", config.sampling.top_k},
                           {"top_p", config.sampling.top_p}}}};
  write_quantizer(json, config);
  if (!config.class_names.empty()) json["class_names"] = config.class_names;
  return json;
}

std::vector<std::string> model_config_names() {
  return {"d16", "d20", "d24", "d30", "d36-512", "demo"};
}

ModelConfig named_model_config(std::string_view name) {
  if (name == "d16") return published(name, 16, false);
  if (name == "d20") return published(name, 20, false);
  if (name == "d24") return published(name, 24, false);
  if (name == "d30") return published(name, 30, false);
  if (name == "d36-512") return published(name, 36, true);
  if (name == "demo") return demo();
  throw UsageError(fmt::format("unknown model size '{}': expected one of {}", name,
                               fmt::join(model_config_names(), ", ")));
}

ModelConfig model_config_of(const std::string& folder_or_name) {
  std::error_code ignored;
  return std::filesystem::is_directory(folder_or_name, ignored)
             ? load_model_config(folder_or_name + "/config.json")
             : named_model_config(folder_or_name);
}

}  // namespace kvscope
