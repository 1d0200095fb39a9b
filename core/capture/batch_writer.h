#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/nd_array.h"
#include "core/capture/batch_check.h"
#include "core/capture/file_shape.h"
#include "core/capture/schema.h"
#include "core/capture/written_file.h"
#include "core/record/statistics.h"

namespace kvscope {

/// Where the parts of a file put a batch that was checked.
class BatchWriter {
 public:
  /// What a batch becomes part of.
  struct SoFar {
    Statistics means;              ///< of the samples up to this batch, in a file with statistics
    std::int64_t ledger_rows = 0;  ///< of the largest batch before
  };

  /// Refers to all of these.
  BatchWriter(WrittenFile& file, const FileShape& shape, const BatchPlace& place,
              const SoFar& so_far)
      : file_(file), shape_(shape), place_(place), so_far_(so_far) {}

  const Statistics& means() const { return so_far_.means; }
  std::int64_t earlier_ledger_rows() const { return so_far_.ledger_rows; }

  /// One index for every sample of the batch.
  template <typename T>
  void rows(const std::string& name, const std::vector<T>& data) const {
    file_.put(name, place_.first, place_.count, data);
  }
  template <typename T>
  void rows(const schema::Dataset& entry, const std::vector<T>& data) const {
    rows(schema::path_of(entry), data);
  }
  /// The batch's index of the batch dimension.
  template <typename T>
  void item(const std::string& name, const std::vector<T>& data) const {
    file_.put(name, place_.batch, 1, data);
  }
  template <typename T>
  void item(const schema::Dataset& entry, const std::vector<T>& data) const {
    item(schema::path_of(entry), data);
  }
  /// The whole dataset, anew.
  template <typename T>
  void whole(const std::string& name, const NdArray<T>& array) const {
    file_.put(name, 0, array.shape.at(0), array.data);
  }
  template <typename T>
  void whole(const schema::Dataset& entry, const NdArray<T>& array) const {
    whole(schema::path_of(entry), array);
  }
  /// Samples of the batch that /kv keeps, and their stored values.
  std::int64_t kept_samples() const { return shape_.kept_in(place_.first, place_.count); }
  void kept(const std::string& name, const std::vector<std::byte>& bytes) const {
    file_.put_stored(name, shape_.kept_before(place_.first), kept_samples(), bytes);
  }
  void attribute(const schema::Dataset& owner, const std::string& name, std::int64_t value) const {
    h5::write_integer(file_.calls(), file_.dataset(schema::path_of(owner)), name, value);
  }

 private:
  WrittenFile& file_;
  const FileShape& shape_;
  const BatchPlace& place_;
  const SoFar& so_far_;
};

}  // namespace kvscope
