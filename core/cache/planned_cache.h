#pragma once

#include <vector>

#include "core/budget/cache_moves.h"
#include "core/budget/retention_plan.h"
#include "core/cache/cache_storage.h"
#include "core/cache/kv_cache.h"

namespace kvscope {

/// A cache that holds what a retention plan of whole scales names and nothing more. It copies what
/// cache_moves.h says.
class PlannedCache : public KvCache {
 public:
  /// Throws Error for a plan that picks tokens by content.
  PlannedCache(const RetentionPlan& plan, CacheStorage storage);

  void begin(std::int64_t rows) override;
  KvView update(int layer, int scale, const at::Tensor& key, const at::Tensor& value,
                const at::Tensor& query) override;
  std::int64_t resident_bytes(int layer) const override;
  std::int64_t shared_bytes() const override;

 private:
  struct Group {
    HeadSet heads;
    std::vector<HeadRun> runs;     // of heads
    std::int64_t tokens;           // room in `own`
    std::vector<CacheStep> steps;  // [target]
    KvBuffers own;                 // [rows, heads of the group, tokens, head_dim]
  };

  KvBuffers allocate(const std::vector<std::int64_t>& shape) const;
  KvBuffers shared_part(const Group& group, std::int64_t first_head_token,
                        std::int64_t tokens) const;

  CacheStorage storage_;
  std::int64_t shared_head_tokens_;
  std::vector<std::vector<Group>> layers_;
  std::int64_t rows_ = 0;  // of whole buffers; 0 without
  KvBuffers shared_;       // groups take what they need of it, one after the other
};

}  // namespace kvscope
