#pragma once

#include <vector>

#include "core/budget/cache_buffers.h"
#include "core/budget/retention_plan.h"
#include "core/cache/cache_storage.h"
#include "core/cache/kv_cache.h"

namespace kvscope {

/// A cache that holds what a retention plan names and nothing more.
///
/// Each layer has a compact buffer as large as the most it must hold between two scales. One
/// scratch buffer, shared by all layers, is where the layer at work lays out what its target reads
/// when that is not what stays: [retained | current]. A layer that goes on to keep all of it
/// appends in place instead.
class PlannedCache : public KvCache {
 public:
  /// Throws Error for a plan whose head groups differ inside a layer, or that reads a scale again
  /// after a target that did not.
  PlannedCache(RetentionPlan plan, CacheStorage storage);

  void begin(std::int64_t rows) override;
  KvView update(int layer, int scale, const at::Tensor& key, const at::Tensor& value,
                const at::Tensor& query) override;
  std::int64_t resident_bytes(int layer) const override;
  std::int64_t shared_bytes() const override;

 private:
  // One step of moving tokens from the scratch buffer to a layer's own.
  struct Move {
    std::int64_t from = 0;
    std::int64_t to = 0;
    std::int64_t tokens = 0;
  };
  // What happens at one target of one layer.
  struct Step {
    std::int64_t retained_tokens = 0;
    bool in_place = false;
    std::vector<Move> moves;
  };

  Step make_step(int layer, int target) const;
  KvBuffers allocate(std::int64_t rows, std::int64_t tokens) const;

  RetentionPlan plan_;
  CacheStorage storage_;
  std::vector<std::vector<Step>> steps_;  // [layer][target]
  CacheBuffers buffers_;
  std::int64_t rows_ = 0;  // of whole buffers; 0 without
  std::vector<KvBuffers> layers_;
  KvBuffers scratch_;
};

}  // namespace kvscope
