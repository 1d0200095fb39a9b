#include "core/budget/cache_moves.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/budget/head_group.h"
#include "tests/core/cache/policies.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;

std::vector<int> tokens_of(const std::vector<int>& scales, const ScaleSchedule& schedule) {
  std::vector<int> tokens;
  for (const int scale : scales) {
    for (std::int64_t token = schedule.begin(scale); token < schedule.end(scale); ++token) {
      tokens.push_back(static_cast<int>(token));
    }
  }
  return tokens;
}

// Carries the moves out on token numbers. A buffer is no larger than the plan says, and what nobody
// wrote is −1.
void expect_planned_tokens(const HeadGroup& group, const ScaleSchedule& schedule) {
  std::vector<int> own(static_cast<std::size_t>(group.most_held_tokens()), -1);
  for (int target = 0; target < schedule.scales(); ++target) {
    const CacheStep step = cache_step(group, schedule, target);
    std::vector<int> incoming = tokens_of({target}, schedule);
    std::vector<int> shared(static_cast<std::size_t>(step.read_tokens), -1);
    const auto place = [&](CachePlace name) -> std::vector<int>& {
      return name == CachePlace::own ? own : name == CachePlace::shared ? shared : incoming;
    };
    for (const CacheMove& move : step.moves) {
      ASSERT_NE(move.from, move.to) << "a copy inside a buffer may overlap itself";
      for (std::int64_t k = 0; k < move.tokens; ++k) {
        place(move.to).at(static_cast<std::size_t>(move.to_token + k)) =
            place(move.from).at(static_cast<std::size_t>(move.from_token + k));
      }
    }
    std::vector<int> expected = group.source_scales(target);
    expected.push_back(target);
    std::vector<int> read = place(step.read);
    read.resize(static_cast<std::size_t>(step.read_tokens));
    ASSERT_EQ(read, tokens_of(expected, schedule)) << "target " << target;
    if (target == schedule.last_scale()) continue;
    const std::vector<int> kept = tokens_of(group.source_scales(target + 1), schedule);
    ASSERT_TRUE(std::equal(kept.begin(), kept.end(), own.begin())) << "after " << target;
  }
}

// What every way of doing it must copy: the target once, what it reads where it is not appended to
// it, and what has to go to another place of its own buffer.
std::int64_t unavoidable_tokens(const HeadGroup& group, const ScaleSchedule& schedule, int target) {
  std::int64_t tokens = schedule.tokens(target);
  if (appends_in_place(group, schedule, target)) return tokens;
  tokens += group.read_tokens(target);
  if (target == schedule.last_scale()) return tokens;
  const std::vector<int> before = tokens_of(group.source_scales(target), schedule);
  const std::vector<int> after = tokens_of(group.source_scales(target + 1), schedule);
  for (std::size_t at = 0; at < after.size(); ++at) {
    tokens += at < before.size() && before[at] == after[at] ? 0 : 1;
  }
  return tokens;
}

// Lost without it: the eager cache and an arena would disagree on where a token lies, and a target
// would silently read another one.
TEST(CacheMoves, BringEveryPolicysTokensWhereTheTargetReadsThem) {
  for (const std::vector<int>& sides : {std::vector<int>{1, 2, 3, 4, 5, 6, 8, 10, 13, 16},
                                        std::vector<int>{2, 2, 3, 3, 4}, std::vector<int>{1, 2}}) {
    for (const testing::Policy& policy : testing::all_policies({3, 2, 4, sides})) {
      SCOPED_TRACE(policy.name);
      const RetentionPlan plan(policy.budget);
      for (int layer = 0; layer < plan.layers(); ++layer) {
        for (const HeadGroup& group : plan.groups(layer)) {
          expect_planned_tokens(group, plan.schedule());
        }
      }
    }
  }
}

TEST(CacheMoves, AreRightAndTheFewestForAnyWholeScales) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<int> sides = {1 + static_cast<int>(random() % 2)};
    while (sides.size() < 6) sides.push_back(sides.back() + static_cast<int>(random() % 3));
    const ScaleSchedule schedule(sides);
    SourceScales sources = {{}};
    for (int target = 1; target < schedule.scales(); ++target) {
      std::vector<int> there = sources.back();
      there.push_back(target - 1);
      std::erase_if(there, [&](int) { return random() % 4 == 0; });
      sources.push_back(there);
    }
    const HeadGroup group = HeadGroup::of_whole_scales(HeadSet::all(1), schedule, sources);
    expect_planned_tokens(group, schedule);
    for (int target = 0; target < schedule.scales(); ++target) {
      ASSERT_EQ(cache_step(group, schedule, target).copied_tokens(),
                unavoidable_tokens(group, schedule, target))
          << "round " << round << ", target " << target;
    }
  }
}

// Sides 1, 2, 3, 4 under one condensed and one local scale.
TEST(CacheMoves, LeaveWhatStaysAtItsPlace) {
  const ScaleSchedule schedule({1, 2, 3, 4});
  const HeadGroup group =
      HeadGroup::of_whole_scales(HeadSet::all(1), schedule, {{}, {0}, {0, 1}, {0, 2}});
  using enum CachePlace;
  const auto moves = [&](int target) { return cache_step(group, schedule, target).moves; };
  EXPECT_THAT(moves(0), ElementsAre(CacheMove{incoming, 0, own, 0, 1}));
  EXPECT_THAT(moves(1), ElementsAre(CacheMove{incoming, 0, own, 1, 4}));
  EXPECT_THAT(moves(2),
              ElementsAre(CacheMove{own, 0, shared, 0, 5}, CacheMove{incoming, 0, shared, 5, 9},
                          CacheMove{shared, 5, own, 1, 9}));
  EXPECT_THAT(moves(3), ElementsAre(CacheMove{own, 0, shared, 0, 10},
                                    CacheMove{incoming, 0, shared, 10, 16}));
}

// Its buffers are known all the same: a plan tells what a run will take.
TEST(CacheMoves, OfTokensPickedByContentAreNotKnown) {
  const ScaleSchedule schedule({1, 2, 3});
  const HeadGroup group =
      HeadGroup::of_picked_tokens(HeadSet::all(2), schedule, {0, 1, 3}, {1, 3, 0});
  EXPECT_THROW((void)cache_step(group, schedule, 1), Error);
  EXPECT_TRUE(appends_in_place(group, schedule, 0));
  EXPECT_FALSE(appends_in_place(group, schedule, 1)) << "of 5 tokens 3 stay";
  EXPECT_FALSE(appends_in_place(group, schedule, 2));
}

TEST(HeadGroup, DerivesWhatIsHeldFromWhatIsRead) {
  const ScaleSchedule schedule({1, 2, 3});
  const HeadGroup group = HeadGroup::of_whole_scales(HeadSet::all(1), schedule, {{}, {0}, {1}});
  EXPECT_EQ(group.held_tokens(0), 1);
  EXPECT_EQ(group.held_tokens(1), 4);
  EXPECT_EQ(group.held_tokens(2), 0);
  EXPECT_EQ(group.most_held_tokens(), 4);
}

// Lost without it: a plan would name tokens that are gone, and every byte count would be wrong.
TEST(HeadGroup, RefusesWhatNoCacheCanHold) {
  const ScaleSchedule schedule({1, 2, 3});
  const auto whole = [&](const SourceScales& sources) {
    return HeadGroup::of_whole_scales(HeadSet::all(1), schedule, sources);
  };
  EXPECT_THROW((void)whole({{}, {0}}), Error) << "a target is missing";
  EXPECT_THROW((void)whole({{}, {1}, {}}), Error) << "a target reads itself";
  EXPECT_THROW((void)whole({{}, {}, {0}}), Error) << "a scale comes back";
  EXPECT_THROW((void)whole({{}, {0}, {1, 0}}), Error) << "not ascending";
  const auto picked = [&](std::vector<std::int64_t> read, std::vector<std::int64_t> held) {
    return HeadGroup::of_picked_tokens(HeadSet::all(1), schedule, std::move(read), std::move(held));
  };
  EXPECT_NO_THROW((void)picked({0, 1, 2}, {1, 4, 0})) << "it may read less than it holds";
  EXPECT_THROW((void)picked({0, 1, 2}, {1, 1, 0}), Error) << "reads more than it holds";
  EXPECT_THROW((void)picked({0, 1, 2}, {1, 6, 0}), Error) << "holds more than came";
  EXPECT_THROW((void)picked({0, 1, 2}, {1, 4, 1}), Error) << "holds after the last scale";
}

}  // namespace
}  // namespace kvscope
