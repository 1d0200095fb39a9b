#pragma once

#include <string>
#include <vector>

#include "core/budget/budget.h"
#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope::testing {

/// A retention policy by name; a new policy is one line in all_policies.
struct Policy {
  std::string name;
  Budget budget;
};

/// Every form of retention rule, over a model of the given sides: what all cache tests run over.
inline std::vector<Policy> all_policies(const BudgetModel& model) {
  const auto uniform = [&](const std::string& name, const LayerRule& rule) {
    Budget budget;
    budget.policy = name;
    budget.model = model;
    budget.layers.assign(static_cast<std::size_t>(model.depth), {LayerClass::efficient, rule});
    return Policy{name, budget};
  };
  Policy mixed = uniform("mixed", KeepLocal{2, 1});
  mixed.budget.layers.front() = {LayerClass::demanding, KeepAll{}};
  std::int64_t all_tokens = 0;
  for (const int side : model.patch_nums) all_tokens += std::int64_t{side} * side;
  const int first = model.patch_nums.front();
  const std::int64_t condensed = std::int64_t{first} * first;
  return {
      {"vanilla", vanilla_budget(model)},
      uniform("keep_all", KeepAll{}),
      uniform("condensed_only", KeepLocal{2, 0}),
      uniform("one_local", KeepLocal{2, 1}),
      uniform("two_local", KeepLocal{1, 2}),
      uniform("sliding", KeepLocal{0, 1}),
      uniform("nothing", KeepLocal{0, 0}),
      uniform("no_room", KeepCapacity{1, condensed}),
      uniform("some_room", KeepCapacity{1, condensed + all_tokens / 5}),
      uniform("half_room", KeepCapacity{0, all_tokens / 2}),
      uniform("all_room", KeepCapacity{1, all_tokens}),
      mixed,
  };
}

}  // namespace kvscope::testing
