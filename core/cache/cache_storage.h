#pragma once

#include <ATen/core/Tensor.h>

namespace kvscope {

/// Where a cache keeps its tensors and what a token of one layer looks like. K and V share the
/// element type.
struct CacheStorage {
  int heads = 0;
  int head_dim = 0;
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;
};

}  // namespace kvscope
