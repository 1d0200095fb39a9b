#include "collectors/kv/kv_statistics.h"

#include <numeric>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "collectors/kv/value_check.h"
#include "core/geometry/guidance_rows.h"

namespace kvscope {

KvStatisticsCollector::KvStatisticsCollector(const ModelConfig& model)
    : model_(model),
      schedule_(model.schedule()),
      similarity_(schedule_, model.head_dim()),
      heads_(static_cast<std::size_t>(model.heads)) {
  std::iota(heads_.begin(), heads_.end(), 0);
}

void KvStatisticsCollector::on_batch_begin(const BatchInfo& info) {
  losses_ = {};
  statistics_ = empty_similarity(info.batch(), model_.depth, model_.heads, schedule_.scales());
  if (info.batch() == batch_) return;
  batch_ = info.batch();
  for (auto& layers : history_) {
    layers.clear();
    for (int layer = 0; layer < model_.depth; ++layer)
      layers.push_back(at::empty(
          {batch_, model_.heads, schedule_.total_tokens(), model_.head_dim()}, at::kFloat));
  }
}

void KvStatisticsCollector::on_attention(const AttentionEvent& event) {
  for (const KvTensor tensor : all_kv_tensors) {
    at::Tensor& history =
        history_[static_cast<std::size_t>(tensor)][static_cast<std::size_t>(event.layer)];
    store(tensor == KvTensor::key ? event.key : event.value, event.scale, history);
    if (event.scale == schedule_.last_scale()) compare(tensor, event.layer, history);
  }
}

void KvStatisticsCollector::store(const at::Tensor& tensor, int scale, at::Tensor& history) {
  const GuidanceRows::Range rows = GuidanceRows::of_samples(batch_).conditional();
  const at::Tensor conditional = tensor.narrow(0, rows.first, rows.count);
  count_bad_values(conditional, KvDtype::fp32, losses_);
  history.narrow(2, schedule_.begin(scale), schedule_.tokens(scale)).copy_(conditional);
}

void KvStatisticsCollector::compare(KvTensor tensor, int layer, const at::Tensor& history) {
  const float* data = history.const_data_ptr<float>();
  const std::int64_t head_floats = similarity_.tokens() * similarity_.channels();
  std::vector<HeadSimilarity> results(static_cast<std::size_t>(batch_ * model_.heads));
  at::parallel_for(0, batch_ * model_.heads, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k)
      results[static_cast<std::size_t>(k)] = similarity_.of_head(data + k * head_floats);
  });
  store_layer(tensor, layer, heads_, results, statistics_);
}

void KvStatisticsCollector::flush(BatchRecord& record) {
  // The mass, when collected, is already there.
  statistics_.mass_sum =
      record.statistics ? std::move(record.statistics->mass_sum) : NdArray<double>();
  record.statistics = std::exchange(statistics_, {});
  record.losses += losses_;
}

CollectorEntry kv_statistics_collector() {
  return {.name = "kv_statistics",
          .help = "Similarity between scales and norms of K and V, accumulated in the run",
          .takes_part =
              [](const RunRecord& record) {
                return record.kind == FileKind::capture &&
                       record.settings.store == KvStore::reduced;
              },
          .lay_out = [](const RunRecord&,
                        FileLayout& layout) { layout.parts.insert(Part::similarity); },
          .make = [](const CollectorSetup& setup) -> std::unique_ptr<Collector> {
            return std::make_unique<KvStatisticsCollector>(setup.record.model);
          }};
}

}  // namespace kvscope
