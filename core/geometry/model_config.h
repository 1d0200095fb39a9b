#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/geometry/class_labels.h"
#include "core/geometry/scale_schedule.h"

namespace kvscope {

/// Largest guidance ratio that a command or a config takes: far above any that draws pictures, and
/// far from what makes guided logits overflow.
inline constexpr double largest_cfg = 1000;

/// How a model samples unless the user says otherwise (config.json, `sampling`).
struct SamplingDefaults {
  double cfg = 1.5;
  int top_k = 0;
  double top_p = 0;

  bool operator==(const SamplingDefaults&) const = default;
};

/// A VAR model with its VQVAE, as `config.json` of a model folder describes it.
struct ModelConfig {
  std::string name;
  int depth = 0;
  int width = 0;
  int heads = 0;
  double mlp_ratio = 4;
  int classes = 0;
  std::vector<int> patch_nums;
  bool shared_aln = false;
  bool attn_l2_norm = true;
  int vae_ch = 0;
  std::vector<int> vae_ch_mult;
  int vae_num_res_blocks = 2;
  // Of the VQVAE, by their official names (models/vqvae.py); see core/geometry/phi.h.
  int share_quant_resi = 4;  ///< phi convolutions that the scales share; 0: each has its own
  int default_qresi_counts =
      0;                    ///< where they share none: how many there are, 0: as many as scales
  double quant_resi = 0.5;  ///< share of the convolution in phi, whatever its sign
  int quant_conv_ks = 3;    ///< side of the convolutions around the quantizer
  int vocab = 0;
  int z_channels = 0;
  int image_size = 0;
  SamplingDefaults sampling;
  std::vector<std::string> class_names;  ///< empty, or one per class

  int head_dim() const { return width / heads; }
  int hidden() const;
  ScaleSchedule schedule() const { return ScaleSchedule(patch_nums); }
  ClassLabels labels() const { return ClassLabels(classes); }

  /// Name of a class for people, e.g. "3" or "3 (ring)".
  std::string class_label(std::int64_t label) const;

  bool operator==(const ModelConfig&) const = default;
};

/// Reads config.json. Throws BadInput for a missing, unknown or contradictory key (width not a
/// multiple of heads, image_size other than the last side times the VAE's downsampling, …).
ModelConfig load_model_config(const std::string& path);

/// The same from JSON text; `file` is only named in errors.
ModelConfig parse_model_config(std::string_view json, const std::string& file);

nlohmann::json to_json(const ModelConfig& config);

/// Published sizes d16, d20, d24, d30, d36-512 (VAR, arXiv 2404.02905, table 1 and the model zoo of
/// FoundationVision/VAR) and the embedded demo. Throws UsageError naming the known ones.
ModelConfig named_model_config(std::string_view name);

/// The config.json of a model folder, or a named size. Throws like load_model_config and
/// named_model_config.
ModelConfig model_config_of(const std::string& folder_or_name);

/// Names that named_model_config takes.
std::vector<std::string> model_config_names();

}  // namespace kvscope
