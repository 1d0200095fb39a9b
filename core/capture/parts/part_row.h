#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/capture/batch_check.h"
#include "core/capture/batch_reader.h"
#include "core/capture/batch_writer.h"
#include "core/capture/file_layout.h"
#include "core/capture/h5.h"
#include "core/capture/schema.h"
#include "core/record/batch_record.h"

namespace kvscope {

/// A dimension that only one part has.
struct PartDimension {
  schema::Dimension dimension;
  std::int64_t (*length)(const FileLayout& layout);
  /// Its coordinates where they are names; without it they count from 0.
  std::vector<std::string> (*names)(const FileLayout& layout) = nullptr;
};

/// All that is known of a part of a file. A new part is a value of Part, a row, and its line in
/// part_rows.cpp.
struct PartRow {
  Part part;
  std::string_view name;  ///< in `contents` or `optional_contents`
  int since = 0;          ///< minor version
  /// Whether a reader that does not know the part may leave it out, because nothing else in the
  /// file has another meaning without it.
  bool optional = false;
  std::span<const schema::Dataset> datasets;
  std::span<const PartDimension> dimensions = {};
  /// Takes what a layout holds of the part beside its presence; null: nothing.
  void (*read_layout)(const h5::Calls& calls, hid_t file, FileLayout& layout) = nullptr;
  /// Whether the batch has the part. Null where a batch may have what its file leaves out.
  bool (*is_in)(const BatchRecord& batch) = nullptr;
  /// Throws Error where the batch does not fit the file, which has the part.
  void (*check)(const BatchCheck& check, const BatchRecord& batch);
  void (*write)(const BatchWriter& out, const BatchRecord& batch);
  /// Null where it is not read by the batch.
  void (*read)(const BatchReader& in, BatchRecord& batch) = nullptr;
};

/// One row for each part, in the order of Part.
std::span<const PartRow* const> part_rows();

inline const PartRow& row_of(Part part) { return *part_rows()[static_cast<std::size_t>(part)]; }

}  // namespace kvscope
