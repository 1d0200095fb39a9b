#pragma once

#include <string>

#include "core/capture/file_shape.h"
#include "core/capture/h5.h"
#include "core/record/run_record.h"

namespace kvscope {

/// Writes the record as the root attributes of schema::attributes, with complete = 0.
void create_record(const h5::Calls& calls, hid_t file, const RunRecord& record,
                   const FileShape& shape);

/// Throws BadInput when the file is no kvscope file, of a version this build does not know, or when
/// an attribute is missing or wrong.
RunRecord read_record(const h5::Calls& calls, hid_t file);

/// The parts the file says it holds. Batches are left 0; preview_size is 1 when there are previews.
FileLayout read_contents(const h5::Calls& calls, hid_t file);

}  // namespace kvscope
