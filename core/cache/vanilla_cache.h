#pragma once

#include <vector>

#include "core/cache/cache_storage.h"
#include "core/cache/kv_cache.h"
#include "core/geometry/scale_schedule.h"

namespace kvscope {

/// The full cache: every scale stays, in one preallocated buffer per layer and tensor that grows in
/// place and is read through views.
class VanillaCache : public KvCache {
 public:
  VanillaCache(ScaleSchedule schedule, int layers, CacheStorage storage);

  void begin(std::int64_t rows) override;
  KvView update(int layer, int scale, const at::Tensor& key, const at::Tensor& value,
                const at::Tensor& query) override;
  std::int64_t resident_bytes(int layer) const override;
  std::int64_t shared_bytes() const override { return 0; }

 private:
  ScaleSchedule schedule_;
  CacheStorage storage_;
  std::int64_t rows_ = 0;          // of whole buffers; 0 without
  std::vector<KvBuffers> layers_;  // [rows, heads, total tokens, head_dim]
};

}  // namespace kvscope
