#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/capture/h5.h"
#include "core/capture/writer_lock.h"
#include "core/trace/trace_objects.h"

namespace kvscope::trace {

/// A trace open for writing, of one room. Nobody reads it until publish() gives it its name.
class TraceFile {
 public:
  /// Creates the file `path`.new with that room, and enters SWMR mode. Errors name `path`.
  TraceFile(const std::string& path, const std::string& capture_id, const Extent& room);
  TraceFile(TraceFile&&) = default;
  TraceFile& operator=(TraceFile&&) = default;
  ~TraceFile();

  const h5::Calls& calls() const { return calls_; }
  const Extent& room() const { return room_; }

  /// Values [first, first + count) of a growing dataset.
  void put(const std::string& path, hid_t memory_type, std::int64_t first, std::int64_t count,
           const void* values);

  /// Copies what `from` holds, the first values of every dataset. Memory: 1 MiB.
  void copy(TraceFile& from, const Extent& held);

  /// Writes the counts after all else has left the process: whoever sees them finds the rows.
  void publish_counts(const Extent& committed);
  void mark_complete();

  /// Gives the file its name `path`, in place of what has it.
  void publish();

  /// Throws Error when the system could not take all that was written.
  void close();
  /// After a failed write HDF5 must not close the file: it would note a length that the disk could
  /// not give, and the committed rows could no longer be opened.
  void abandon();
  /// The same for a file that has no name yet, and goes away.
  void discard();

 private:
  hid_t dataset(const std::string& path);
  void flush();

  h5::Calls calls_;
  Extent room_;
  WriterLock lock_;
  h5::File file_;
  std::map<std::string, h5::DatasetHandle> datasets_;  // closed before the file
};

}  // namespace kvscope::trace
