#pragma once

#include "core/capture/file_shape.h"
#include "core/capture/h5.h"
#include "core/record/run_record.h"

namespace kvscope {

/// Creates everything a file will ever hold: root attributes, dimension scales and datasets with
/// their attributes. `file` is new and not in SWMR mode.
void create_objects(const h5::Calls& calls, hid_t file, const RunRecord& record,
                    const FileShape& shape);

}  // namespace kvscope
