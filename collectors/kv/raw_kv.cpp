#include "collectors/kv/raw_kv.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>

#include "collectors/kv/value_check.h"
#include "core/base/option_names.h"
#include "core/geometry/guidance_rows.h"

namespace kvscope {
namespace {

template <typename Index>
std::vector<Index> kept_or_all(const std::vector<int>& kept, int count) {
  if (!kept.empty()) return {kept.begin(), kept.end()};
  std::vector<Index> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), Index{0});
  return all;
}

at::Tensor select(const at::Tensor& tensor, int dimension, const std::vector<std::int64_t>& kept) {
  if (static_cast<std::int64_t>(kept.size()) == tensor.size(dimension)) return tensor;
  return tensor.index_select(dimension, at::tensor(kept, at::kLong).to(tensor.device()));
}

}  // namespace

RawKvCollector::RawKvCollector(const ModelConfig& model, const RunSettings& settings)
    : schedule_(model.schedule()),
      head_dim_(model.head_dim()),
      dtype_(settings.kv_dtype),
      queries_(settings.keep.queries),
      layers_(kept_or_all<int>(settings.keep.layers, model.depth)),
      heads_(kept_or_all<std::int64_t>(settings.keep.heads, model.heads)),
      token_begin_(static_cast<std::size_t>(schedule_.scales()), -1),
      kept_samples_(settings.keep.samples),
      run_first_sample_(settings.first_sample) {
  for (const int scale : kept_or_all<int>(settings.keep.scales, schedule_.scales())) {
    token_begin_[static_cast<std::size_t>(scale)] = tokens_;
    tokens_ += schedule_.tokens(scale);
  }
}

void RawKvCollector::on_batch_begin(const BatchInfo& info) {
  batch_ = info.batch();
  samples_.clear();
  for (std::int64_t k = 0; k < batch_; ++k) {
    const std::int64_t in_file = info.first_sample - run_first_sample_ + k;
    if (kept_samples_.empty() ||
        std::binary_search(kept_samples_.begin(), kept_samples_.end(), in_file))
      samples_.push_back(k);
  }
  losses_ = {};
  raw_.clear();
  const std::size_t bytes = samples_.size() * static_cast<std::size_t>(GuidanceRows::per_sample) *
                            heads_.size() *
                            static_cast<std::size_t>(tokens_ * head_dim_ * element_bytes(dtype_));
  for (const int layer : layers_)
    raw_.push_back({layer, std::vector<std::byte>(bytes), std::vector<std::byte>(bytes),
                    std::vector<std::byte>(queries_ ? bytes : 0)});
}

void RawKvCollector::on_attention(const AttentionEvent& event) {
  const auto layer = std::lower_bound(layers_.begin(), layers_.end(), event.layer);
  const bool kept = layer != layers_.end() && *layer == event.layer &&
                    token_begin_[static_cast<std::size_t>(event.scale)] >= 0;
  if (!kept || samples_.empty()) return;
  RawKv& raw = raw_[static_cast<std::size_t>(layer - layers_.begin())];
  store(event.key, event.scale, raw.key);
  store(event.value, event.scale, raw.value);
  if (queries_) store(event.query, event.scale, raw.query);
}

void RawKvCollector::store(const at::Tensor& tensor, int scale, std::vector<std::byte>& out) {
  const std::int64_t heads = tensor.size(1);
  const std::int64_t tokens = tensor.size(2);
  at::Tensor source =
      tensor.view({GuidanceRows::per_sample, batch_, heads, tokens, head_dim_}).transpose(0, 1);
  source = select(select(source, 0, samples_), 2, heads_);
  count_bad_values(source, dtype_, losses_);
  const at::Tensor all =
      at::from_blob(out.data(),
                    {static_cast<std::int64_t>(samples_.size()), GuidanceRows::per_sample,
                     static_cast<std::int64_t>(heads_.size()), tokens_, head_dim_},
                    at::TensorOptions(scalar_type_of(dtype_)));
  all.narrow(3, token_begin_[static_cast<std::size_t>(scale)], tokens).copy_(source);
}

void RawKvCollector::flush(BatchRecord& record) {
  if (!samples_.empty()) record.raw = std::exchange(raw_, {});
  record.losses += losses_;
}

CollectorEntry raw_kv_collector() {
  return {.name = "raw_kv",
          .help = "K and V themselves",
          .options = {{option::kv_dtype, "fp16", "Type of raw K and V in the file"},
                      {option::keep_layers, "all", "Raw data of these layers only, e.g. 0,5,11"},
                      {option::keep_heads, "all", "Raw data of these heads only"},
                      {option::keep_scales, "all", "Raw data of these scales only"},
                      {option::keep_samples, "all",
                       "Raw data of these samples only, as the run counts them: from "
                       "--first-sample on"},
                      {option::keep_queries, "no",
                       "Store Q too, of what the other --keep options name: half as much again as "
                       "K and V"}},
          .takes_part =
              [](const RunRecord& record) {
                return record.kind == FileKind::capture && record.settings.store == KvStore::raw;
              },
          .lay_out =
              [](const RunRecord& record, FileLayout& layout) {
                layout.parts.insert(Part::raw);
                if (record.settings.keep.queries) layout.parts.insert(Part::queries);
              },
          .make = [](const CollectorSetup& setup) -> std::unique_ptr<Collector> {
            return std::make_unique<RawKvCollector>(setup.record.model, setup.record.settings);
          }};
}

}  // namespace kvscope
