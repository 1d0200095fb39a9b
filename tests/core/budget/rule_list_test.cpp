#include "core/budget/rule_list.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/budget/budget.h"
#include "core/budget/cache_moves.h"
#include "core/budget/kv_bytes.h"
#include "core/budget/retention_plan.h"
#include "tests/core/cache/policies.h"
#include "tests/support/keep_strongest.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Json = nlohmann::json;

const BudgetModel model = {.depth = 3, .heads = 3, .head_dim = 4, .patch_nums = {1, 2, 3, 4}};

// Lost without it: a new policy that no test of caches, moves and bytes ever runs.
TEST(RuleList, EveryFormIsAmongThePoliciesThatTestsRunOver) {
  std::set<std::string_view> tested;
  for (const testing::Policy& policy : testing::all_policies(model)) {
    for (const LayerBudget& layer : policy.budget.layers) tested.insert(layer.rule.key());
  }
  std::set<std::string_view> listed;
  for (const RuleForm& form : rule_forms()) listed.insert(form.key);
  EXPECT_EQ(tested, listed);
}

TEST(RuleList, EveryPolicyReadsBackWhatItWrites) {
  for (testing::Policy policy : testing::all_policies(model)) {
    policy.budget.policy = policy.name == "vanilla" ? vanilla_policy : ams_kv_policy;
    EXPECT_EQ(parse_budget(to_json(policy.budget).dump(), "b.json"), policy.budget) << policy.name;
  }
}

// data/schema is what others write budgets by.
TEST(RuleList, TheSchemaKnowsEveryFormAndPolicy) {
  const Json schema =
      Json::parse(std::ifstream(KVSCOPE_SOURCE_DIR "/data/schema/budget.schema.json"));
  const Json& policies = schema.at("properties").at("policy").at("enum");
  for (const RuleForm& form : rule_forms()) {
    EXPECT_THAT(policies, ::testing::Contains(std::string(form.policy)));
    const Json& forms = schema.at("properties").at("layers").at("items").at("oneOf");
    const bool known = std::any_of(forms.begin(), forms.end(), [&](const Json& reference) {
      const std::string path = reference.at("$ref");
      const Json& required = schema.at("$defs").at(path.substr(path.rfind('/') + 1)).at("required");
      return std::find(required.begin(), required.end(), form.key) != required.end();
    });
    EXPECT_TRUE(known) << form.key;
  }
}

/// A list with one line more.
std::vector<RuleForm> forms_and_one() {
  std::vector<RuleForm> forms(rule_forms().begin(), rule_forms().end());
  forms.push_back(rule_form<testing::KeepStrongest>());
  return forms;
}

Budget strongest_budget() {
  Budget budget;
  budget.policy = testing::KeepStrongest::policy;
  budget.model = model;
  budget.layers = {{LayerClass::demanding, KeepAll{}},
                   {LayerClass::efficient, testing::KeepStrongest{2}},
                   {LayerClass::efficient, testing::KeepStrongest{100}}};
  return budget;
}

// One file and one line: nothing else in the tree knows KeepStrongest.
TEST(RuleList, APolicyMoreIsReadAndWritten) {
  const std::string text = to_json(strongest_budget()).dump();
  EXPECT_EQ(parse_budget(text, "b.json", forms_and_one()), strongest_budget());
  EXPECT_EQ(strongest_budget().layers[1].rule.in_words(), "strongest 2");
  EXPECT_THAT([&] { (void)parse_budget(text, "b.json"); },
              ThrowsMessage<BadInput>(HasSubstr("policy to be one of vanilla, ams-kv")));
}

TEST(RuleList, APolicyMoreIsHeldToItsOwnChecks) {
  Json json = to_json(strongest_budget());
  const auto error = [&](const Json& changed) -> std::string {
    try {
      (void)parse_budget(changed.dump(), "b.json", forms_and_one());
    } catch (const BadInput& wrong) {
      return wrong.what();
    }
    return "no error";
  };
  json["layers"][1]["strongest_tokens"] = 0;
  EXPECT_THAT(error(json), HasSubstr("layers[1].strongest_tokens to be at least 1, got 0"));
  json["layers"][1].erase("strongest_tokens");
  EXPECT_THAT(error(json), HasSubstr("exactly one of keep, local_scales, capacity_tokens and "
                                     "strongest_tokens, got none"));
  Json other = to_json(strongest_budget());
  other["policy"] = "ams-kv";
  EXPECT_THAT(error(other), HasSubstr("layers[1].keep to be \"all\" under policy ams-kv"));
}

// Heads 0 and 2 of layer 1 keep 4 tokens, head 1 keeps 2: bytes are those of each.
TEST(RuleList, APolicyMoreIsPlannedAndCounted) {
  const RetentionPlan plan(strongest_budget());
  ASSERT_EQ(plan.groups(1).size(), 2U);
  EXPECT_THAT(plan.groups(1)[0].heads().indices(), ElementsAre(0, 2));
  EXPECT_THAT(plan.groups(1)[1].heads().indices(), ElementsAre(1));
  EXPECT_TRUE(plan.has_source_scales(0));
  EXPECT_FALSE(plan.has_source_scales(1));
  EXPECT_EQ(plan.groups(1)[0].read_tokens(3), 4);
  EXPECT_EQ(plan.groups(1)[1].read_tokens(3), 2);
  EXPECT_EQ(plan.read_head_tokens(1, 3), 2 * 4 + 2);
  EXPECT_EQ(plan.held_head_tokens(1, 0), 3);
  const KvShape shape = kv_shape(model, 1, 2, 2);
  // After scale 2: layer 0 holds 14 tokens a head, layer 1 10 in all, layer 2 all 14 a head.
  EXPECT_EQ(logical_peak_bytes(plan, shape), shape.head_bytes(3 * 14 + 10 + 3 * 14));
  EXPECT_EQ(held_bytes(plan, shape, 1, 2), shape.head_bytes(10));
  // The widest target is the last one of layers 0 and 2: what they hold, and its 16 tokens.
  EXPECT_EQ(resident_bytes(strongest_budget(), shape),
            shape.head_bytes(3 * 14 + 10 + 3 * 14 + 3 * (14 + 16)));
  EXPECT_EQ(expectation_of(strongest_budget()).logical_peak_bytes, logical_peak_bytes(plan, shape));
}

/// Groups that lack head 2, or hold head 0 twice.
struct WrongHeads : testing::KeepStrongest {
  std::vector<HeadGroup> groups(const ScaleSchedule& schedule, int) const {
    const SourceScales none(static_cast<std::size_t>(schedule.scales()));
    std::vector<HeadGroup> groups = {
        HeadGroup::of_whole_scales(HeadSet({0, 1}, 3), schedule, none)};
    if (tokens == 2)
      groups.push_back(HeadGroup::of_whole_scales(HeadSet({0, 2}, 3), schedule, none));
    return groups;
  }
  bool operator==(const WrongHeads&) const = default;
};

TEST(RuleList, APlanRefusesGroupsThatDoNotHoldEveryHeadOnce) {
  for (const std::int64_t tokens : {1, 2}) {
    Budget budget = strongest_budget();
    budget.layers[2].rule = WrongHeads{{tokens}};
    EXPECT_THAT([&] { (void)RetentionPlan(budget); },
                ThrowsMessage<Error>(HasSubstr("every one of 3 heads once")));
  }
}

}  // namespace
}  // namespace kvscope
