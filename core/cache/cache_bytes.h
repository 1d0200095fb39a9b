#pragma once

#include <cstdint>
#include <vector>

namespace kvscope {

/// Bytes that a cache holds for one layer.
struct LayerBytes {
  std::int64_t own = 0;       ///< buffers of K and V that belong to the layer alone
  std::int64_t metadata = 0;  ///< what a policy keeps beside K and V, such as scores and indices
};

/// Bytes that a cache holds at one moment.
struct CacheBytes {
  std::vector<LayerBytes> layers;
  std::int64_t shared = 0;  ///< buffers of K and V that all layers share
};

}  // namespace kvscope
