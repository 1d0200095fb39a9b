#include "core/capture/capture_reader.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "core/capture/float_convert.h"
#include "core/capture/h5.h"
#include "core/capture/open_capture.h"
#include "core/capture/schema.h"

namespace kvscope {
namespace {

std::vector<std::int64_t> row_shape(std::vector<std::int64_t> shape, std::int64_t rows) {
  shape.at(0) = rows;
  return shape;
}

std::size_t elements_of(const std::vector<std::int64_t>& shape) {
  return static_cast<std::size_t>(
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>()));
}

}  // namespace

struct CaptureReader::Impl {
  explicit Impl(std::string path) : file(std::move(path)) {
    if (has(Part::raw)) {
      raw_samples = file.shape().kept_samples_before(file.committed_samples());
    }
    if (has(Part::image_check)) {
      const std::vector<std::int64_t> values =
          sample_rows<std::int64_t>(schema::nonfinite_image_values).data;
      for (std::size_t sample = 0; sample < values.size(); ++sample) {
        if (values[sample] != 0) nonfinite_images.push_back(static_cast<std::int64_t>(sample));
      }
    }
  }

  bool has(Part part) const { return file.shape().has(part); }

  template <typename T>
  NdArray<T> sample_rows(const schema::Dataset& entry, std::int64_t first,
                         std::int64_t count) const {
    return file.rows<T>(entry, schema::path_of(entry), first, count);
  }
  template <typename T>
  NdArray<T> sample_rows(const schema::Dataset& entry) const {
    return sample_rows<T>(entry, 0, file.committed_samples());
  }
  template <typename T>
  NdArray<T> batch_rows(const schema::Dataset& entry) const {
    return file.rows<T>(entry, schema::path_of(entry), 0, batch_count());
  }
  // One index of the leading dimension, which the result no longer has.
  template <typename T>
  NdArray<T> item(const schema::Dataset& entry, const std::string& name, std::int64_t index) const {
    NdArray<T> array = file.rows<T>(entry, name, index, 1);
    array.shape.erase(array.shape.begin());
    return array;
  }

  Estimate estimate(const schema::Dataset& entry) const {
    const NdArray<double> stored = file.all<double>(entry, schema::path_of(entry));
    return {stored(0), stored(1), stored(2)};
  }

  std::int64_t batch_count() const {
    return static_cast<std::int64_t>(file.batch_samples().size());
  }

  BatchStatistics batch_statistics(std::int64_t index) const {
    BatchStatistics result;
    result.samples = file.batch_samples().at(static_cast<std::size_t>(index));
    const std::int64_t first_sample = file.batch_begins().at(static_cast<std::size_t>(index));
    if (has(Part::similarity)) {
      for (const KvTensor tensor : all_kv_tensors) {
        for (const Metric metric : all_metrics) {
          result.similarity_sum(metric, tensor) =
              item<double>(schema::similarity_sum,
                           schema::path_of(schema::similarity_sum, metric, tensor), index);
          result.layer_statistic(metric, tensor) = file.rows<double>(
              schema::layer_statistic, schema::path_of(schema::layer_statistic, metric, tensor),
              first_sample, result.samples);
        }
        result.norm_sum[static_cast<std::size_t>(tensor)] =
            item<double>(schema::norm_sum, schema::path_of(schema::norm_sum, tensor), index);
      }
    }
    if (has(Part::mass)) {
      result.mass_sum = item<double>(schema::mass_sum, schema::path_of(schema::mass_sum), index);
    }
    return result;
  }

  TimingRecord batch_timing(std::int64_t index) const {
    const auto read = [&](const schema::Dataset& entry) {
      return item<std::int64_t>(entry, schema::path_of(entry), index);
    };
    return {.layer_ns = read(schema::layer_ns),
            .model_ns = read(schema::model_ns),
            .batch_ns = read(schema::batch_ns)};
  }

  MemoryRecord batch_memory(std::int64_t index) const {
    const auto read = [&](const schema::Dataset& entry) {
      return file.rows<std::int64_t>(entry, schema::path_of(entry), index, 1).data.front();
    };
    return {.process_peak_rss_bytes = read(schema::process_peak_rss_bytes),
            .allocator_peak_bytes = read(schema::allocator_peak_bytes)};
  }

  Statistics stored_means() const {
    Statistics result;
    result.samples = file.committed_samples();
    if (has(Part::similarity)) {
      for (const KvTensor tensor : all_kv_tensors) {
        for (const Metric metric : all_metrics) {
          result.similarity(metric, tensor) = file.all<double>(
              schema::similarity, schema::path_of(schema::similarity, metric, tensor));
        }
        result.norm[static_cast<std::size_t>(tensor)] =
            file.all<double>(schema::norm, schema::path_of(schema::norm, tensor));
      }
    }
    if (has(Part::mass)) {
      result.mass = file.all<double>(schema::mass, schema::path_of(schema::mass));
      result.density = file.all<double>(schema::density, schema::path_of(schema::density));
    }
    return result;
  }

  // The means in a partial file may belong to the batch that was under way.
  Statistics means_of_committed() const {
    StatisticsSums sums;
    for (std::int64_t index = 0; index < batch_count(); ++index) sums.add(batch_statistics(index));
    return sums.means(file.record().model.schedule().tokens_by_scale());
  }

  std::string raw_name(KvTensor tensor, int layer, std::int64_t first, std::int64_t count) const {
    const std::vector<int>& layers = file.shape().kv_layers();
    if (!has(Part::raw) || !std::binary_search(layers.begin(), layers.end(), layer)) {
      file.calls().refuse(fmt::format("raw K and V of layer {}", layer), "none");
    }
    if (first < 0 || count < 0 || first + count > static_cast<std::int64_t>(raw_samples.size())) {
      file.calls().refuse(fmt::format("raw K and V of samples {} to {}", first, first + count - 1),
                          fmt::format("those of {} samples", raw_samples.size()));
    }
    return schema::path_of(schema::kv, layer, tensor);
  }

  // Reads in the stored type, where HDF5 converts nothing, and widens here: HDF5's own half
  // conversion works bit by bit.
  void read_raw(const std::string& name, std::int64_t first, std::int64_t count, std::int64_t row,
                std::vector<float>& out) const {
    std::vector<std::int64_t> extent = row_shape(file.shape().shape_of(schema::kv), count);
    if (row >= 0) extent.at(1) = 1;
    out.resize(elements_of(extent));
    const std::string doing = "read " + name;
    if (file.record().settings.kv_dtype == KvDtype::fp32) {
      h5::read_slab(file.calls(), file.dataset(name), H5T_NATIVE_FLOAT, first, count, row,
                    out.data(), doing);
      return;
    }
    h5::silence_errors();
    const h5::Datatype type(file.calls()(H5Dget_type(file.dataset(name)), doing));
    stored.resize(2 * out.size());
    h5::read_slab(file.calls(), file.dataset(name), type.get(), first, count, row, stored.data(),
                  doing);
    if (file.record().settings.kv_dtype == KvDtype::fp16) {
      half_to_float(stored.data(), out.size(), out.data());
    } else {
      bfloat_to_float(stored.data(), out.size(), out.data());
    }
  }

  OpenCapture file;
  std::vector<std::int64_t> raw_samples;
  std::vector<std::int64_t> nonfinite_images;
  mutable std::vector<std::byte> stored;  // kept between reads: the hot path of analyze
};

CaptureReader::CaptureReader(std::string path) : impl_(std::make_unique<Impl>(std::move(path))) {}
CaptureReader::~CaptureReader() = default;
CaptureReader::CaptureReader(CaptureReader&&) noexcept = default;
CaptureReader& CaptureReader::operator=(CaptureReader&&) noexcept = default;

const std::string& CaptureReader::path() const { return impl_->file.calls().path(); }
const RunRecord& CaptureReader::record() const { return impl_->file.record(); }
const FileLayout& CaptureReader::layout() const { return impl_->file.shape().layout(); }
bool CaptureReader::complete() const { return impl_->file.complete(); }
std::int64_t CaptureReader::committed_samples() const { return impl_->file.committed_samples(); }
const std::vector<std::int64_t>& CaptureReader::batch_samples() const {
  return impl_->file.batch_samples();
}

LossCounts CaptureReader::losses() const {
  const NdArray<std::int64_t> values =
      impl_->file.all<std::int64_t>(schema::losses, schema::path_of(schema::losses));
  LossCounts counts;
  const std::size_t known = std::min(values.data.size(), counts.values.size());
  std::copy_n(values.data.begin(), known, counts.values.begin());
  counts[LossCounter::uncommitted_samples] = record().settings.samples - committed_samples();
  // The file's own count may include a batch that was under way.
  if (layout().has(Part::image_check)) {
    counts[LossCounter::nonfinite_images] = static_cast<std::int64_t>(nonfinite_images().size());
  }
  return counts;
}

std::vector<Loss> CaptureReader::all_losses() const {
  const OpenCapture& file = impl_->file;
  const std::string path = schema::path_of(schema::losses);
  const std::vector<std::int64_t> counts = file.all<std::int64_t>(schema::losses, path).data;
  const std::vector<std::string> names =
      h5::read_names(file.calls(), file.file(), schema::counter_coordinate);
  const LossCounts known = losses();
  std::vector<Loss> all;
  for (std::size_t i = 0; i < std::min(counts.size(), loss_counter_count); ++i) {
    const auto counter = static_cast<LossCounter>(i);
    all.push_back({.name = std::string(name_of(counter)),
                   .count = known[counter],
                   .severity = severity_of(counter),
                   .source = std::string(source_of(counter)),
                   .advice = std::string(advice_of(counter))});
  }
  const std::vector<std::string> severities = file.words(path, schema::severity);
  const std::vector<std::string> sources = file.words(path, schema::source);
  for (std::size_t i = all.size(); i < std::min(counts.size(), names.size()); ++i) {
    all.push_back({.name = names[i],
                   .count = counts[i],
                   .severity = parse_loss_severity(i < severities.size() ? severities[i] : ""),
                   .source = i < sources.size() ? sources[i] : "unknown",
                   .advice = "a newer kvscope says what it means"});
  }
  return all;
}

const std::vector<std::int64_t>& CaptureReader::nonfinite_images() const {
  return impl_->nonfinite_images;
}

bool CaptureReader::has_finite_image(std::int64_t sample) const {
  return !std::binary_search(impl_->nonfinite_images.begin(), impl_->nonfinite_images.end(),
                             sample);
}

std::vector<std::int64_t> CaptureReader::samples() const {
  const h5::Calls& calls = impl_->file.calls();
  const h5::DatasetHandle scale =
      h5::open_dataset(calls, impl_->file.file(), schema::sample_coordinate);
  const std::vector<std::int64_t> shape =
      h5::shape_of(calls, scale.get(), schema::sample_coordinate);
  if (shape != std::vector{record().settings.samples}) {
    calls.refuse(
        fmt::format("{} of {} samples", schema::sample_coordinate, record().settings.samples),
        "another length");
  }
  std::vector<std::int64_t> indices(static_cast<std::size_t>(committed_samples()));
  h5::read_slab(calls, scale.get(), H5T_NATIVE_INT64, 0, committed_samples(), -1, indices.data(),
                fmt::format("read {}", schema::sample_coordinate));
  return indices;
}

std::vector<std::int64_t> CaptureReader::nonfinite_samples() const {
  const std::vector<std::int64_t> indices = samples();
  std::vector<std::int64_t> found;
  for (const std::int64_t position : nonfinite_images()) {
    found.push_back(indices[static_cast<std::size_t>(position)]);
  }
  return found;
}

NdArray<std::int32_t> CaptureReader::token_ids() const {
  return impl_->sample_rows<std::int32_t>(schema::token_ids);
}

std::vector<std::int32_t> CaptureReader::labels() const {
  return impl_->sample_rows<std::int32_t>(schema::label).data;
}

std::vector<std::uint64_t> CaptureReader::seeds() const {
  return impl_->sample_rows<std::uint64_t>(schema::seed).data;
}

NdArray<std::uint8_t> CaptureReader::previews() const {
  if (!layout().has(Part::preview)) return {};
  return impl_->sample_rows<std::uint8_t>(schema::preview);
}

LedgerRecord CaptureReader::ledger() const {
  const auto read = [&](const schema::Dataset& entry) {
    return impl_->file.all<std::int64_t>(entry, schema::path_of(entry));
  };
  LedgerRecord ledger;
  ledger.logical_bytes = read(schema::logical_bytes);
  ledger.resident_bytes = read(schema::resident_bytes);
  ledger.transient_bytes = read(schema::transient_bytes);
  ledger.shared_bytes = read(schema::shared_bytes);
  const h5::Calls& calls = impl_->file.calls();
  const hid_t owner = impl_->file.dataset(schema::path_of(schema::logical_bytes));
  ledger.rows = h5::read_integer(calls, owner, schema::rows);
  ledger.key_element_bytes = h5::read_integer(calls, owner, schema::key_element_bytes);
  ledger.value_element_bytes = h5::read_integer(calls, owner, schema::value_element_bytes);
  return ledger;
}

MemoryRecord CaptureReader::memory() const {
  MemoryRecord largest;
  for (const std::int64_t bytes :
       impl_->batch_rows<std::int64_t>(schema::process_peak_rss_bytes).data) {
    largest.process_peak_rss_bytes = std::max(largest.process_peak_rss_bytes, bytes);
  }
  for (const std::int64_t bytes :
       impl_->batch_rows<std::int64_t>(schema::allocator_peak_bytes).data) {
    largest.allocator_peak_bytes = std::max(largest.allocator_peak_bytes, bytes);
  }
  return largest;
}

std::optional<Timings> CaptureReader::timings() const {
  if (!layout().has(Part::timing)) return std::nullopt;
  Timings timings;
  timings.layer_ns = impl_->batch_rows<std::int64_t>(schema::layer_ns);
  timings.model_ns = impl_->batch_rows<std::int64_t>(schema::model_ns);
  timings.batch_ns = impl_->batch_rows<std::int64_t>(schema::batch_ns);
  timings.modules =
      h5::read_names(impl_->file.calls(), impl_->file.file(), schema::module_coordinate);
  return timings;
}

std::optional<Scores> CaptureReader::scores() const {
  if (!layout().has(Part::scores)) return std::nullopt;
  const std::optional<ScorerRecord>& scorer = record().settings.scorer;
  if (!scorer) impl_->file.calls().refuse("settings with the scorer of /scores", "none");
  Scores scores;
  scores.capture_id = record().capture_id;
  scores.model = record().model.name;
  scores.scorer = *scorer;
  scores.nonfinite_images = static_cast<std::int64_t>(nonfinite_images().size());
  scores.samples = committed_samples() - scores.nonfinite_images;
  scores.classes =
      class_scores(labels(), impl_->sample_rows<std::int32_t>(schema::predicted_class).data);
  scores.class_accuracy.value = accuracy_of(scores.classes);
  if (complete()) {
    scores.class_accuracy = impl_->estimate(schema::class_accuracy);
    scores.demo_frechet_distance = impl_->estimate(schema::demo_frechet_distance);
  }
  return scores;
}

std::optional<Statistics> CaptureReader::statistics() const {
  if (!layout().has_statistics() || committed_samples() == 0) return std::nullopt;
  Statistics result = complete() ? impl_->stored_means() : impl_->means_of_committed();
  if (layout().has(Part::similarity)) {
    for (const Metric metric : all_metrics) {
      for (const KvTensor tensor : all_kv_tensors) {
        result.layer_statistic(metric, tensor) = impl_->file.rows<double>(
            schema::layer_statistic, schema::path_of(schema::layer_statistic, metric, tensor), 0,
            committed_samples());
      }
    }
  }
  return result;
}

BatchRecord CaptureReader::batch(std::int64_t index) const {
  const std::int64_t first = impl_->file.batch_begins().at(static_cast<std::size_t>(index));
  const std::int64_t count = impl_->file.batch_samples().at(static_cast<std::size_t>(index));
  const FileLayout& parts = layout();
  BatchRecord batch;
  batch.token_ids = impl_->sample_rows<std::int32_t>(schema::token_ids, first, count);
  batch.labels = impl_->sample_rows<std::int32_t>(schema::label, first, count).data;
  batch.seeds = impl_->sample_rows<std::uint64_t>(schema::seed, first, count).data;
  if (parts.has(Part::preview)) {
    batch.preview = impl_->sample_rows<std::uint8_t>(schema::preview, first, count);
  }
  if (parts.has(Part::image_check)) {
    batch.nonfinite_image_values =
        impl_->sample_rows<std::int64_t>(schema::nonfinite_image_values, first, count).data;
  }
  if (parts.has_statistics()) batch.statistics = impl_->batch_statistics(index);
  if (parts.has(Part::timing)) batch.timing = impl_->batch_timing(index);
  batch.ledger = ledger();
  batch.memory = impl_->batch_memory(index);
  return batch;
}

bool CaptureReader::has_raw_kv() const { return layout().has(Part::raw); }
bool CaptureReader::has_queries() const { return layout().has(Part::queries); }
const std::vector<int>& CaptureReader::raw_layers() const {
  return impl_->file.shape().kv_layers();
}
const std::vector<int>& CaptureReader::raw_heads() const { return impl_->file.shape().kv_heads(); }
const std::vector<int>& CaptureReader::raw_scales() const {
  return impl_->file.shape().kv_scales();
}
const std::vector<std::int64_t>& CaptureReader::raw_samples() const { return impl_->raw_samples; }

NdArray<float> CaptureReader::raw_kv(KvTensor tensor, int layer, std::int64_t first,
                                     std::int64_t count) const {
  const std::string name = impl_->raw_name(tensor, layer, first, count);
  NdArray<float> result;
  result.shape = row_shape(impl_->file.shape().shape_of(schema::kv), count);
  impl_->read_raw(name, first, count, -1, result.data);
  return result;
}

void CaptureReader::read_conditional(KvTensor tensor, int layer, std::int64_t first,
                                     std::int64_t count, std::vector<float>& out) const {
  impl_->read_raw(impl_->raw_name(tensor, layer, first, count), first, count, 0, out);
}

}  // namespace kvscope
