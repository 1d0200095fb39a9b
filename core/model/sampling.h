#pragma once

#include <cstdint>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "core/base/random_mode.h"

namespace kvscope {

/// Guidance and truncation of a run.
struct SamplingOptions {
  double cfg = 1.5;
  int top_k = 0;             ///< 0 keeps all; larger than the vocabulary is clamped to it
  double top_p = 0;          ///< 0 keeps all
  bool more_smooth = false;  ///< mix codes by a Gumbel softmax (VAR's visual setting)
  std::uint64_t seed = 0;
  RandomMode rng = RandomMode::official;
};

}  // namespace kvscope
