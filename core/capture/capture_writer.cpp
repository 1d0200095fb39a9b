#include "core/capture/capture_writer.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/capture/batch_check.h"
#include "core/capture/capture_reader.h"
#include "core/capture/file_objects.h"
#include "core/capture/file_shape.h"
#include "core/capture/h5.h"
#include "core/capture/schema.h"
#include "core/capture/writer_lock.h"

namespace kvscope {
namespace {

// The marks that a killed writer left keep every other one out, unless they are cleared, with the
// property that HDF5's own h5clear sets.
h5::Properties access_properties(const h5::Calls& calls, bool clear_marks = false) {
  constexpr std::string_view doing = "set up the file";
  h5::Properties access(calls(H5Pcreate(H5P_FILE_ACCESS), doing));
  calls(H5Pset_libver_bounds(access.get(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST), doing);
  // As the reader has it: one process may read what it writes only under the same setting.
  calls(H5Pset_file_locking(access.get(), false, true), doing);
  const hbool_t clear = true;
  if (clear_marks) calls(H5Pset(access.get(), "clear_status_flags", &clear), doing);
  return access;
}

// Writes every object of the file `name` under a name nobody reads, so that what is called .partial
// can always be opened: a file killed before SWMR mode begins could not.
void create_file(const std::string& path, const std::string& name, const RunRecord& record,
                 const FileShape& shape) {
  const h5::Calls calls(name, ErrorKind::failure);
  try {
    const h5::Properties access = access_properties(calls);
    h5::File file(calls(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()),
                        "create the file"));
    create_objects(calls, file.get(), record, shape);
    calls(H5Fclose(file.release()), "write the file");
  } catch (...) {
    std::remove(path.c_str());
    throw;
  }
}

}  // namespace

struct CaptureWriter::Impl {
  Impl(std::string path_of_file, const RunRecord& record, const FileLayout& layout)
      : path(std::move(path_of_file)),
        calls(partial_path(path), ErrorKind::failure),
        shape(record, layout),
        tokens(record.model.schedule().tokens_by_scale()),
        samples(record.settings.samples),
        batches(layout.batches),
        stored_bytes(element_bytes(record.settings.kv_dtype)) {}

  void create(const RunRecord& record) {
    // With `force` too: an unfinished file that is at work is nobody's to replace.
    const WriterLock nobody_writes(calls.path());
    const std::string fresh = partial_path(path) + ".new";
    create_file(fresh, path, record, shape);
    open_for_writing(fresh, false);
    lock = WriterLock(fresh);
    write_losses(0);
    flush();
    publish(fresh, calls.path());
  }

  // Takes the state from the file, whose committed batches alone count.
  void resume(int compression_level) {
    lock = WriterLock(calls.path());
    read_committed(CaptureReader(calls.path()));
    // A kill tears no index of chunks that have their places from the start. That of compressed
    // ones grows: HDF5 refuses such a file, and the remedy it names would spoil it.
    try {
      open_for_writing(calls.path(), compression_level == 0);
    } catch (const Error&) {
      if (compression_level == 0) throw;
      throw Error(
          fmt::format("[capture] {}: expected a compressed file that its writer closed, got "
                      "one whose writer was killed (--force starts anew)",
                      calls.path()));
    }
    read_losses();
  }

  void open_for_writing(const std::string& name, bool clear_marks) {
    const h5::Properties access = access_properties(calls, clear_marks);
    file = h5::File(calls(H5Fopen(name.c_str(), H5F_ACC_RDWR | H5F_ACC_SWMR_WRITE, access.get()),
                          "open the file for writing"));
  }

  void read_committed(const CaptureReader& found) {
    committed = found.committed_samples();
    committed_batches = static_cast<std::int64_t>(found.batch_samples().size());
    // Without a batch the ledger may be half written.
    if (committed > 0) ledger_rows = found.ledger().rows;
    for (std::int64_t index = 0; index < committed_batches; ++index) {
      if (const BatchRecord batch = found.batch(index); batch.statistics) {
        sums.add(*batch.statistics);
      }
    }
  }

  // The counters are written before the count of samples: those of the batch that was under way may
  // be among them, and it will count the same again.
  void read_losses() {
    std::vector<std::int64_t> stored(losses.values.size());
    h5::read_slab(calls, dataset(schema::path_of(schema::losses)), H5T_NATIVE_INT64, 0,
                  std::ssize(stored), -1, stored.data(), "read the counters");
    std::copy(stored.begin(), stored.end(), losses.values.begin());
    const std::int64_t uncommitted =
        std::exchange(losses[LossCounter::uncommitted_samples], std::int64_t{0});
    next_batch_counted = uncommitted != samples - committed;
  }

  // After a failed write HDF5 must not close the file: it would note a length that the disk could
  // not give, and the committed samples could no longer be opened.
  ~Impl() {
    h5::silence_errors();
    if (!broken) return;
    for (auto& [name, handle] : datasets) (void)handle.release();
    (void)file.release();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Before every use, each of which may be the first one of a thread. What a failed write left half
  // done must not be counted by a later one.
  void require_unbroken() const {
    h5::silence_errors();
    if (!broken) return;
    throw Error(
        fmt::format("[capture] {}: expected a file that can be written, got one after a "
                    "failed write ({} of {} samples are whole)",
                    calls.path(), committed, samples));
  }

  hid_t dataset(const std::string& name) {
    const auto found = datasets.find(name);
    if (found != datasets.end()) return found->second.get();
    const std::string doing = "open " + name;
    // Chunks are written whole: a chunk cache would only hold memory.
    const h5::Properties access(calls(H5Pcreate(H5P_DATASET_ACCESS), doing));
    calls(H5Pset_chunk_cache(access.get(), 0, 0, 0), doing);
    h5::DatasetHandle opened(calls(H5Dopen2(file.get(), name.c_str(), access.get()), doing));
    return datasets.emplace(name, std::move(opened)).first->second.get();
  }

  // Indices [first, first + count) of the leading dimension.
  template <typename T>
  void put(const std::string& name, std::int64_t first, std::int64_t count,
           const std::vector<T>& data) {
    h5::write_slab(calls, dataset(name), h5::native_type<T>(), first, count, data.data(),
                   "write " + name);
  }
  template <typename T>
  void put(const schema::Dataset& entry, std::int64_t first, std::int64_t count,
           const std::vector<T>& data) {
    put(schema::path_of(entry), first, count, data);
  }
  template <typename T>
  void put_all(const schema::Dataset& entry, const std::string& name, const NdArray<T>& array) {
    put(name, 0, shape.shape_of(entry).at(0), array.data);
  }

  void write_samples(const BatchRecord& batch, std::int64_t count) {
    put(schema::token_ids, committed, count, batch.token_ids.data);
    put(schema::label, committed, count, batch.labels);
    put(schema::seed, committed, count, batch.seeds);
    if (shape.has(schema::Part::preview)) {
      put(schema::preview, committed, count, batch.preview.data);
    }
    if (shape.has(schema::Part::scores)) {
      put(schema::predicted_class, committed, count, batch.predicted_classes);
    }
    if (shape.has(schema::Part::image_check)) {
      put(schema::nonfinite_image_values, committed, count, batch.nonfinite_image_values);
    }
  }

  void write_raw(const BatchRecord& batch, std::int64_t count) {
    const std::int64_t first = shape.kept_before(committed);
    const std::int64_t kept = shape.kept_before(committed + count) - first;
    if (kept == 0) return;
    for (const RawKv& layer : batch.raw) {
      const auto name = [&](KvTensor tensor) {
        return schema::path_of(schema::kv, layer.layer, tensor);
      };
      write_stored(name(KvTensor::key), layer.key, first, kept);
      write_stored(name(KvTensor::value), layer.value, first, kept);
      if (shape.has(schema::Part::queries)) {
        write_stored(schema::path_of(schema::query, layer.layer), layer.query, first, kept);
      }
    }
  }

  void write_stored(const std::string& name, const std::vector<std::byte>& bytes,
                    std::int64_t first, std::int64_t kept) {
    const hid_t target = dataset(name);
    // In the file's own type nothing is converted.
    const h5::Datatype type(calls(H5Dget_type(target), "open " + name));
    h5::write_slab(calls, target, type.get(), first, kept, bytes.data(), "write " + name);
  }

  void write_statistics(const BatchStatistics& batch, std::int64_t count) {
    if (shape.has(schema::Part::similarity)) {
      for (const KvTensor tensor : all_kv_tensors) {
        for (const Metric metric : all_metrics) {
          put(schema::path_of(schema::similarity_sum, metric, tensor), committed_batches, 1,
              batch.similarity_sum(metric, tensor).data);
          put(schema::path_of(schema::layer_statistic, metric, tensor), committed, count,
              batch.layer_statistic(metric, tensor).data);
        }
        put(schema::path_of(schema::norm_sum, tensor), committed_batches, 1,
            batch.norm_sum[static_cast<std::size_t>(tensor)].data);
      }
    }
    if (shape.has(schema::Part::mass)) {
      put(schema::mass_sum, committed_batches, 1, batch.mass_sum.data);
    }
    sums.add(batch);
    write_means(sums.means(tokens));
  }

  void write_means(const Statistics& means) {
    if (shape.has(schema::Part::similarity)) {
      for (const KvTensor tensor : all_kv_tensors) {
        for (const Metric metric : all_metrics) {
          put_all(schema::similarity, schema::path_of(schema::similarity, metric, tensor),
                  means.similarity(metric, tensor));
        }
        put_all(schema::norm, schema::path_of(schema::norm, tensor),
                means.norm[static_cast<std::size_t>(tensor)]);
      }
    }
    if (shape.has(schema::Part::mass)) {
      put_all(schema::mass, schema::path_of(schema::mass), means.mass);
      put_all(schema::density, schema::path_of(schema::density), means.density);
    }
  }

  void write_timing(const TimingRecord& timing) {
    put(schema::layer_ns, committed_batches, 1, timing.layer_ns.data);
    put(schema::model_ns, committed_batches, 1, timing.model_ns.data);
    put(schema::batch_ns, committed_batches, 1, timing.batch_ns.data);
  }

  // Every full batch has the same ledger; a smaller last one must not replace it.
  void write_ledger(const LedgerRecord& ledger) {
    if (ledger.rows <= ledger_rows) return;
    ledger_rows = ledger.rows;
    put_all(schema::logical_bytes, schema::path_of(schema::logical_bytes), ledger.logical_bytes);
    put_all(schema::resident_bytes, schema::path_of(schema::resident_bytes), ledger.resident_bytes);
    put_all(schema::transient_bytes, schema::path_of(schema::transient_bytes),
            ledger.transient_bytes);
    put_all(schema::shared_bytes, schema::path_of(schema::shared_bytes), ledger.shared_bytes);
    const hid_t owner = dataset(schema::path_of(schema::logical_bytes));
    h5::write_integer(calls, owner, schema::rows, ledger.rows);
    h5::write_integer(calls, owner, schema::key_element_bytes, ledger.key_element_bytes);
    h5::write_integer(calls, owner, schema::value_element_bytes, ledger.value_element_bytes);
  }

  void write_losses(std::int64_t committed_after) {
    LossCounts counts = losses;
    counts[LossCounter::uncommitted_samples] = samples - committed_after;
    put(schema::losses, 0, static_cast<std::int64_t>(counts.values.size()),
        std::vector<std::int64_t>(counts.values.begin(), counts.values.end()));
  }

  void flush() { calls(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "flush the file"); }

  // Only after everything else has left the process: whoever sees the count finds the data.
  void publish_count(std::int64_t count) {
    flush();
    const std::string name = schema::path_of(schema::committed_samples);
    calls(H5Dwrite(dataset(name), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &count),
          "write " + name);
    flush();
  }

  void write_batch(const BatchRecord& batch, std::int64_t count) {
    write_samples(batch, count);
    if (shape.has(schema::Part::raw)) write_raw(batch, count);
    if (batch.statistics) write_statistics(*batch.statistics, count);
    if (batch.timing) write_timing(*batch.timing);
    write_ledger(batch.ledger);
    put(schema::process_peak_rss_bytes, committed_batches, 1,
        std::vector<std::int64_t>{batch.memory.process_peak_rss_bytes});
    put(schema::allocator_peak_bytes, committed_batches, 1,
        std::vector<std::int64_t>{batch.memory.allocator_peak_bytes});
    put(schema::batch_samples, committed_batches, 1, std::vector<std::int64_t>{count});
    if (!std::exchange(next_batch_counted, false)) losses += batch.losses;
    write_losses(committed + count);
    publish_count(committed + count);
  }

  void write_estimate(const schema::Dataset& entry, const Estimate& estimate) {
    put(entry, 0, 3, std::vector<double>{estimate.value, estimate.low, estimate.high});
  }

  // What fails, fails in the flush: HDF5 can still let go of the file without a write then.
  void close() {
    h5::write_integer(calls, file.get(), schema::complete, 1);
    flush();
    datasets.clear();
    calls(H5Fclose(file.release()), "close the file");
  }

  IgnoreFileSizeSignal signal;
  std::string path;
  h5::Calls calls;
  FileShape shape;
  std::vector<std::int64_t> tokens;
  std::int64_t samples;
  std::int64_t batches;
  std::int64_t stored_bytes;
  h5::File file;
  std::map<std::string, h5::DatasetHandle> datasets;  // closed before the file
  WriterLock lock;
  StatisticsSums sums;
  LossCounts losses;
  bool next_batch_counted = false;  // in `losses`, by a writer that was killed in it
  bool broken = false;              // a write failed
  std::int64_t ledger_rows = 0;
  std::int64_t committed = 0;
  std::int64_t committed_batches = 0;
};

CaptureWriter::CaptureWriter(const std::string& path, const RunRecord& record,
                             const FileLayout& layout, bool force)
    : impl_(std::make_unique<Impl>(check_target(path, force), record, layout)) {
  impl_->create(record);
}

CaptureWriter::CaptureWriter(const std::string& path, const RunRecord& record,
                             const FileLayout& layout, Resume /*resume*/)
    : impl_(std::make_unique<Impl>(link_target(path), record, layout)) {
  impl_->resume(deflate_level(record.settings.compression));
}

CaptureWriter::~CaptureWriter() = default;

void CaptureWriter::commit(const BatchRecord& batch) {
  Impl& file = *impl_;
  file.require_unbroken();
  const auto count = static_cast<std::int64_t>(batch.labels.size());
  if (count < 1 || file.committed + count > file.samples ||
      file.committed_batches >= file.batches) {
    throw Error(fmt::format("[capture] {}: expected {} samples in {} batches, got more or none",
                            file.calls.path(), file.samples, file.batches));
  }
  check_batch(batch, {.first = file.committed, .count = count}, file.shape, file.stored_bytes,
              file.calls.path());
  try {
    file.write_batch(batch, count);
  } catch (...) {
    file.broken = true;
    throw;
  }
  file.committed += count;
  ++file.committed_batches;
}

void CaptureWriter::write_scores(const Estimate& class_accuracy,
                                 const Estimate& demo_frechet_distance) {
  Impl& file = *impl_;
  file.require_unbroken();
  if (!file.shape.has(schema::Part::scores)) {
    throw Error(fmt::format("[capture] {}: expected a file with scores, got one without",
                            file.calls.path()));
  }
  try {
    file.write_estimate(schema::class_accuracy, class_accuracy);
    file.write_estimate(schema::demo_frechet_distance, demo_frechet_distance);
  } catch (...) {
    file.broken = true;
    throw;
  }
}

void CaptureWriter::finish() {
  Impl& file = *impl_;
  file.require_unbroken();
  if (file.committed != file.samples) {
    throw Error(fmt::format("[capture] {}: expected {} samples in a finished file, got {}",
                            file.calls.path(), file.samples, file.committed));
  }
  try {
    file.close();
    publish(file.calls.path(), file.path);
  } catch (...) {
    file.broken = true;
    throw;
  }
}

std::int64_t CaptureWriter::committed_batches() const { return impl_->committed_batches; }
std::int64_t CaptureWriter::committed_samples() const { return impl_->committed; }

const std::string& CaptureWriter::path() const { return impl_->path; }

}  // namespace kvscope
