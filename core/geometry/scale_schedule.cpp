#include "core/geometry/scale_schedule.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"

namespace kvscope {

ScaleSchedule::ScaleSchedule(std::vector<int> patch_nums) : patch_nums_(std::move(patch_nums)) {
  // Longer sides than any published model: keeps every token count far from overflow.
  constexpr int largest_side = 4096;
  const bool valid = patch_nums_.size() >= 2 && patch_nums_.front() > 0 &&
                     patch_nums_.back() <= largest_side &&
                     std::is_sorted(patch_nums_.begin(), patch_nums_.end());
  if (!valid) {
    throw Error(fmt::format(
        "[geometry] patch_nums: expected two or more ascending sides of 1 to {}, got {}",
        largest_side, patch_nums_));
  }
  begins_.push_back(0);
  for (int scale = 0; scale < scales(); ++scale) begins_.push_back(begins_.back() + tokens(scale));
}

std::vector<std::int64_t> ScaleSchedule::tokens_by_scale() const {
  std::vector<std::int64_t> counts(patch_nums_.size());
  for (int scale = 0; scale < scales(); ++scale) {
    counts[static_cast<std::size_t>(scale)] = tokens(scale);
  }
  return counts;
}

}  // namespace kvscope
