#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/nd_array.h"
#include "core/capture/file_shape.h"
#include "core/capture/schema.h"
#include "core/record/batch_record.h"

namespace kvscope {

/// Where a batch goes: how many samples and batches the file holds already, how many samples the
/// batch adds.
struct BatchPlace {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t batch = 0;
};

/// What the parts of a file demand of a batch. Every check throws Error with the path of the file.
class BatchCheck {
 public:
  /// Refers to `place`, `shape` and `path`.
  BatchCheck(const BatchPlace& place, const FileShape& shape, const std::string& path)
      : place_(place), shape_(shape), path_(path) {}

  const FileShape& shape() const { return shape_; }
  const BatchPlace& place() const { return place_; }
  /// Samples of the batch that /kv keeps.
  std::int64_t kept_samples() const { return shape_.kept_in(place_.first, place_.count); }

  [[noreturn]] void refuse(const std::string& expected, const std::string& got) const;

  /// That the batch has `what` where the file does.
  void part(bool found, bool expected, std::string_view what) const;
  void elements(std::int64_t found, std::int64_t expected, const std::string& name) const;
  void bytes(const std::vector<std::byte>& found, std::int64_t expected,
             const std::string& name) const;

  /// An array of the dataset's shape, with one index for every sample of the batch.
  template <typename T>
  void rows(const NdArray<T>& array, const schema::Dataset& entry) const {
    std::vector<std::int64_t> expected = shape_.shape_of(entry);
    expected.at(0) = place_.count;
    shape_is(array, expected, entry);
  }
  /// One value for every sample of the batch.
  template <typename T>
  void row_values(const std::vector<T>& values, const schema::Dataset& entry) const {
    elements(static_cast<std::int64_t>(values.size()), place_.count, schema::path_of(entry));
  }
  /// The batch's index of the batch dimension, which the array itself does not have.
  template <typename T>
  void item(const NdArray<T>& array, const schema::Dataset& entry) const {
    std::vector<std::int64_t> expected = shape_.shape_of(entry);
    expected.erase(expected.begin());
    shape_is(array, expected, entry);
  }
  template <typename T>
  void whole(const NdArray<T>& array, const schema::Dataset& entry) const {
    shape_is(array, shape_.shape_of(entry), entry);
  }

 private:
  template <typename T>
  void shape_is(const NdArray<T>& array, const std::vector<std::int64_t>& expected,
                const schema::Dataset& entry) const {
    shape_is(array.shape, static_cast<std::int64_t>(array.data.size()), expected, entry);
  }
  void shape_is(const std::vector<std::int64_t>& found, std::int64_t found_elements,
                const std::vector<std::int64_t>& expected, const schema::Dataset& entry) const;

  const BatchPlace& place_;
  const FileShape& shape_;
  const std::string& path_;
};

/// Throws Error unless the batch has exactly the parts of the file, each in its shape: a batch that
/// passes can be written as a whole. `path` is only named in errors.
void check_batch(const BatchRecord& batch, const BatchPlace& place, const FileShape& shape,
                 const std::string& path);

}  // namespace kvscope
