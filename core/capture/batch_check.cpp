#include "core/capture/batch_check.h"

#include <functional>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

std::int64_t elements_of(const std::vector<std::int64_t>& extent) {
  return std::accumulate(extent.begin(), extent.end(), std::int64_t{1}, std::multiplies<>());
}

void check_samples(const BatchCheck& check, const BatchRecord& batch) {
  const FileShape& shape = check.shape();
  check.rows(batch.token_ids, schema::token_ids);
  check.row_values(batch.seeds, schema::seed);
  if (shape.has(Part::preview)) check.rows(batch.preview, schema::preview);
  check.elements(std::ssize(batch.predicted_classes),
                 shape.has(Part::scores) ? check.place().count : 0,
                 schema::path_of(schema::predicted_class));
  check.elements(std::ssize(batch.nonfinite_image_values),
                 shape.has(Part::image_check) ? check.place().count : 0,
                 schema::path_of(schema::nonfinite_image_values));
}

void check_raw(const BatchCheck& check, const BatchRecord& batch) {
  const FileShape& shape = check.shape();
  const std::int64_t kept = check.kept_samples();
  if (kept == 0) return;
  std::vector<int> layers;
  for (const RawKv& layer : batch.raw) layers.push_back(layer.layer);
  if (layers != shape.kv_layers()) {
    check.refuse(fmt::format("raw K and V of layers {}", shape.kv_layers()),
                 fmt::format("{}", layers));
  }
  std::vector<std::int64_t> extent = shape.shape_of(schema::kv);
  extent.at(0) = kept;
  const std::int64_t bytes = elements_of(extent) * shape.kv_element_bytes();
  for (const RawKv& layer : batch.raw) {
    check.bytes(layer.query, shape.has(Part::queries) ? bytes : 0,
                schema::path_of(schema::query, layer.layer));
    check.bytes(layer.key, bytes, schema::path_of(schema::kv, layer.layer, KvTensor::key));
    check.bytes(layer.value, bytes, schema::path_of(schema::kv, layer.layer, KvTensor::value));
  }
}

void check_statistics(const BatchCheck& check, const BatchStatistics& statistics) {
  if (statistics.samples != check.place().count) {
    check.refuse(fmt::format("statistics of {} samples", check.place().count),
                 fmt::format("of {}", statistics.samples));
  }
  const bool similarity = check.shape().has(Part::similarity);
  check.part(!statistics.similarity_sum.arrays[0].empty(), similarity, "similarity");
  if (similarity) {
    for (const auto& sum : statistics.similarity_sum.arrays) {
      check.item(sum, schema::similarity_sum);
    }
    for (const auto& sum : statistics.norm_sum) check.item(sum, schema::norm_sum);
    for (const auto& statistic : statistics.layer_statistic.arrays) {
      check.rows(statistic, schema::layer_statistic);
    }
  }
  const bool mass = check.shape().has(Part::mass);
  check.part(!statistics.mass_sum.empty(), mass, "attention mass");
  if (mass) check.item(statistics.mass_sum, schema::mass_sum);
}

void check_timing(const BatchCheck& check, const TimingRecord& timing) {
  check.item(timing.layer_ns, schema::layer_ns);
  check.item(timing.model_ns, schema::model_ns);
  check.item(timing.batch_ns, schema::batch_ns);
}

void check_ledger(const BatchCheck& check, const LedgerRecord& ledger) {
  check.whole(ledger.logical_bytes, schema::logical_bytes);
  check.whole(ledger.resident_bytes, schema::resident_bytes);
  check.whole(ledger.transient_bytes, schema::transient_bytes);
  check.whole(ledger.shared_bytes, schema::shared_bytes);
}

}  // namespace

std::int64_t BatchCheck::kept_samples() const {
  return shape_.kept_before(place_.first + place_.count) - shape_.kept_before(place_.first);
}

void BatchCheck::refuse(const std::string& expected, const std::string& got) const {
  throw Error(fmt::format("[capture] {}: expected {}, got {}", path_, expected, got));
}

void BatchCheck::part(bool found, bool expected, std::string_view what) const {
  if (found != expected) {
    refuse(fmt::format("a batch {} {}", expected ? "with" : "without", what), "another");
  }
}

void BatchCheck::elements(std::int64_t found, std::int64_t expected,
                          const std::string& name) const {
  if (found != expected) {
    refuse(fmt::format("{} elements for {}", expected, name), std::to_string(found));
  }
}

void BatchCheck::bytes(const std::vector<std::byte>& found, std::int64_t expected,
                       const std::string& name) const {
  if (std::ssize(found) != expected) {
    refuse(fmt::format("{} bytes for {}", expected, name), std::to_string(found.size()));
  }
}

void BatchCheck::shape_is(const std::vector<std::int64_t>& found, std::int64_t found_elements,
                          const std::vector<std::int64_t>& expected,
                          const schema::Dataset& entry) const {
  if (found != expected) {
    refuse(fmt::format("{} of shape {}", schema::path_of(entry), expected),
           fmt::format("{}", found));
  }
  elements(found_elements, elements_of(expected), schema::path_of(entry));
}

void check_batch(const BatchRecord& batch, const BatchPlace& place, const FileShape& shape,
                 const std::string& path) {
  const BatchCheck check(place, shape, path);
  check.part(batch.statistics.has_value(), shape.layout().has_statistics(), "statistics");
  check.part(batch.timing.has_value(), shape.has(Part::timing), "timings");
  check_samples(check, batch);
  if (shape.has(Part::raw)) check_raw(check, batch);
  if (batch.statistics) check_statistics(check, *batch.statistics);
  if (batch.timing) check_timing(check, *batch.timing);
  if (batch.ledger.rows > 0) check_ledger(check, batch.ledger);
}

}  // namespace kvscope
