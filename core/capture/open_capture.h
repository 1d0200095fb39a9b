#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/nd_array.h"
#include "core/capture/file_shape.h"
#include "core/capture/h5.h"
#include "core/capture/record_attributes.h"
#include "core/capture/schema.h"
#include "core/record/run_record.h"

namespace kvscope {

/// A capture open for reading that was found to be whole: every dataset which its record promises
/// is there, of the right shape and type, and the committed samples are whole batches. What only a
/// newer version knows is left out, and said once for each file.
class OpenCapture {
 public:
  /// Throws BadInput, see CaptureReader.
  explicit OpenCapture(std::string path);

  const h5::Calls& calls() const { return calls_; }
  hid_t file() const { return file_.get(); }
  const RunRecord& record() const { return head_.record; }
  const FileShape& shape() const { return shape_; }
  bool complete() const { return complete_; }
  std::int64_t committed_samples() const { return committed_; }

  /// Of the committed batches: samples, and position of the first one.
  const std::vector<std::int64_t>& batch_samples() const { return batch_samples_; }
  const std::vector<std::int64_t>& batch_begins() const { return batch_begins_; }

  /// Handles stay open, so that reading in small pieces costs no look-up. Throws BadInput when the
  /// file has no such dataset.
  hid_t dataset(const std::string& name) const;
  /// Whether a dataset is there that older versions did not write.
  bool has(const std::string& name) const { return datasets_.contains(name); }

  /// Words of a text attribute of a dataset; none where an older version did not write it.
  std::vector<std::string> words(const std::string& name, const std::string& attribute) const;

  /// Indices [first, first + count) of the leading dimension.
  template <typename T>
  NdArray<T> rows(const schema::Dataset& entry, const std::string& name, std::int64_t first,
                  std::int64_t count) const {
    std::vector<std::int64_t> extent = shape_.shape_of(entry);
    extent.at(0) = count;
    NdArray<T> array(std::move(extent));
    h5::read_slab(calls_, dataset(name), h5::native_type<T>(), first, count, -1, array.data.data(),
                  "read " + name);
    return array;
  }
  /// The whole dataset.
  template <typename T>
  NdArray<T> all(const schema::Dataset& entry, const std::string& name) const {
    return rows<T>(entry, name, 0, shape_.shape_of(entry).at(0));
  }
  template <typename T>
  NdArray<T> all(const schema::Dataset& entry) const {
    return all<T>(entry, schema::path_of(entry));
  }
  /// Of every committed sample, or batch.
  template <typename T>
  NdArray<T> sample_rows(const schema::Dataset& entry) const {
    return rows<T>(entry, schema::path_of(entry), 0, committed_);
  }
  template <typename T>
  NdArray<T> batch_rows(const schema::Dataset& entry) const {
    return rows<T>(entry, schema::path_of(entry), 0,
                   static_cast<std::int64_t>(batch_samples_.size()));
  }

 private:
  void open_dataset(const schema::Dataset& entry, const std::string& name);
  void read_committed();
  void read_batch_samples();
  [[noreturn]] void refuse_batches(const std::string& got) const;

  h5::Calls calls_;
  h5::File file_;
  std::map<std::string, h5::DatasetHandle> datasets_;  // closed before the file
  FileHead head_;
  FileShape shape_;
  bool complete_ = false;
  std::int64_t committed_ = 0;
  std::vector<std::int64_t> batch_samples_;
  std::vector<std::int64_t> batch_begins_;
};

}  // namespace kvscope
