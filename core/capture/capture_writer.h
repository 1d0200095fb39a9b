#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/capture/file_layout.h"
#include "core/record/batch_record.h"
#include "core/record/estimate.h"
#include "core/record/run_record.h"

namespace kvscope {

/// Writes a capture. Data goes to `path`.partial; finish() renames it. A file of an earlier run
/// stays until then, even with `force`. Not thread-safe: one thread owns a writer. While it lives
/// SIGXFSZ is ignored, so that a file size limit is an error and not the end of the process.
class CaptureWriter {
 public:
  /// Creates every object and enters SWMR mode. Throws Error when `path` exists and `force` is not
  /// set, or when the folder cannot be written.
  CaptureWriter(const std::string& path, const RunRecord& record, const FileLayout& layout,
                bool force);
  /// Says that a writer goes on with the unfinished file that is there.
  struct Resume {};
  /// Goes on with `path`.partial behind its committed batches, whatever ended its writer, but with
  /// compression only one that closed it. `record` must be the file's (see different_job). Throws
  /// Error when another process writes it, BadInput when it cannot be read.
  CaptureWriter(const std::string& path, const RunRecord& record, const FileLayout& layout,
                Resume resume);
  /// Closes without renaming when finish() was not called: the partial file keeps what was
  /// committed.
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  /// Appends a batch and flushes: afterwards it survives the death of the process. Throws Error
  /// with the path: when the batch does not fit the layout, with the file left as it was; when a
  /// write fails (a full disk), after which the writer takes no more batches.
  void commit(const BatchRecord& batch);

  /// Writes the figures of all samples, before finish(). Throws Error as commit() does.
  void write_scores(const Estimate& class_accuracy, const Estimate& demo_frechet_distance);

  /// Marks the file complete and gives it its final name. Throws Error, and leaves the partial file
  /// readable, when samples of the record are missing or a write failed, now or before.
  void finish();

  /// What the file holds by now.
  std::int64_t committed_batches() const;
  std::int64_t committed_samples() const;

  /// The file itself, where the path it was made with is a link.
  const std::string& path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kvscope
