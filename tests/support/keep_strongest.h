#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/json_fields.h"
#include "core/budget/layer_rule.h"

namespace kvscope::testing {

/// A rule that no list has: the tokens that got the most attention stay, `tokens` of them in every
/// odd head and twice as many in every even one. It stands for the policies that choose by content.
struct KeepStrongest {
  std::int64_t tokens = 0;

  static constexpr std::string_view key = "strongest_tokens";
  static constexpr std::string_view policy = "strongest";

  static KeepStrongest parse(JsonFields& fields, const ScaleSchedule&) {
    return {.tokens = fields.integer(key, 0)};
  }
  void write(nlohmann::json& layer) const { layer[key] = tokens; }
  std::string in_words() const { return fmt::format("strongest {}", tokens); }
  std::optional<RuleProblem> problem(const ScaleSchedule&) const {
    if (tokens > 0) return std::nullopt;
    return RuleProblem{std::string(key), "at least 1", fmt::to_string(tokens)};
  }
  std::vector<HeadGroup> groups(const ScaleSchedule& schedule, int heads) const {
    std::vector<std::vector<int>> sets(2);
    for (int head = 0; head < heads; ++head)
      sets[static_cast<std::size_t>(head % 2)].push_back(head);
    std::vector<HeadGroup> groups;
    for (std::size_t odd = 0; odd < sets.size(); ++odd) {
      if (sets[odd].empty()) continue;
      const std::int64_t most = odd == 0 ? 2 * tokens : tokens;
      std::vector<std::int64_t> read = {0};
      for (int target = 1; target < schedule.scales(); ++target) {
        read.push_back(std::min(most, schedule.begin(target)));
      }
      std::vector<std::int64_t> held(read.begin() + 1, read.end());
      held.push_back(0);
      groups.push_back(HeadGroup::of_picked_tokens(HeadSet(sets[odd], heads), schedule,
                                                   std::move(read), std::move(held)));
    }
    return groups;
  }

  bool operator==(const KeepStrongest&) const = default;
};

}  // namespace kvscope::testing
