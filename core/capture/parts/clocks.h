#pragma once

#include "core/capture/parts/part_row.h"

namespace kvscope {

/// Offsets of other clocks, of a device or of CUPTI, to the host's steady clock. FileLayout::clocks
/// names them.
extern const PartRow clocks_part;

}  // namespace kvscope
