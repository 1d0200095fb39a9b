#include "core/capture/file_shape.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

template <typename T>
std::vector<T> kept(const std::vector<T>& asked, std::int64_t all, std::string_view what) {
  if (asked.empty()) {
    std::vector<T> everything(static_cast<std::size_t>(all));
    std::iota(everything.begin(), everything.end(), T{0});
    return everything;
  }
  const bool ascending =
      std::adjacent_find(asked.begin(), asked.end(), std::greater_equal<>()) == asked.end();
  if (!ascending || asked.front() < 0 || asked.back() >= all) {
    throw Error(fmt::format("[capture] keep.{}: expected ascending indices below {}, got others",
                            what, all));
  }
  return asked;
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
      repeats_(record.settings.repeat) {
  if (samples_ < 1 || layout.batches < 1) {
    throw Error("[capture] settings: expected at least one sample and one batch, got none");
  }
  const KeptSubset& keep = record.settings.keep;
  kv_layers_ = kept(keep.layers, layers_, "layers");
  kv_heads_ = kept(keep.heads, heads_, "heads");
  kv_scales_ = kept(keep.scales, scales_, "scales");
  kv_samples_ = kept(keep.samples, samples_, "samples");
  const ScaleSchedule schedule = record.model.schedule();
  for (const int scale : kv_scales_) {
    for (std::int64_t token = schedule.begin(scale); token < schedule.end(scale); ++token) {
      kv_tokens_.push_back(token);
    }
  }
}

bool FileShape::has(schema::Part part) const {
  switch (part) {
    case schema::Part::always:
      return true;
    case schema::Part::preview:
      return layout_.preview_size > 0;
    case schema::Part::raw:
      return layout_.raw;
    case schema::Part::similarity:
      return layout_.similarity;
    case schema::Part::mass:
      return layout_.mass;
    case schema::Part::timing:
      return layout_.timing;
  }
  return false;
}

std::vector<std::int64_t> FileShape::coordinates(std::string_view dimension, bool in_kv) const {
  if (dimension == "sample") {
    if (!in_kv) return counted(first_sample_, samples_);
    std::vector<std::int64_t> samples = kv_samples_;
    for (std::int64_t& sample : samples) sample += first_sample_;
    return samples;
  }
  if (dimension == "head") {
    if (in_kv) return {kv_heads_.begin(), kv_heads_.end()};
    return counted(0, heads_);
  }
  if (dimension == "token") return in_kv ? kv_tokens_ : counted(0, tokens_);
  if (dimension == "row") return counted(0, kv_rows);
  if (dimension == "channel") return counted(0, channels_);
  if (dimension == "layer") return counted(0, layers_);
  if (dimension == "scale" || dimension == "target" || dimension == "source") {
    return counted(0, scales_);
  }
  if (dimension == "batch") return counted(0, layout_.batches);
  if (dimension == "repeat") return counted(0, repeats_);
  if (dimension == "y" || dimension == "x") return counted(0, layout_.preview_size);
  if (dimension == "rgb") return counted(0, 3);
  throw Error(fmt::format("[capture] dimension {}: expected one with numbers", dimension));
}

std::int64_t FileShape::length(std::string_view dimension, bool in_kv) const {
  if (dimension == "module") return names_.modules;
  if (dimension == "counter") return names_.counters;
  return static_cast<std::int64_t>(coordinates(dimension, in_kv).size());
}

std::vector<std::int64_t> FileShape::shape_of(const schema::Dataset& dataset) const {
  std::vector<std::int64_t> shape;
  for (const std::string_view dimension : schema::dims_of(dataset)) {
    shape.push_back(length(dimension, in_kv(dataset.path)));
  }
  return shape;
}

std::int64_t FileShape::kept_before(std::int64_t sample) const {
  return std::lower_bound(kv_samples_.begin(), kv_samples_.end(), sample) - kv_samples_.begin();
}

bool in_kv(std::string_view path) { return path.starts_with("/kv/"); }

}  // namespace kvscope
