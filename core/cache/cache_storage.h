#pragma once

#include <cstdint>

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

/// Where keys and values lie.
struct KvBuffers {
  at::Tensor key;
  at::Tensor value;

  std::int64_t bytes() const {
    if (!key.defined()) return 0;
    return static_cast<std::int64_t>(key.nbytes() + value.nbytes());
  }
};

}  // namespace kvscope
