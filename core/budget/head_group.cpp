#include "core/budget/head_group.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

void check_length(std::size_t got, const ScaleSchedule& schedule) {
  if (got != static_cast<std::size_t>(schedule.scales())) {
    throw Error(fmt::format("[retention plan] expected {} scales, got {}", schedule.scales(), got));
  }
}

// What a target may read: what the one before read, and that one itself.
void check_sources(const SourceScales& sources) {
  std::vector<int> there;
  for (int target = 0; target < static_cast<int>(sources.size()); ++target) {
    const std::vector<int>& read = sources[static_cast<std::size_t>(target)];
    if (!std::is_sorted(read.begin(), read.end()) ||
        !std::includes(there.begin(), there.end(), read.begin(), read.end())) {
      throw Error(
          fmt::format("[retention plan] target {}: expected some of the source scales [{}], "
                      "ascending, got [{}]",
                      target, fmt::join(there, ", "), fmt::join(read, ", ")));
    }
    there = read;
    there.push_back(target);
  }
}

std::int64_t tokens_of(const std::vector<int>& scales, const ScaleSchedule& schedule) {
  std::int64_t tokens = 0;
  for (const int scale : scales) tokens += schedule.tokens(scale);
  return tokens;
}

}  // namespace

HeadGroup HeadGroup::of_whole_scales(HeadSet heads, const ScaleSchedule& schedule,
                                     SourceScales sources) {
  check_length(sources.size(), schedule);
  check_sources(sources);
  HeadGroup group(std::move(heads));
  for (const std::vector<int>& read : sources) {
    group.read_.push_back(tokens_of(read, schedule));
  }
  // A scale that the next target does not read is never read again.
  group.held_.assign(group.read_.begin() + 1, group.read_.end());
  group.held_.push_back(0);
  group.sources_ = std::move(sources);
  return group;
}

HeadGroup HeadGroup::of_picked_tokens(HeadSet heads, const ScaleSchedule& schedule,
                                      std::vector<std::int64_t> read,
                                      std::vector<std::int64_t> held) {
  check_length(read.size(), schedule);
  check_length(held.size(), schedule);
  std::int64_t before = 0;
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    const auto index = static_cast<std::size_t>(scale);
    const std::int64_t most = scale < schedule.last_scale() ? before + schedule.tokens(scale) : 0;
    if (read[index] < 0 || read[index] > before || held[index] < 0 || held[index] > most) {
      throw Error(
          fmt::format("[retention plan] scale {}: expected at most {} tokens read and {} held, got "
                      "{} and {}",
                      scale, before, most, read[index], held[index]));
    }
    before = held[index];
  }
  HeadGroup group(std::move(heads));
  group.read_ = std::move(read);
  group.held_ = std::move(held);
  return group;
}

std::int64_t HeadGroup::most_held_tokens() const {
  return *std::max_element(held_.begin(), held_.end());
}

const std::vector<int>& HeadGroup::source_scales(int target) const {
  if (!has_source_scales()) {
    throw Error(fmt::format("[retention plan] heads [{}]: their policy picks tokens, not scales",
                            fmt::join(heads_.indices(), ", ")));
  }
  return sources_.at(static_cast<std::size_t>(target));
}

}  // namespace kvscope
