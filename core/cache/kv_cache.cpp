#include "core/cache/kv_cache.h"

namespace kvscope {

CacheBytes bytes_of(const KvCache& cache, int layers) {
  CacheBytes held;
  for (int layer = 0; layer < layers; ++layer) {
    held.layers.push_back(
        {.own = cache.resident_bytes(layer), .metadata = cache.metadata_bytes(layer)});
  }
  held.shared = cache.shared_bytes();
  return held;
}

}  // namespace kvscope
