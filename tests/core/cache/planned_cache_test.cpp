#include "core/cache/planned_cache.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/record_function.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/budget/cache_moves.h"
#include "core/budget/kv_bytes.h"
#include "core/cache/make_cache.h"
#include "core/cache/vanilla_cache.h"
#include "tests/core/cache/policies.h"
#include "tests/support/keep_by_heads.h"

namespace kvscope::testing {
namespace {

constexpr int depth = 3;
constexpr int heads = 3;
constexpr int head_dim = 4;

// Sides from the 256 px and 512 px models, equal neighbours, a wide start and the fewest scales.
const std::vector<std::vector<int>>& all_sides() {
  static const std::vector<std::vector<int>> sides = {
      {1, 2, 3, 4, 5, 6, 8, 10, 13, 16},
      {1, 2, 3, 4, 6, 9, 13, 18, 24, 32},
      {2, 2, 3, 3, 4},
      {3, 4, 7},
      {1, 2},
  };
  return sides;
}

struct Case {
  Policy policy;
  std::string name;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const std::vector<int>& sides : all_sides()) {
    std::vector<Policy> policies = all_policies({depth, heads, head_dim, sides});
    Policy by_heads = policies.back();
    by_heads.name = "by_heads";
    by_heads.budget.layers.back().rule = KeepByHeads{.even = {2, 0}, .odd = {1, 3}};
    by_heads.budget.layers.front().rule = KeepByHeads{.even = {0, 9}, .odd = {0, 0}};
    policies.push_back(by_heads);
    for (const Policy& policy : policies) {
      cases.push_back({policy, fmt::format("{}_{}", policy.name, fmt::join(sides, "_"))});
    }
  }
  return cases;
}

// What a cache received, kept whole: the slow way to know what a target reads.
class History {
 public:
  void add(const KvBuffers& own) { scales_.push_back(own); }

  KvBuffers gather(const HeadSet& set, std::vector<int> sources, int target) const {
    sources.push_back(target);
    std::vector<at::Tensor> keys;
    std::vector<at::Tensor> values;
    const std::vector<int> indices = set.indices();
    const at::Tensor of_heads = at::tensor(indices);
    for (const int source : sources) {
      const KvBuffers& scale = scales_.at(static_cast<std::size_t>(source));
      keys.push_back(scale.key.index_select(1, of_heads));
      values.push_back(scale.value.index_select(1, of_heads));
    }
    return {at::cat(keys, 2), at::cat(values, 2)};
  }

 private:
  std::vector<KvBuffers> scales_;
};

KvBuffers random_tokens(std::int64_t rows, std::int64_t tokens) {
  // Strided as the fused projection leaves them.
  const at::Tensor fused = at::randn({rows, tokens, 3, heads, head_dim});
  return {fused.select(2, 1).transpose(1, 2), fused.select(2, 2).transpose(1, 2)};
}

void expect_planned_reads(KvCache& cache, const RetentionPlan& plan, std::int64_t rows) {
  const ScaleSchedule& schedule = plan.schedule();
  std::vector<History> histories(static_cast<std::size_t>(depth));
  cache.begin(rows);
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    for (int layer = 0; layer < depth; ++layer) {
      History& history = histories.at(static_cast<std::size_t>(layer));
      const KvBuffers own = random_tokens(rows, schedule.tokens(scale));
      history.add(own);
      const KvView read = cache.update(layer, scale, own.key, own.value, own.key);
      const std::vector<HeadGroup>& groups = plan.groups(layer);
      ASSERT_EQ(read.size(), groups.size());
      for (std::size_t g = 0; g < groups.size(); ++g) {
        const KvBuffers expected =
            history.gather(groups[g].heads(), groups[g].source_scales(scale), scale);
        EXPECT_EQ(read[g].heads, groups[g].heads());
        EXPECT_TRUE(at::equal(read[g].key, expected.key))
            << "layer " << layer << " scale " << scale;
        EXPECT_TRUE(at::equal(read[g].value, expected.value))
            << "layer " << layer << " scale " << scale;
      }
    }
  }
}

class EveryPolicy : public ::testing::TestWithParam<Case> {};

// Lost without it: the model would silently attend to other tokens than the budget says.
TEST_P(EveryPolicy, TargetsReadExactlyThePlannedTokensInOrder) {
  const Budget& budget = GetParam().policy.budget;
  const RetentionPlan plan(budget);
  const auto cache = make_cache(budget, at::kFloat, at::kCPU);
  expect_planned_reads(*cache, plan, 2);
}

TEST_P(EveryPolicy, BuffersServeLaterBatchesOfAnySize) {
  const Budget& budget = GetParam().policy.budget;
  const RetentionPlan plan(budget);
  const auto cache = make_cache(budget, at::kFloat, at::kCPU);
  expect_planned_reads(*cache, plan, 2);
  expect_planned_reads(*cache, plan, 2);
  expect_planned_reads(*cache, plan, 4);
}

// Lost without it: after a batch too large for the memory a smaller one would crash.
TEST_P(EveryPolicy, SurvivesABatchThatDoesNotFit) {
  const Budget& budget = GetParam().policy.budget;
  const RetentionPlan plan(budget);
  const auto cache = make_cache(budget, at::kFloat, at::kCPU);
  constexpr std::int64_t too_many_rows = std::int64_t{1} << 50;
  expect_planned_reads(*cache, plan, 2);
  EXPECT_THROW(cache->begin(too_many_rows), c10::Error);
  EXPECT_THROW(cache->begin(too_many_rows), c10::Error);
  expect_planned_reads(*cache, plan, 2);
}

// Lost without it: a budget would promise memory that the runtime does not give back.
TEST_P(EveryPolicy, LayerHoldsNoMoreThanThePlansPeak) {
  const Budget& budget = GetParam().policy.budget;
  const RetentionPlan plan(budget);
  PlannedCache cache(plan, {heads, head_dim, at::kHalf, at::kCPU});
  const std::int64_t rows = 2;
  cache.begin(rows);
  const KvShape shape{heads, head_dim, rows, 2, 2};
  std::int64_t most_read = 0;
  for (int layer = 0; layer < depth; ++layer) {
    std::int64_t most_held = 0;
    for (int scale = 0; scale < plan.schedule().scales(); ++scale) {
      most_held = std::max(most_held, held_bytes(plan, shape, layer, scale));
      const std::int64_t target = plan.schedule().tokens(scale) * heads;
      most_read = std::max(most_read, plan.read_head_tokens(layer, scale) + target);
    }
    EXPECT_EQ(cache.resident_bytes(layer), most_held);
  }
  EXPECT_LE(cache.shared_bytes(), shape.head_bytes(most_read));
}

// Lost without it: a plan for 24 GiB whose run takes 26.
TEST_P(EveryPolicy, TakesTheResidentBytesThatAPlanPredicts) {
  const Budget& budget = GetParam().policy.budget;
  const auto cache = make_cache(budget, at::kHalf, at::kCPU);
  cache->begin(6);
  std::int64_t taken = cache->shared_bytes();
  for (int layer = 0; layer < depth; ++layer) taken += cache->resident_bytes(layer);
  EXPECT_EQ(taken, resident_bytes(budget, kv_shape(budget.model, 3, 2, 2)));
}

// Counts the operators of this thread between begin and end of its life.
class Operators {
 public:
  Operators()
      : handle_(at::addThreadLocalCallback(
            at::RecordFunctionCallback(&Operators::count).needsInputs(true))) {
    copied_bytes_ = 0;
    others_.clear();
  }
  ~Operators() { at::removeCallback(handle_); }
  Operators(const Operators&) = delete;
  Operators& operator=(const Operators&) = delete;

  std::int64_t copied_bytes() const { return copied_bytes_; }
  /// Neither a copy nor a view.
  const std::set<std::string>& others() const { return others_; }

 private:
  static std::unique_ptr<at::ObserverContext> count(const at::RecordFunction& call) {
    static const std::set<std::string> views = {"aten::narrow", "aten::slice", "aten::view",
                                                "aten::as_strided"};
    const std::string name = call.name();
    if (name == "aten::copy_") {
      copied_bytes_ += static_cast<std::int64_t>(call.inputs()[0].toTensor().nbytes());
    } else if (!views.contains(name)) {
      others_.insert(name);
    }
    return nullptr;
  }

  static inline std::int64_t copied_bytes_ = 0;
  static inline std::set<std::string> others_ = {};
  at::CallbackHandle handle_;
};

// Lost without it: a cache that quietly copies more than it must would be paid for in every layer
// of every scale.
TEST_P(EveryPolicy, CopiesWhatThePlanOfMovesSaysAndNoMore) {
  const RetentionPlan plan(GetParam().policy.budget);
  PlannedCache cache(plan, {heads, head_dim, at::kFloat, at::kCPU});
  const std::int64_t rows = 2;
  cache.begin(rows);
  for (int scale = 0; scale < plan.schedule().scales(); ++scale) {
    for (int layer = 0; layer < depth; ++layer) {
      const KvBuffers own = random_tokens(rows, plan.schedule().tokens(scale));
      std::int64_t head_tokens = 0;
      for (const HeadGroup& group : plan.groups(layer)) {
        head_tokens +=
            cache_step(group, plan.schedule(), scale).copied_tokens() * group.heads().size();
      }
      const KvShape shape{heads, head_dim, rows, 4, 4};
      const Operators operators;
      (void)cache.update(layer, scale, own.key, own.value, own.key);
      EXPECT_EQ(operators.copied_bytes(), shape.head_bytes(head_tokens));
      EXPECT_THAT(operators.others(), ::testing::IsEmpty());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicy, ::testing::ValuesIn(all_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(VanillaCache, HoldsEveryTokenOfEveryLayer) {
  const ScaleSchedule schedule({1, 2, 3});
  VanillaCache cache(schedule, depth, {heads, head_dim, at::kFloat, at::kCPU});
  EXPECT_EQ(cache.resident_bytes(0), 0);
  cache.begin(2);
  const KvShape shape{heads, head_dim, 2, 4, 4};
  EXPECT_EQ(cache.resident_bytes(0), shape.bytes(schedule.total_tokens()));
  EXPECT_EQ(cache.shared_bytes(), 0);
}

TEST(MakeCache, VanillaPolicyRunsWithoutAPlan) {
  const BudgetModel model{depth, heads, head_dim, {1, 2, 3}};
  const auto vanilla = make_cache(vanilla_budget(model), at::kFloat, at::kCPU);
  EXPECT_NE(dynamic_cast<VanillaCache*>(vanilla.get()), nullptr);
  for (const Policy& policy : all_policies(model)) {
    if (policy.name == "vanilla") continue;
    const auto planned = make_cache(policy.budget, at::kFloat, at::kCPU);
    EXPECT_NE(dynamic_cast<PlannedCache*>(planned.get()), nullptr) << policy.name;
  }
}

}  // namespace
}  // namespace kvscope::testing
