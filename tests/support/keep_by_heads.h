#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/budget/layer_rule.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope::testing {

/// A rule that no list has: whole scales, other ones for the odd heads than for the even ones.
struct KeepByHeads {
  KeepLocal even;
  KeepLocal odd;

  static constexpr std::string_view key = "odd_heads";
  static constexpr std::string_view policy = "by-heads";

  void write(nlohmann::json& layer) const {
    even.write(layer["even_heads"]);
    odd.write(layer[key]);
  }
  std::string in_words() const { return even.in_words() + "; odd: " + odd.in_words(); }
  std::optional<RuleProblem> problem(const ScaleSchedule&) const { return std::nullopt; }
  std::vector<HeadGroup> groups(const ScaleSchedule& schedule, int heads) const {
    std::vector<HeadGroup> groups;
    for (const int odd_heads : {0, 1}) {
      std::vector<int> set;
      for (int head = odd_heads; head < heads; head += 2) set.push_back(head);
      const HeadGroup rule = (odd_heads != 0 ? odd : even).groups(schedule, 1).front();
      SourceScales sources;
      for (int target = 0; target < schedule.scales(); ++target) {
        sources.push_back(rule.source_scales(target));
      }
      groups.push_back(
          HeadGroup::of_whole_scales(HeadSet(std::move(set), heads), schedule, std::move(sources)));
    }
    return groups;
  }

  bool operator==(const KeepByHeads&) const = default;
};

}  // namespace kvscope::testing
