#include <array>

#include "core/capture/parts/basics.h"
#include "core/capture/parts/clocks.h"
#include "core/capture/parts/image_check.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/parts/preview.h"
#include "core/capture/parts/raw.h"
#include "core/capture/parts/scores.h"
#include "core/capture/parts/statistics.h"
#include "core/capture/parts/timing.h"

namespace kvscope {
namespace {

constexpr std::array rows = {&basics_part,  &preview_part, &raw_part,    &similarity_part,
                             &mass_part,    &timing_part,  &scores_part, &image_check_part,
                             &queries_part, &clocks_part};

}  // namespace

std::span<const PartRow* const> part_rows() { return rows; }

}  // namespace kvscope
