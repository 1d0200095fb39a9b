#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/record/estimate.h"

namespace kvscope {

inline constexpr std::string_view forced_schema = "kvscope.forced/1";

/// How the distributions of a budget stand against those of the vanilla cache on the same tokens:
/// means over tokens, then samples. Of the guided logits, before top-k and top-p.
struct ForcedFigures {
  Estimate kl_nats;   ///< Kullback–Leibler divergence of vanilla's distribution to the budget's
  Estimate nll_nats;  ///< negative log-likelihood of vanilla's token under the budget
  Estimate nll_rise_nats;   ///< the same, minus that under the vanilla cache itself
  Estimate top1_agreement;  ///< share of tokens whose most likely code is the same one
};

/// Teacher-forced agreement of one budget: the model is made to follow the tokens of a vanilla run,
/// so that an early difference does not change what all later scales see.
struct ForcedAgreement {
  std::string against_capture_id;  ///< of the vanilla run whose tokens were forced
  std::string capture_id;          ///< of the run whose budget this is; empty for a budget file
  std::string model;               ///< name in the model's config.json
  std::string weights_sha256;
  std::string policy;
  std::string dtype;
  std::string device;  ///< "cpu" or "cuda:0"
  int batch = 0;
  std::int64_t samples = 0;  ///< the first ones of the vanilla run
  BootstrapOptions bootstrap;
  ForcedFigures overall;              ///< over all tokens
  std::vector<ForcedFigures> scales;  ///< [scale]
};

/// Schema forced_schema; null where an interval is not known.
nlohmann::json to_json(const ForcedAgreement& agreement);

/// Throws BadInput: not JSON, another schema, a field missing, unknown or out of range.
ForcedAgreement load_forced_agreement(const std::string& path);

/// Where the teacher-forced agreement of the file or budget `path` lies: ams.h5 →
/// ams.h5.forced.json.
std::string forced_path(const std::string& path);

}  // namespace kvscope
