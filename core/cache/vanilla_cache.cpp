#include "core/cache/vanilla_cache.h"

#include <utility>

#include <ATen/ops/empty.h>

namespace kvscope {

VanillaCache::VanillaCache(ScaleSchedule schedule, int layers, CacheStorage storage)
    : schedule_(std::move(schedule)),
      storage_(storage),
      layers_(static_cast<std::size_t>(layers)) {}

void VanillaCache::begin(std::int64_t rows) {
  if (rows == rows_) return;
  rows_ = 0;
  const auto options = at::TensorOptions(storage_.dtype).device(storage_.device);
  for (KvBuffers& layer : layers_) {
    // The old buffers go first, so that two sizes never coexist.
    layer = {};
    for (at::Tensor* buffer : {&layer.key, &layer.value}) {
      *buffer =
          at::empty({rows, storage_.heads, schedule_.total_tokens(), storage_.head_dim}, options);
    }
  }
  rows_ = rows;
}

KvView VanillaCache::update(int layer, int scale, const at::Tensor& key, const at::Tensor& value,
                            const at::Tensor& /*query*/) {
  const KvBuffers& buffer = layers_.at(static_cast<std::size_t>(layer));
  const std::int64_t begin = schedule_.begin(scale);
  const std::int64_t tokens = schedule_.tokens(scale);
  buffer.key.narrow(2, begin, tokens).copy_(key);
  buffer.value.narrow(2, begin, tokens).copy_(value);
  return {{.heads = HeadSet::all(storage_.heads),
           .key = buffer.key.narrow(2, 0, begin + tokens),
           .value = buffer.value.narrow(2, 0, begin + tokens)}};
}

std::int64_t VanillaCache::resident_bytes(int layer) const {
  return layers_.at(static_cast<std::size_t>(layer)).bytes();
}

}  // namespace kvscope
