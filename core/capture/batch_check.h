#pragma once

#include <cstdint>
#include <string>

#include "core/capture/file_shape.h"
#include "core/record/batch_record.h"

namespace kvscope {

/// Where a batch would go: how many samples the file holds already, how many the batch adds.
struct BatchPlace {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// Throws Error unless the batch has exactly the parts of the file, each in its shape: a batch that
/// passes can be written as a whole. `stored_bytes` is the size of a raw element; `path` is only
/// named in errors.
void check_batch(const BatchRecord& batch, const BatchPlace& place, const FileShape& shape,
                 std::int64_t stored_bytes, const std::string& path);

}  // namespace kvscope
