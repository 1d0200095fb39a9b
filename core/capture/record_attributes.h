#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/capture/file_layout.h"
#include "core/capture/file_shape.h"
#include "core/capture/h5.h"
#include "core/record/run_record.h"

namespace kvscope {

/// Writes the record as the root attributes of schema::attributes, with complete = 0.
void create_record(const h5::Calls& calls, hid_t file, const RunRecord& record,
                   const FileShape& shape);

/// Names of what a newer version wrote and this one leaves out.
struct Skipped {
  std::vector<std::string> parts;
  std::vector<std::string> settings;
  bool empty() const { return parts.empty() && settings.empty(); }
};

/// What the root attributes say.
struct FileHead {
  int minor = 0;  ///< version of the format that wrote the file: 1.minor
  RunRecord record;
  std::set<Part> parts;  ///< that this build knows
  Skipped skipped;
};

/// Throws BadInput when the file is no kvscope file, of another major version, holds a part that a
/// reader must know and this build does not, or when an attribute is missing or wrong.
FileHead read_head(const h5::Calls& calls, hid_t file);

}  // namespace kvscope
