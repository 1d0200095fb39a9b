#pragma once

#include <cstdint>
#include <string>

#include "core/base/nd_array.h"
#include "core/capture/open_capture.h"
#include "core/capture/schema.h"

namespace kvscope {

/// Where the parts of a file find a committed batch.
class BatchReader {
 public:
  BatchReader(const OpenCapture& file, std::int64_t index) : file_(file), index_(index) {}

  const OpenCapture& file() const { return file_; }
  std::int64_t samples() const {
    return file_.batch_samples().at(static_cast<std::size_t>(index_));
  }

  /// One index for every sample of the batch.
  template <typename T>
  NdArray<T> rows(const schema::Dataset& entry, const std::string& name) const {
    return file_.rows<T>(entry, name, file_.batch_begins().at(static_cast<std::size_t>(index_)),
                         samples());
  }
  template <typename T>
  NdArray<T> rows(const schema::Dataset& entry) const {
    return rows<T>(entry, schema::path_of(entry));
  }
  /// The batch's index of the batch dimension, which the result no longer has but where it was the
  /// only one.
  template <typename T>
  NdArray<T> item(const schema::Dataset& entry, const std::string& name) const {
    NdArray<T> array = file_.rows<T>(entry, name, index_, 1);
    if (array.shape.size() > 1) array.shape.erase(array.shape.begin());
    return array;
  }
  template <typename T>
  NdArray<T> item(const schema::Dataset& entry) const {
    return item<T>(entry, schema::path_of(entry));
  }

 private:
  const OpenCapture& file_;
  std::int64_t index_;
};

}  // namespace kvscope
