#include "core/trace/trace_file.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/capture/written_file.h"

namespace kvscope::trace {
namespace {

std::string fresh_path(const std::string& path) { return path + ".new"; }

h5::Properties access_properties(const h5::Calls& calls) {
  constexpr std::string_view doing = "set up the file";
  h5::Properties access = writing_access(calls, false);
  // Values go straight to the file, in the order of the calls.
  calls(H5Pset_sieve_buf_size(access.get(), 0), doing);
  // No value lies across two pages, of which a kill might leave one unwritten.
  calls(H5Pset_alignment(access.get(), 1, 8), doing);
  return access;
}

// Under a name nobody reads: a file killed before SWMR mode begins could not be opened.
void create_file(const h5::Calls& calls, const std::string& path, const std::string& capture_id,
                 const Extent& room) {
  try {
    const h5::Properties access = access_properties(calls);
    h5::File file(calls(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()),
                        "create the file"));
    create_objects(calls, file.get(), capture_id, room);
    calls(H5Fclose(file.release()), "write the file");
  } catch (...) {
    std::remove(path.c_str());
    throw;
  }
}

}  // namespace

TraceFile::TraceFile(const std::string& path, const std::string& capture_id, const Extent& room)
    : calls_(path, ErrorKind::failure, "trace"), room_(room) {
  const std::string fresh = fresh_path(path);
  create_file(calls_, fresh, capture_id, room);
  const h5::Properties access = access_properties(calls_);
  file_ = h5::File(calls_(H5Fopen(fresh.c_str(), H5F_ACC_RDWR | H5F_ACC_SWMR_WRITE, access.get()),
                          "open the file for writing"));
  lock_ = WriterLock(fresh);
}

TraceFile::~TraceFile() { h5::silence_errors(); }

hid_t TraceFile::dataset(const std::string& path) {
  const auto found = datasets_.find(path);
  if (found != datasets_.end()) return found->second.get();
  h5::DatasetHandle opened(
      calls_(H5Dopen2(file_.get(), path.c_str(), H5P_DEFAULT), "open " + path));
  return datasets_.emplace(path, std::move(opened)).first->second.get();
}

void TraceFile::put(const std::string& path, hid_t memory_type, std::int64_t first,
                    std::int64_t count, const void* values) {
  h5::write_slab(calls_, dataset(path), memory_type, first, count, values, "write " + path);
}

void TraceFile::copy(TraceFile& from, const Extent& held) {
  std::vector<std::byte> buffer(std::size_t{1} << 20U);
  for (const Growing& entry : growing_datasets(held)) {
    const auto most = static_cast<std::int64_t>(buffer.size() / entry.bytes);
    for (std::int64_t first = 0; first < entry.length; first += most) {
      const std::int64_t count = std::min(most, entry.length - first);
      h5::read_slab(calls_, from.dataset(entry.path), entry.memory, first, count, -1, buffer.data(),
                    "read " + entry.path);
      put(entry.path, entry.memory, first, count, buffer.data());
    }
  }
}

void TraceFile::flush() { calls_(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), "flush the file"); }

void TraceFile::publish_counts(const Extent& committed) {
  flush();
  std::vector<std::int64_t> counts = {committed.texts};
  counts.insert(counts.end(), committed.rows.begin(), committed.rows.end());
  const std::vector<std::string> paths = count_paths();
  for (std::size_t i = 0; i < paths.size(); ++i) {
    calls_(H5Dwrite(dataset(paths[i]), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &counts[i]),
           "write " + paths[i]);
  }
  flush();
}

void TraceFile::mark_complete() { h5::write_integer(calls_, file_.get(), complete_attribute, 1); }

void TraceFile::publish() {
  if (std::rename(fresh_path(calls_.path()).c_str(), calls_.path().c_str()) == 0) return;
  throw Error(fmt::format("[trace] {}: expected to take its name, got {}", calls_.path(),
                          std::strerror(errno)));
}

void TraceFile::close() {
  h5::silence_errors();
  // What fails, fails in the flush: HDF5 can still let go of the file without a write then.
  flush();
  datasets_.clear();
  calls_(H5Fclose(file_.release()), "close the file");
  lock_ = WriterLock();
}

void TraceFile::abandon() {
  for (auto& [path, handle] : datasets_) (void)handle.release();
  datasets_.clear();
  (void)file_.release();
}

void TraceFile::discard() {
  abandon();
  std::remove(fresh_path(calls_.path()).c_str());
}

}  // namespace kvscope::trace
