#include "core/capture/file_shape.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/capture/parts/part_row.h"
#include "core/geometry/guidance_rows.h"

namespace kvscope {
namespace {

template <typename T>
void check_kept(const std::vector<T>& asked, std::int64_t all, std::string_view what) {
  if (asked.empty()) return;
  const bool ascending =
      std::adjacent_find(asked.begin(), asked.end(), std::greater_equal<>()) == asked.end();
  if (!ascending || asked.front() < 0 || asked.back() >= all) {
    throw Error(fmt::format("[capture] keep.{}: expected ascending indices below {}, got others",
                            what, all));
  }
}

std::vector<int> kept(const std::vector<int>& asked, std::int64_t all, std::string_view what) {
  check_kept(asked, all, what);
  if (!asked.empty()) return asked;
  std::vector<int> everything(static_cast<std::size_t>(all));
  std::iota(everything.begin(), everything.end(), 0);
  return everything;
}

std::vector<std::int64_t> counted(std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), first);
  return values;
}

}  // namespace

FileShape::FileShape(const RunRecord& record, const FileLayout& layout, const NameCounts& names)
    : layout_(layout),
      names_(names),
      first_sample_(record.settings.first_sample),
      samples_(record.settings.samples),
      layers_(record.model.depth),
      heads_(record.model.heads),
      scales_(record.model.schedule().scales()),
      tokens_(record.model.schedule().total_tokens()),
      channels_(record.model.head_dim()),
      repeats_(record.settings.repeat),
      kv_element_bytes_(element_bytes(record.settings.kv_dtype)) {
  if (samples_ < 1 || layout.batches < 1) {
    throw Error("[capture] settings: expected at least one sample and one batch, got none");
  }
  if (!layout.samples.empty() && static_cast<std::int64_t>(layout.samples.size()) != samples_) {
    throw Error(fmt::format("[capture] settings: expected an index for each of {} samples, got {}",
                            samples_, layout.samples.size()));
  }
  const KeptSubset& keep = record.settings.keep;
  kv_layers_ = kept(keep.layers, layers_, "layers");
  kv_heads_ = kept(keep.heads, heads_, "heads");
  kv_scales_ = kept(keep.scales, scales_, "scales");
  check_kept(keep.samples, samples_, "samples");
  kept_samples_ = keep.samples;
  const ScaleSchedule schedule = record.model.schedule();
  for (const int scale : kv_scales_) {
    for (std::int64_t token = schedule.begin(scale); token < schedule.end(scale); ++token) {
      kv_tokens_.push_back(token);
    }
  }
}

std::vector<std::int64_t> FileShape::coordinates(std::string_view dimension, bool in_kv) const {
  if (dimension == "sample") {
    const std::vector<std::int64_t> all =
        layout_.samples.empty() ? counted(first_sample_, samples_) : layout_.samples;
    if (!in_kv) return all;
    std::vector<std::int64_t> kept = kept_samples_before(samples_);
    for (std::int64_t& sample : kept) sample = all.at(static_cast<std::size_t>(sample));
    return kept;
  }
  if (in_kv && dimension == "head") return {kv_heads_.begin(), kv_heads_.end()};
  if (in_kv && dimension == "token") return kv_tokens_;
  return counted(0, length(dimension, in_kv));
}

std::int64_t FileShape::length(std::string_view dimension, bool in_kv) const {
  if (dimension == "sample") return in_kv ? kept_before(samples_) : samples_;
  if (dimension == "head") return in_kv ? static_cast<std::int64_t>(kv_heads_.size()) : heads_;
  if (dimension == "token") return in_kv ? static_cast<std::int64_t>(kv_tokens_.size()) : tokens_;
  if (dimension == "row") return GuidanceRows::per_sample;
  if (dimension == "channel") return channels_;
  if (dimension == "layer") return layers_;
  if (dimension == "scale" || dimension == "target" || dimension == "source") return scales_;
  if (dimension == "batch") return layout_.batches;
  if (dimension == "repeat") return repeats_;
  if (dimension == "module") return names_.modules;
  if (dimension == "counter") return names_.counters;
  for (const PartRow* part : part_rows()) {
    for (const PartDimension& own : part->dimensions) {
      if (own.dimension.name == dimension) return own.length(layout_);
    }
  }
  throw Error(fmt::format("[capture] dimension {}: expected one of the catalogue", dimension));
}

std::vector<std::int64_t> FileShape::shape_of(const schema::Dataset& dataset) const {
  std::vector<std::int64_t> shape;
  for (const std::string_view dimension : schema::dims_of(dataset)) {
    shape.push_back(length(dimension, in_kv(dataset.path)));
  }
  return shape;
}

std::int64_t FileShape::kept_before(std::int64_t sample) const {
  if (kept_samples_.empty()) return std::clamp(sample, std::int64_t{0}, samples_);
  return std::lower_bound(kept_samples_.begin(), kept_samples_.end(), sample) -
         kept_samples_.begin();
}

std::vector<std::int64_t> FileShape::kept_samples_before(std::int64_t sample) const {
  if (kept_samples_.empty()) return counted(0, kept_before(sample));
  return {kept_samples_.begin(), kept_samples_.begin() + kept_before(sample)};
}

std::int64_t elements_of(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

bool in_kv(std::string_view path) { return path.starts_with("/kv/"); }

}  // namespace kvscope
