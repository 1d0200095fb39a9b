#include "core/capture/capture_writer.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/capture/batch_check.h"
#include "core/capture/batch_writer.h"
#include "core/capture/capture_reader.h"
#include "core/capture/commit_counts.h"
#include "core/capture/file_objects.h"
#include "core/capture/file_shape.h"
#include "core/capture/h5.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/parts/scores.h"
#include "core/capture/schema.h"
#include "core/capture/writer_lock.h"
#include "core/capture/written_file.h"

namespace kvscope {
namespace {

// Writes every object of the file `name` under a name nobody reads, so that what is called .partial
// can always be opened: a file killed before SWMR mode begins could not.
void create_file(const std::string& path, const std::string& name, const RunRecord& record,
                 const FileShape& shape) {
  const h5::Calls calls(name, ErrorKind::failure);
  try {
    const h5::Properties access = writing_access(calls, false);
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
        file(partial_path(path)),
        shape(record, layout),
        counts(record.settings.samples, layout.batches),
        tokens(record.model.schedule().tokens_by_scale()) {}

  void create(const RunRecord& record) {
    // With `force` too: an unfinished file that is at work is nobody's to replace.
    const WriterLock nobody_writes(file.path());
    const std::string fresh = partial_path(path) + ".new";
    create_file(fresh, path, record, shape);
    file.open(fresh, false);
    lock = WriterLock(fresh);
    counts.begin(file);
    file.flush();
    publish(fresh, file.path());
  }

  // Takes the state from the file, whose committed batches alone count.
  void resume(int compression_level) {
    lock = WriterLock(file.path());
    restore(CaptureReader(file.path()));
    // A kill tears no index of chunks that have their places from the start. That of compressed
    // ones grows: HDF5 refuses such a file, and the remedy it names would spoil it.
    try {
      file.open(file.path(), compression_level == 0);
    } catch (const Error&) {
      if (compression_level == 0) throw;
      throw Error(
          fmt::format("[capture] {}: expected a compressed file that its writer closed, got "
                      "one whose writer was killed (--force starts anew)",
                      file.path()));
    }
    counts.restore_losses(file);
  }

  void restore(const CaptureReader& found) {
    counts.restore(found);
    // Without a batch the ledger may be half written.
    if (counts.samples() > 0) ledger_rows = found.ledger().rows;
    if (!shape.layout().has_statistics()) return;
    for (std::int64_t index = 0; index < counts.batches(); ++index) {
      sums.add(*found.batch(index, {.parts = {Part::similarity, Part::mass}}).statistics);
    }
  }

  // Before every use, each of which may be the first one of a thread. What a failed write left half
  // done must not be counted by a later one.
  void require_unbroken() const {
    h5::silence_errors();
    if (!file.is_broken()) return;
    throw Error(
        fmt::format("[capture] {}: expected a file that can be written, got one after a "
                    "failed write ({} of {} samples are whole)",
                    file.path(), counts.samples(), counts.room()));
  }

  void write(const BatchRecord& batch, const BatchPlace& place) {
    BatchWriter::SoFar so_far{.means = {}, .ledger_rows = ledger_rows};
    if (batch.statistics) {
      sums.add(*batch.statistics);
      so_far.means = sums.means(tokens);
    }
    const BatchWriter out(file, shape, place, so_far);
    for (const PartRow* row : part_rows()) {
      if (shape.has(row->part)) row->write(out, batch);
    }
    ledger_rows = std::max(ledger_rows, batch.ledger.rows);
    counts.publish(file, place, batch.losses);
  }

  IgnoreFileSizeSignal signal;
  std::string path;
  WrittenFile file;
  FileShape shape;
  WriterLock lock;
  CommitCounts counts;
  StatisticsSums sums;               // of the committed samples
  std::vector<std::int64_t> tokens;  // of each scale
  std::int64_t ledger_rows = 0;      // of the largest committed batch
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
  Impl& impl = *impl_;
  impl.require_unbroken();
  const std::int64_t count = std::ssize(batch.labels);
  if (!impl.counts.has_room_for(count)) {
    throw Error(fmt::format("[capture] {}: expected {} samples in {} batches, got more or none",
                            impl.file.path(), impl.counts.room(), impl.shape.layout().batches));
  }
  const BatchPlace place = impl.counts.place_of(count);
  check_batch(batch, place, impl.shape, impl.file.path());
  impl.file.attempt([&] { impl.write(batch, place); });
}

void CaptureWriter::write_scores(const Estimate& class_accuracy,
                                 const Estimate& demo_frechet_distance) {
  Impl& impl = *impl_;
  impl.require_unbroken();
  if (!impl.shape.has(Part::scores)) {
    throw Error(fmt::format("[capture] {}: expected a file with scores, got one without",
                            impl.file.path()));
  }
  impl.file.attempt([&] { write_estimates(impl.file, class_accuracy, demo_frechet_distance); });
}

void CaptureWriter::finish() {
  Impl& impl = *impl_;
  impl.require_unbroken();
  if (!impl.counts.is_full()) {
    throw Error(fmt::format("[capture] {}: expected {} samples in a finished file, got {}",
                            impl.file.path(), impl.counts.room(), impl.counts.samples()));
  }
  impl.file.attempt([&] {
    impl.file.put_attribute(schema::complete, 1);
    impl.file.close();
    publish(impl.file.path(), impl.path);
  });
}

std::int64_t CaptureWriter::committed_batches() const { return impl_->counts.batches(); }
std::int64_t CaptureWriter::committed_samples() const { return impl_->counts.samples(); }

const std::string& CaptureWriter::path() const { return impl_->path; }

}  // namespace kvscope
