#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/nd_array.h"

namespace kvscope {

/// Times of a file in ns; 0 where nothing ran.
struct Timings {
  NdArray<std::int64_t> layer_ns;  ///< [batch, repeat, layer, scale, module]
  NdArray<std::int64_t> model_ns;  ///< [batch, repeat, scale, module]
  NdArray<std::int64_t> batch_ns;  ///< [batch, repeat]
  std::vector<std::string> modules;
};

}  // namespace kvscope
