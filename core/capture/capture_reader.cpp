#include "core/capture/capture_reader.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/capture/file_shape.h"
#include "core/capture/float_convert.h"
#include "core/capture/h5.h"
#include "core/capture/output_file.h"
#include "core/capture/record_attributes.h"
#include "core/capture/schema.h"

namespace kvscope {
namespace {

constexpr std::string_view partial_suffix = ".partial";

void check_is_hdf5(const h5::Calls& calls) {
  std::error_code failure;
  const std::string& path = calls.path();
  if (!std::filesystem::exists(path, failure)) {
    const bool unfinished = std::filesystem::exists(partial_path(path), failure);
    calls.refuse(
        "a file",
        unfinished ? "none (" + partial_path(path) + " is there: its run did not finish)" : "none");
  }
  if (std::filesystem::is_directory(path, failure)) calls.refuse("a file", "a folder");
  if (H5Fis_hdf5(path.c_str()) <= 0) {
    H5Eclear2(H5E_DEFAULT);
    calls.refuse("an HDF5 file", "something else, or one that cannot be read");
  }
}

// A file that a writer has open, or had when it was killed, opens only with SWMR.
h5::File open_file(const h5::Calls& calls) {
  check_is_hdf5(calls);
  constexpr std::string_view doing = "open the file";
  h5::Properties access(calls(H5Pcreate(H5P_FILE_ACCESS), doing));
  // A lock of ours would keep a writer out, and some file systems know no locks.
  calls(H5Pset_file_locking(access.get(), false, true), doing);
  h5::File file(H5Fopen(calls.path().c_str(), H5F_ACC_RDONLY, access.get()));
  if (file.get() >= 0) return file;
  H5Eclear2(H5E_DEFAULT);
  // HDF5 doubles its wait after every attempt, from 1 ns: 25 are 33 ms, the default 100 are for
  // ever.
  calls(H5Pset_metadata_read_attempts(access.get(), 25), doing);
  return h5::File(calls(
      H5Fopen(calls.path().c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access.get()), doing));
}

std::int64_t scale_length(const h5::Calls& calls, hid_t file, const std::string& path) {
  const h5::DatasetHandle scale = h5::open_dataset(calls, file, path);
  const std::vector<std::int64_t> shape = h5::shape_of(calls, scale.get(), path);
  if (shape.size() != 1) calls.refuse(path + " to have one dimension", "another rank");
  return shape[0];
}

FileLayout read_layout(const h5::Calls& calls, hid_t file) {
  FileLayout layout = read_contents(calls, file);
  layout.batches = scale_length(calls, file, schema::batch_scale);
  if (layout.preview_size > 0) {
    layout.preview_size = static_cast<int>(scale_length(calls, file, schema::preview_row_scale));
  }
  return layout;
}

// Throws BadInput where the record names things that do not exist.
FileShape make_shape(const h5::Calls& calls, hid_t file, const RunRecord& record) {
  const NameCounts names = {.modules = scale_length(calls, file, schema::module_scale),
                            .counters = scale_length(calls, file, schema::counter_scale)};
  try {
    return FileShape(record, read_layout(calls, file), names);
  } catch (const BadInput&) {
    throw;
  } catch (const Error& mistake) {
    calls.refuse("settings that fit the model", mistake.what());
  }
}

struct ExpectedType {
  H5T_class_t kind;
  std::size_t bytes;
};

ExpectedType expected_type(schema::Type type, KvDtype stored) {
  switch (type) {
    case schema::Type::uint8:
      return {H5T_INTEGER, 1};
    case schema::Type::int32:
      return {H5T_INTEGER, 4};
    case schema::Type::float64:
      return {H5T_FLOAT, 8};
    case schema::Type::stored:
      return {stored == KvDtype::bf16 ? H5T_INTEGER : H5T_FLOAT,
              static_cast<std::size_t>(element_bytes(stored))};
    case schema::Type::int64:
    case schema::Type::uint64:
    case schema::Type::text:
      break;
  }
  return {H5T_INTEGER, 8};
}

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
  explicit Impl(std::string path)
      : calls(std::move(path), ErrorKind::bad_input),
        file(open_file(calls)),
        record(read_record(calls, file.get())),
        shape(make_shape(calls, file.get(), record)) {
    complete = h5::read_integer(calls, file.get(), schema::complete) != 0;
    read_committed();
    for (const schema::Dataset& entry : schema::datasets) {
      if (!shape.has(entry.part)) continue;
      for (const std::string& name : schema::paths_of(entry, shape.kv_layers())) {
        if (!datasets.contains(name)) check_dataset(entry, name);
      }
    }
    read_batch_sizes();
    if (shape.has(schema::Part::raw)) raw_samples = shape.kept_samples_before(committed);
  }

  // Opens it too: handles stay open, so that reading in small pieces costs no look-up.
  void check_dataset(const schema::Dataset& entry, const std::string& name) {
    const std::string doing = "open " + name;
    const h5::Properties access(calls(H5Pcreate(H5P_DATASET_ACCESS), doing));
    // Chunks are read whole, straight to the caller: a chunk cache would only hold memory.
    calls(H5Pset_chunk_cache(access.get(), 0, 0, 0), doing);
    h5::DatasetHandle dataset(H5Dopen2(file.get(), name.c_str(), access.get()));
    if (dataset.get() < 0) {
      H5Eclear2(H5E_DEFAULT);
      calls.refuse("dataset " + name, "none that can be read");
    }
    const std::vector<std::int64_t> found = h5::shape_of(calls, dataset.get(), name);
    const std::vector<std::int64_t> expected = shape.shape_of(entry);
    if (found != expected) {
      calls.refuse(fmt::format("{} of shape {}", name, expected), fmt::format("{}", found));
    }
    const h5::Datatype type(calls(H5Dget_type(dataset.get()), doing));
    const ExpectedType wanted = expected_type(entry.type, record.settings.kv_dtype);
    if (H5Tget_class(type.get()) != wanted.kind || H5Tget_size(type.get()) != wanted.bytes) {
      calls.refuse(fmt::format("{} of type {}", name, schema::name_of(entry.type)), "another type");
    }
    datasets.emplace(name, std::move(dataset));
  }

  // Before any other dataset is opened: HDF5 keeps what it saw when it opened one, and where a
  // writer is at work that may be a state without the samples counted here.
  void read_committed() {
    const std::string name = schema::path_of(schema::committed_samples);
    check_dataset(schema::committed_samples, name);
    calls(H5Dread(dataset(name), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &committed),
          "read " + name);
  }

  // A batch that was under way has its size in the file already: the count decides.
  void read_batch_sizes() {
    const NdArray<std::int64_t> sizes =
        all<std::int64_t>(schema::batch_samples, schema::path_of(schema::batch_samples));
    std::int64_t samples = 0;
    for (const std::int64_t size : sizes.data) {
      if (samples >= committed) break;
      if (size < 1 || size > committed - samples) {
        refuse_batches(fmt::format("a batch of {} after {} samples", size, samples));
      }
      batch_sizes.push_back(size);
      batch_begins.push_back(samples);
      samples += size;
    }
    if (committed > record.settings.samples || samples != committed) {
      refuse_batches(fmt::format("batches of {} samples in all", samples));
    }
  }

  [[noreturn]] void refuse_batches(const std::string& got) const {
    calls.refuse(fmt::format("{} committed samples to be whole batches of at most {}", committed,
                             record.settings.samples),
                 got);
  }

  hid_t dataset(const std::string& name) const {
    const auto found = datasets.find(name);
    if (found == datasets.end()) calls.refuse("dataset " + name, "none");
    return found->second.get();
  }

  template <typename T>
  NdArray<T> rows(const schema::Dataset& entry, const std::string& name, std::int64_t first,
                  std::int64_t count) const {
    NdArray<T> array(row_shape(shape.shape_of(entry), count));
    h5::read_slab(calls, dataset(name), h5::native_type<T>(), first, count, -1, array.data.data(),
                  "read " + name);
    return array;
  }
  template <typename T>
  NdArray<T> sample_rows(const schema::Dataset& entry, std::int64_t first,
                         std::int64_t count) const {
    return rows<T>(entry, schema::path_of(entry), first, count);
  }
  template <typename T>
  NdArray<T> sample_rows(const schema::Dataset& entry) const {
    return sample_rows<T>(entry, 0, committed);
  }
  template <typename T>
  NdArray<T> batch_rows(const schema::Dataset& entry) const {
    return rows<T>(entry, schema::path_of(entry), 0, batch_count());
  }
  template <typename T>
  NdArray<T> all(const schema::Dataset& entry, const std::string& name) const {
    return rows<T>(entry, name, 0, shape.shape_of(entry).at(0));
  }
  // One index of the leading dimension, which the result no longer has.
  template <typename T>
  NdArray<T> item(const schema::Dataset& entry, const std::string& name, std::int64_t index) const {
    NdArray<T> array = rows<T>(entry, name, index, 1);
    array.shape.erase(array.shape.begin());
    return array;
  }

  Estimate estimate(const schema::Dataset& entry) const {
    const NdArray<double> stored = all<double>(entry, schema::path_of(entry));
    return {stored(0), stored(1), stored(2)};
  }

  std::int64_t batch_count() const { return static_cast<std::int64_t>(batch_sizes.size()); }

  BatchStatistics batch_statistics(std::int64_t index) const {
    BatchStatistics result;
    result.samples = batch_sizes.at(static_cast<std::size_t>(index));
    const std::int64_t first_sample = batch_begins.at(static_cast<std::size_t>(index));
    if (shape.has(schema::Part::similarity)) {
      for (const KvTensor tensor : all_kv_tensors) {
        for (const Metric metric : all_metrics) {
          result.similarity_sum(metric, tensor) =
              item<double>(schema::similarity_sum,
                           schema::path_of(schema::similarity_sum, metric, tensor), index);
          result.layer_statistic(metric, tensor) = rows<double>(
              schema::layer_statistic, schema::path_of(schema::layer_statistic, metric, tensor),
              first_sample, result.samples);
        }
        result.norm_sum[static_cast<std::size_t>(tensor)] =
            item<double>(schema::norm_sum, schema::path_of(schema::norm_sum, tensor), index);
      }
    }
    if (shape.has(schema::Part::mass)) {
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
      return rows<std::int64_t>(entry, schema::path_of(entry), index, 1).data.front();
    };
    return {.process_peak_rss_bytes = read(schema::process_peak_rss_bytes),
            .allocator_peak_bytes = read(schema::allocator_peak_bytes)};
  }

  Statistics stored_means() const {
    Statistics result;
    result.samples = committed;
    if (shape.has(schema::Part::similarity)) {
      for (const KvTensor tensor : all_kv_tensors) {
        for (const Metric metric : all_metrics) {
          result.similarity(metric, tensor) =
              all<double>(schema::similarity, schema::path_of(schema::similarity, metric, tensor));
        }
        result.norm[static_cast<std::size_t>(tensor)] =
            all<double>(schema::norm, schema::path_of(schema::norm, tensor));
      }
    }
    if (shape.has(schema::Part::mass)) {
      result.mass = all<double>(schema::mass, schema::path_of(schema::mass));
      result.density = all<double>(schema::density, schema::path_of(schema::density));
    }
    return result;
  }

  // The means in a partial file may belong to the batch that was under way.
  Statistics means_of_committed() const {
    StatisticsSums sums;
    for (std::int64_t index = 0; index < batch_count(); ++index) sums.add(batch_statistics(index));
    return sums.means(record.model.schedule().tokens_by_scale());
  }

  std::string raw_name(KvTensor tensor, int layer, std::int64_t first, std::int64_t count) const {
    const std::vector<int>& layers = shape.kv_layers();
    if (!shape.has(schema::Part::raw) || !std::binary_search(layers.begin(), layers.end(), layer)) {
      calls.refuse(fmt::format("raw K and V of layer {}", layer), "none");
    }
    if (first < 0 || count < 0 || first + count > static_cast<std::int64_t>(raw_samples.size())) {
      calls.refuse(fmt::format("raw K and V of samples {} to {}", first, first + count - 1),
                   fmt::format("those of {} samples", raw_samples.size()));
    }
    return schema::path_of(schema::kv, layer, tensor);
  }

  // Reads in the stored type, where HDF5 converts nothing, and widens here: HDF5's own half
  // conversion works bit by bit.
  void read_raw(const std::string& name, std::int64_t first, std::int64_t count, std::int64_t row,
                std::vector<float>& out) const {
    std::vector<std::int64_t> extent = row_shape(shape.shape_of(schema::kv), count);
    if (row >= 0) extent.at(1) = 1;
    out.resize(elements_of(extent));
    const std::string doing = "read " + name;
    if (record.settings.kv_dtype == KvDtype::fp32) {
      h5::read_slab(calls, dataset(name), H5T_NATIVE_FLOAT, first, count, row, out.data(), doing);
      return;
    }
    const h5::Datatype type(calls(H5Dget_type(dataset(name)), doing));
    stored.resize(2 * out.size());
    h5::read_slab(calls, dataset(name), type.get(), first, count, row, stored.data(), doing);
    if (record.settings.kv_dtype == KvDtype::fp16) {
      half_to_float(stored.data(), out.size(), out.data());
    } else {
      bfloat_to_float(stored.data(), out.size(), out.data());
    }
  }

  h5::Calls calls;
  h5::File file;
  std::map<std::string, h5::DatasetHandle> datasets;
  RunRecord record;
  FileShape shape;
  bool complete = false;
  std::int64_t committed = 0;
  std::vector<std::int64_t> batch_sizes;   // samples of the committed batches
  std::vector<std::int64_t> batch_begins;  // position of their first sample
  std::vector<std::int64_t> raw_samples;
  mutable std::vector<std::byte> stored;  // kept between reads: the hot path of analyze
};

CaptureReader::CaptureReader(std::string path) : impl_(std::make_unique<Impl>(std::move(path))) {}
CaptureReader::~CaptureReader() = default;
CaptureReader::CaptureReader(CaptureReader&&) noexcept = default;

const std::string& CaptureReader::path() const { return impl_->calls.path(); }
const RunRecord& CaptureReader::record() const { return impl_->record; }
const FileLayout& CaptureReader::layout() const { return impl_->shape.layout(); }
bool CaptureReader::complete() const { return impl_->complete; }
std::int64_t CaptureReader::committed_samples() const { return impl_->committed; }
const std::vector<std::int64_t>& CaptureReader::batch_samples() const { return impl_->batch_sizes; }

QualityCounts CaptureReader::quality() const {
  const NdArray<std::int64_t> values =
      impl_->all<std::int64_t>(schema::quality, schema::path_of(schema::quality));
  QualityCounts counts;
  const std::size_t known = std::min(values.data.size(), counts.values.size());
  std::copy_n(values.data.begin(), known, counts.values.begin());
  counts[QualityCounter::uncommitted_samples] = impl_->record.settings.samples - impl_->committed;
  return counts;
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
  if (!impl_->shape.has(schema::Part::preview)) return {};
  return impl_->sample_rows<std::uint8_t>(schema::preview);
}

LedgerRecord CaptureReader::ledger() const {
  const auto read = [&](const schema::Dataset& entry) {
    return impl_->all<std::int64_t>(entry, schema::path_of(entry));
  };
  LedgerRecord ledger;
  ledger.logical_bytes = read(schema::logical_bytes);
  ledger.resident_bytes = read(schema::resident_bytes);
  ledger.transient_bytes = read(schema::transient_bytes);
  ledger.shared_bytes = read(schema::shared_bytes);
  const hid_t owner = impl_->dataset(schema::path_of(schema::logical_bytes));
  ledger.rows = h5::read_integer(impl_->calls, owner, schema::rows);
  ledger.key_element_bytes = h5::read_integer(impl_->calls, owner, schema::key_element_bytes);
  ledger.value_element_bytes = h5::read_integer(impl_->calls, owner, schema::value_element_bytes);
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
  if (!impl_->shape.has(schema::Part::timing)) return std::nullopt;
  Timings timings;
  timings.layer_ns = impl_->batch_rows<std::int64_t>(schema::layer_ns);
  timings.model_ns = impl_->batch_rows<std::int64_t>(schema::model_ns);
  timings.batch_ns = impl_->batch_rows<std::int64_t>(schema::batch_ns);
  timings.modules = h5::read_names(impl_->calls, impl_->file.get(), schema::module_scale);
  return timings;
}

std::optional<Scores> CaptureReader::scores() const {
  if (!impl_->shape.has(schema::Part::scores)) return std::nullopt;
  const std::optional<ScorerRecord>& scorer = impl_->record.settings.scorer;
  if (!scorer) impl_->calls.refuse("settings with the scorer of /scores", "none");
  Scores scores;
  scores.capture_id = impl_->record.capture_id;
  scores.model = impl_->record.model.name;
  scores.scorer = *scorer;
  scores.samples = impl_->committed;
  scores.classes =
      class_scores(labels(), impl_->sample_rows<std::int32_t>(schema::predicted_class).data);
  scores.class_accuracy.value = accuracy_of(scores.classes);
  if (impl_->complete) {
    scores.class_accuracy = impl_->estimate(schema::class_accuracy);
    scores.demo_frechet_distance = impl_->estimate(schema::demo_frechet_distance);
  }
  return scores;
}

std::optional<Statistics> CaptureReader::statistics() const {
  const FileShape& shape = impl_->shape;
  if (!shape.layout().has_statistics() || impl_->committed == 0) return std::nullopt;
  Statistics result = impl_->complete ? impl_->stored_means() : impl_->means_of_committed();
  if (shape.has(schema::Part::similarity)) {
    for (const Metric metric : all_metrics) {
      for (const KvTensor tensor : all_kv_tensors) {
        result.layer_statistic(metric, tensor) = impl_->rows<double>(
            schema::layer_statistic, schema::path_of(schema::layer_statistic, metric, tensor), 0,
            impl_->committed);
      }
    }
  }
  return result;
}

BatchRecord CaptureReader::batch(std::int64_t index) const {
  const std::int64_t first = impl_->batch_begins.at(static_cast<std::size_t>(index));
  const std::int64_t count = impl_->batch_sizes.at(static_cast<std::size_t>(index));
  const FileLayout& parts = layout();
  BatchRecord batch;
  batch.token_ids = impl_->sample_rows<std::int32_t>(schema::token_ids, first, count);
  batch.labels = impl_->sample_rows<std::int32_t>(schema::label, first, count).data;
  batch.seeds = impl_->sample_rows<std::uint64_t>(schema::seed, first, count).data;
  if (parts.preview_size > 0) {
    batch.preview = impl_->sample_rows<std::uint8_t>(schema::preview, first, count);
  }
  if (parts.has_statistics()) batch.statistics = impl_->batch_statistics(index);
  if (parts.timing) batch.timing = impl_->batch_timing(index);
  batch.ledger = ledger();
  batch.memory = impl_->batch_memory(index);
  return batch;
}

bool CaptureReader::has_raw_kv() const { return impl_->shape.has(schema::Part::raw); }
const std::vector<int>& CaptureReader::raw_layers() const { return impl_->shape.kv_layers(); }
const std::vector<int>& CaptureReader::raw_heads() const { return impl_->shape.kv_heads(); }
const std::vector<int>& CaptureReader::raw_scales() const { return impl_->shape.kv_scales(); }
const std::vector<std::int64_t>& CaptureReader::raw_samples() const { return impl_->raw_samples; }

NdArray<float> CaptureReader::raw_kv(KvTensor tensor, int layer, std::int64_t first,
                                     std::int64_t count) const {
  const std::string name = impl_->raw_name(tensor, layer, first, count);
  NdArray<float> result;
  result.shape = row_shape(impl_->shape.shape_of(schema::kv), count);
  impl_->read_raw(name, first, count, -1, result.data);
  return result;
}

void CaptureReader::read_conditional(KvTensor tensor, int layer, std::int64_t first,
                                     std::int64_t count, std::vector<float>& out) const {
  impl_->read_raw(impl_->raw_name(tensor, layer, first, count), first, count, 0, out);
}

std::string CaptureReader::image_file(std::int64_t sample) const {
  return image_path(impl_->calls.path(), sample);
}

std::string image_path(const std::string& path, std::int64_t sample) {
  const bool partial = path.ends_with(partial_suffix);
  const std::filesystem::path file(
      path.substr(0, path.size() - (partial ? partial_suffix.size() : 0)));
  std::string folder = file.stem().string() + ".images";
  if (partial) folder += partial_suffix;
  return (file.parent_path() / folder / fmt::format("{:06}.png", sample)).string();
}

}  // namespace kvscope
