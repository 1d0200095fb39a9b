#include "core/weights/state_dict.h"

#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/weights/parameters.h"
#include "core/weights/safetensors.h"
#include "core/weights/sha256.h"

namespace kvscope {
namespace {

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

/// Buffers of the official classes: known from the config, so they are neither wanted nor refused.
std::set<std::string> buffer_names(const ModelConfig& config) {
  std::set<std::string> names = {"var.lvl_1L", "var.attn_bias_for_masking",
                                 "vae.quantize.ema_vocab_hit_SV"};
  for (int layer = 0; layer < config.depth; ++layer) {
    names.insert(fmt::format("var.blocks.{}.attn.zero_k_bias", layer));
  }
  return names;
}

std::set<std::string> names_of(const Shapes& expected) {
  std::set<std::string> names;
  for (const auto& [name, shape] : expected) names.insert(name);
  return names;
}

/// A count in the config far beyond the file's tensors is refused before names are made of it.
void check_counts(const SafetensorsFile& file, const ModelConfig& config) {
  const std::size_t tensors = file.tensors().size();
  for (const auto& [key, count] :
       {std::pair{"depth", config.depth},
        std::pair{"vae_num_res_blocks", config.vae_num_res_blocks},
        std::pair{"share_quant_resi", config.share_quant_resi},
        std::pair{"default_qresi_counts", config.default_qresi_counts}}) {
    if (std::cmp_greater(count, tensors)) {
      throw BadInput("weights", file.path(), fmt::format("parameters for {} = {}", key, count),
                     fmt::format("{} tensors", tensors));
    }
  }
}

}  // namespace

LoadedModel load_model_folder(const std::string& folder) {
  const std::filesystem::path root(folder);
  LoadedModel model;
  model.config = load_model_config((root / "config.json").string());
  const SafetensorsFile file((root / "weights.safetensors").string());
  check_counts(file, model.config);
  const Shapes expected = expected_parameters(model.config);
  check_parameter_names(file, names_of(expected), buffer_names(model.config), "config.json");
  for (const auto& [name, shape] : expected) {
    model.weights.emplace(name, parameter_of(file, name, shape));
  }
  model.weights_sha256 = sha256_hex(file.mapping()->bytes());
  return model;
}

}  // namespace kvscope
