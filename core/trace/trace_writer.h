#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/trace/schema.h"

namespace kvscope {

/// Writes the trace of a capture: rows of trace::tables() in any number. They go to the unfinished
/// file of `path`; publish_trace gives it its name. One thread owns a writer; producers hand rows
/// to it through a queue. HDF5 takes one call of the process at a time: one that is built
/// thread-safe, as Debian's, makes others wait; with any other the same thread writes the capture.
/// Memory: 8 MiB and the distinct texts, whatever the number of rows. The file is sparse, up to
/// twice as long as what it holds. While a writer lives SIGXFSZ is ignored.
class TraceWriter {
 public:
  /// `path` is the trace's own, see trace_path. Throws Error when it or its unfinished file exists
  /// and `force` is not set, when another process writes it, or when the folder cannot be written.
  TraceWriter(const std::string& path, const std::string& capture_id, bool force);
  /// Says that the run of an unfinished capture goes on.
  struct Resume {
    std::int64_t batches;  ///< that the capture holds
  };
  /// Goes on with the unfinished trace, whatever ended its writer, or begins one where none is.
  /// Rows of later batches than the capture holds are left out: the run makes them again. Throws
  /// BadInput when it cannot be read or is of another capture.
  TraceWriter(const std::string& path, const std::string& capture_id, Resume resume);
  /// Closes the file: it keeps what was committed.
  ~TraceWriter();
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  /// The index of a text in the string table, which takes it in once.
  trace::TextId text(std::string_view text);

  /// Takes a row; it is whole in the file after the next commit(). Throws Error when a write fails
  /// (a full disk), after which the writer takes no more rows, as text() and commit() do.
  template <typename Row>
  void append(const Row& row) {
    append(trace::table_of<Row>(), &row);
  }

  /// Notes, as a row of `losses`, rows that `table` lacks.
  void lose(const trace::Table& table, trace::LossReason reason, std::int64_t rows,
            std::int64_t time_ns);

  /// Writes all rows and flushes: afterwards they survive the death of the process.
  void commit();

  /// Commits, and closes the file as a complete one of no more room than it needs; it keeps its
  /// unfinished name. The last call.
  void finish();

  std::int64_t committed_rows(const trace::Table& table) const;

 private:
  void append(const trace::Table& table, const void* row);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kvscope
