#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/capture/h5.h"

namespace kvscope {

/// An HDF5 file open for SWMR writing, with the datasets that were written to. A failed write is
/// the last one: afterwards HDF5 may not even close the file, because it would note a length that
/// the disk could not give, and what was whole in it could no longer be opened. Then the handles
/// are let go of. Not thread-safe.
class WrittenFile {
 public:
  /// `path` is the name in errors.
  explicit WrittenFile(const std::string& path) : calls_(path, ErrorKind::failure) {}
  ~WrittenFile();
  WrittenFile(const WrittenFile&) = delete;
  WrittenFile& operator=(const WrittenFile&) = delete;

  /// Opens the file called `name` by now. `clear_marks` takes away what a killed writer left there.
  void open(const std::string& name, bool clear_marks);

  const h5::Calls& calls() const { return calls_; }
  const std::string& path() const { return calls_.path(); }

  /// Runs a step of writing, after whose failure the file is broken.
  template <typename Step>
  void attempt(Step step) {
    try {
      step();
    } catch (...) {
      broken_ = true;
      throw;
    }
  }
  bool is_broken() const { return broken_; }

  hid_t dataset(const std::string& name);

  /// Indices [first, first + count) of the leading dimension.
  template <typename T>
  void put(const std::string& name, std::int64_t first, std::int64_t count,
           const std::vector<T>& data) {
    h5::write_slab(calls_, dataset(name), h5::native_type<T>(), first, count, data.data(),
                   "write " + name);
  }
  /// The same in the type of the dataset itself, where HDF5 converts nothing.
  void put_stored(const std::string& name, std::int64_t first, std::int64_t count,
                  const std::vector<std::byte>& bytes);
  /// A dataset without dimensions.
  void put_scalar(const std::string& name, std::int64_t value);
  /// An attribute of the root.
  void put_attribute(const std::string& name, std::int64_t value);

  void flush();
  void close();

 private:
  h5::Calls calls_;
  h5::File file_;
  std::map<std::string, h5::DatasetHandle> datasets_;  // closed before the file
  bool broken_ = false;
};

/// Properties under which a file is created or opened for writing.
h5::Properties writing_access(const h5::Calls& calls, bool clear_marks);

}  // namespace kvscope
