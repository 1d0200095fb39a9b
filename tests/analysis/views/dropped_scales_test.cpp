// What a user would lose: a report that says the neighbour is kept where a budget drops it.

#include "analysis/views/dropped_scales.h"

#include <gtest/gtest.h>

#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"
#include "tests/support/example_capture.h"
#include "tests/support/keep_strongest.h"

namespace kvscope {
namespace {

/// Scales of 1, 4, 9, 16 and 36 tokens; both layers are efficient.
std::string dropped_by(const LayerRule& first, const LayerRule& second) {
  Budget budget = testing::example_budget(
      testing::example_model({.depth = 3, .patch_nums = {1, 2, 3, 4, 6}}), {0, 1});
  budget.layers[0].rule = first;
  budget.layers[1].rule = second;
  return what_is_dropped(budget, "b.json");
}

std::string dropped_by(const LayerRule& rule) { return dropped_by(rule, rule); }

TEST(WhatIsDropped, FollowsTheBudget) {
  EXPECT_EQ(dropped_by(KeepLocal{2, 1}),
            "The efficient layers of b.json read the first 2 scales and the one before the target "
            "and drop all others.");
  EXPECT_EQ(dropped_by(KeepLocal{1, 0}),
            "The efficient layers of b.json read only the first scale and drop all others, the one "
            "before the target too.");
  EXPECT_EQ(
      dropped_by(KeepLocal{0, 2}),
      "The efficient layers of b.json read only the 2 before the target and drop all others.");
  EXPECT_EQ(dropped_by(KeepLocal{0, 0}),
            "The efficient layers of b.json read no earlier scale and drop all others, the one "
            "before the target too.");
  EXPECT_EQ(dropped_by(KeepAll{}), "The efficient layers of b.json read every earlier scale.");
}

// Room for 9 more tokens: scale 2 is admitted, scales of 16 and 36 never.
TEST(WhatIsDropped, CapacityAdmitsWholeScales) {
  EXPECT_EQ(dropped_by(KeepCapacity{2, 14}),
            "The efficient layers of b.json read only the first 3 scales and drop all others, the "
            "one before the target too.");
}

TEST(WhatIsDropped, ClaimsOnlyWhatHoldsForAllOfThem) {
  EXPECT_EQ(dropped_by(KeepLocal{2, 1}, KeepLocal{1, 0}),
            "The efficient layers of b.json all read the first scale; what they drop of the others "
            "differs by layer and target, and may be the one before the target.");
}

TEST(WhatIsDropped, NamesNoScalesOfTokensPickedByContent) {
  EXPECT_EQ(dropped_by(KeepLocal{2, 1}, testing::KeepStrongest{.tokens = 3}),
            "The efficient layers of b.json pick tokens by what they hold, not whole scales.");
}

// What the others do is not said of the efficient ones.
TEST(WhatIsDropped, LooksAtEfficientLayersOnly) {
  Budget budget =
      testing::example_budget(testing::example_model({.depth = 2, .patch_nums = {1, 2, 3}}), {1});
  budget.layers[0].rule = testing::KeepStrongest{.tokens = 3};
  budget.layers[1].rule = KeepLocal{1, 0};
  EXPECT_EQ(what_is_dropped(budget, "b.json"),
            "The efficient layers of b.json read only the first scale and drop all others, the one "
            "before the target too.");
}

TEST(WhatIsDropped, IsNothingWithoutEfficientLayers) {
  const Budget budget = testing::example_budget(testing::example_model({}), {});
  EXPECT_FALSE(dropped_scales(budget));
  EXPECT_EQ(what_is_dropped(budget, "b.json"), "");
}

}  // namespace
}  // namespace kvscope
