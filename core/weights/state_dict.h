#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/geometry/model_config.h"

namespace kvscope {

/// Parameters by the official names behind `var.` or `vae.`.
using StateDict = std::map<std::string, at::Tensor, std::less<>>;

/// A model folder in memory.
struct LoadedModel {
  ModelConfig config;
  StateDict weights;  ///< on the CPU, in the stored dtype
  std::string
      weights_sha256;  ///< hex digest of weights.safetensors; "random:<seed>" without a file
};

/// Reads `folder`/config.json and `folder`/weights.safetensors. Throws BadInput: a file missing or
/// malformed, a parameter missing, unexpected, of the wrong shape or dtype, or not finite. The
/// official buffers (lvl_1L, attn_bias_for_masking, zero_k_bias, ema_vocab_hit_SV) may be there or
/// not.
LoadedModel load_model_folder(const std::string& folder);

/// Weights of the right shapes for measuring without a checkpoint, deterministic from `seed`.
LoadedModel random_model(const ModelConfig& config, std::uint64_t seed);

/// Name → shape of every parameter that `config` calls for.
std::map<std::string, std::vector<std::int64_t>> expected_parameters(const ModelConfig& config);

}  // namespace kvscope
