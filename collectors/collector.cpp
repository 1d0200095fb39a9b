#include "collectors/collector.h"

namespace kvscope {

const std::vector<CollectorInfo>& all_collectors() {
  static const std::vector<CollectorInfo> collectors = {
      {"attention_mass", "attention mass by source scale, of the conditional rows", "none"},
      {"kv_statistics", "similarity and norms of K and V, accumulated during the run",
       "--store reduced"},
      {"ledger", "logical, resident and transient bytes of the cache by layer and scale", "none"},
      {"memory", "peaks of the process and of the device's allocator", "none"},
      {"raw_kv", "K and V of every layer",
       "--store raw (the default of capture), --kv-dtype fp16, --keep-layers, --keep-heads, "
       "--keep-scales, --keep-samples (all)"},
      {"timing", "time by scale, layer and module", "--repeat 1, --warmup 0"},
  };
  return collectors;
}

}  // namespace kvscope
