#include "core/capture/batch_check.h"

#include <functional>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/capture/schema.h"

namespace kvscope {
namespace {

using Extent = std::vector<std::int64_t>;

std::int64_t elements_of(const Extent& extent) {
  return std::accumulate(extent.begin(), extent.end(), std::int64_t{1}, std::multiplies<>());
}

class BatchCheck {
 public:
  BatchCheck(const BatchRecord& batch, const BatchPlace& place, const FileShape& shape,
             std::int64_t stored_bytes, const std::string& path)
      : batch_(batch), place_(place), shape_(shape), stored_bytes_(stored_bytes), path_(path) {}

  void run() const {
    require_part(batch_.statistics.has_value(),
                 shape_.has(schema::Part::similarity) || shape_.has(schema::Part::mass),
                 "statistics");
    require_part(batch_.timing.has_value(), shape_.has(schema::Part::timing), "timings");
    require_samples();
    if (shape_.has(schema::Part::raw)) require_raw();
    if (batch_.statistics) require_statistics(*batch_.statistics);
    if (batch_.timing) require_timing(*batch_.timing);
    if (batch_.ledger.rows > 0) require_ledger(batch_.ledger);
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& got) const {
    throw Error(fmt::format("[capture] {}: expected {}, got {}", path_, expected, got));
  }

  void require_part(bool found, bool expected, std::string_view what) const {
    if (found != expected) {
      refuse(fmt::format("a batch {} {}", expected ? "with" : "without", what), "another");
    }
  }

  template <typename T>
  void require_shape(const NdArray<T>& array, const Extent& expected,
                     const std::string& name) const {
    if (array.shape != expected) {
      refuse(fmt::format("{} of shape {}", name, expected), fmt::format("{}", array.shape));
    }
    require_elements(static_cast<std::int64_t>(array.data.size()), elements_of(expected), name);
  }

  void require_elements(std::int64_t found, std::int64_t expected, const std::string& name) const {
    if (found != expected) {
      refuse(fmt::format("{} elements for {}", expected, name), std::to_string(found));
    }
  }

  // One index for every sample of the batch.
  template <typename T>
  void require_rows(const NdArray<T>& array, const schema::Dataset& entry) const {
    Extent extent = shape_.shape_of(entry);
    extent.at(0) = place_.count;
    require_shape(array, extent, schema::path_of(entry));
  }

  // One index of the batch dimension, which the array itself does not have.
  template <typename T>
  void require_item(const NdArray<T>& array, const schema::Dataset& entry) const {
    Extent extent = shape_.shape_of(entry);
    extent.erase(extent.begin());
    require_shape(array, extent, schema::path_of(entry));
  }

  void require_samples() const {
    require_rows(batch_.token_ids, schema::token_ids);
    require_elements(static_cast<std::int64_t>(batch_.seeds.size()), place_.count,
                     schema::path_of(schema::seed));
    if (shape_.has(schema::Part::preview)) require_rows(batch_.preview, schema::preview);
    require_elements(static_cast<std::int64_t>(batch_.predicted_classes.size()),
                     shape_.has(schema::Part::scores) ? place_.count : 0,
                     schema::path_of(schema::predicted_class));
    require_elements(static_cast<std::int64_t>(batch_.nonfinite_image_values.size()),
                     shape_.has(schema::Part::image_check) ? place_.count : 0,
                     schema::path_of(schema::nonfinite_image_values));
  }

  void require_raw() const {
    const std::int64_t kept =
        shape_.kept_before(place_.first + place_.count) - shape_.kept_before(place_.first);
    if (kept == 0) return;
    std::vector<int> layers;
    for (const RawKv& layer : batch_.raw) layers.push_back(layer.layer);
    if (layers != shape_.kv_layers()) {
      refuse(fmt::format("raw K and V of layers {}", shape_.kv_layers()),
             fmt::format("{}", layers));
    }
    Extent extent = shape_.shape_of(schema::kv);
    extent.at(0) = kept;
    const std::int64_t bytes = elements_of(extent) * stored_bytes_;
    const std::int64_t query_bytes = shape_.has(schema::Part::queries) ? bytes : 0;
    for (const RawKv& layer : batch_.raw) {
      require_bytes(layer.query, query_bytes, schema::path_of(schema::query, layer.layer));
      require_bytes(layer.key, bytes, schema::path_of(schema::kv, layer.layer, KvTensor::key));
      require_bytes(layer.value, bytes, schema::path_of(schema::kv, layer.layer, KvTensor::value));
    }
  }

  void require_bytes(const std::vector<std::byte>& found, std::int64_t expected,
                     const std::string& name) const {
    if (static_cast<std::int64_t>(found.size()) != expected) {
      refuse(fmt::format("{} bytes for {}", expected, name), std::to_string(found.size()));
    }
  }

  void require_statistics(const BatchStatistics& statistics) const {
    if (statistics.samples != place_.count) {
      refuse(fmt::format("statistics of {} samples", place_.count),
             fmt::format("of {}", statistics.samples));
    }
    if (shape_.has(schema::Part::similarity)) {
      for (const auto& sum : statistics.similarity_sum.arrays) {
        require_item(sum, schema::similarity_sum);
      }
      for (const auto& sum : statistics.norm_sum) require_item(sum, schema::norm_sum);
      for (const auto& statistic : statistics.layer_statistic.arrays) {
        require_rows(statistic, schema::layer_statistic);
      }
    } else {
      require_part(!statistics.similarity_sum.arrays[0].empty(), false, "similarity");
    }
    if (shape_.has(schema::Part::mass)) {
      require_item(statistics.mass_sum, schema::mass_sum);
    } else {
      require_part(!statistics.mass_sum.empty(), false, "attention mass");
    }
  }

  void require_timing(const TimingRecord& timing) const {
    require_item(timing.layer_ns, schema::layer_ns);
    require_item(timing.model_ns, schema::model_ns);
    require_item(timing.batch_ns, schema::batch_ns);
  }

  void require_ledger(const LedgerRecord& ledger) const {
    const auto require_whole = [&](const NdArray<std::int64_t>& array,
                                   const schema::Dataset& entry) {
      require_shape(array, shape_.shape_of(entry), schema::path_of(entry));
    };
    require_whole(ledger.logical_bytes, schema::logical_bytes);
    require_whole(ledger.resident_bytes, schema::resident_bytes);
    require_whole(ledger.transient_bytes, schema::transient_bytes);
    require_whole(ledger.shared_bytes, schema::shared_bytes);
  }

  const BatchRecord& batch_;
  const BatchPlace& place_;
  const FileShape& shape_;
  std::int64_t stored_bytes_;
  const std::string& path_;
};

}  // namespace

void check_batch(const BatchRecord& batch, const BatchPlace& place, const FileShape& shape,
                 std::int64_t stored_bytes, const std::string& path) {
  BatchCheck(batch, place, shape, stored_bytes, path).run();
}

}  // namespace kvscope
