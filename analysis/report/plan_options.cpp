#include "analysis/report/plan_options.h"

#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/layers/statistic_list.h"
#include "core/base/option_names.h"
#include "core/base/shell.h"
#include "core/budget/choice_names.h"
#include "core/budget/kv_bytes.h"
#include "core/budget/policies/keep_all.h"
#include "core/budget/policies/keep_capacity.h"

namespace kvscope {
namespace {

const LayerStatisticKind* statistic_of(const BudgetOrigin& origin) {
  return find_chosen_statistic(origin.statistic);
}

/// Nothing for a choice that is not known, lacks its value or is none of today's: the memory of
/// older budgets was that of logical bytes.
std::optional<std::string> choice_options(const Budget& budget) {
  const BudgetOrigin& origin = *budget.rule;
  if (origin.choice == choice_names::threshold && origin.theta) {
    // The option takes the statistic as people see it.
    const LayerStatisticKind* statistic = statistic_of(origin);
    const bool negated = statistic != nullptr && high_is_demanding(*statistic);
    return fmt::format(" {} {}", option::threshold, negated ? 0 - *origin.theta : *origin.theta);
  }
  if (origin.choice == choice_names::demanding_layers && origin.demanding_layers) {
    return fmt::format(" {} {}", option::demanding_layers, *origin.demanding_layers);
  }
  if (origin.choice == choice_names::ratio && origin.ratio) {
    return fmt::format(" {} {} {} {}", option::ratio, *origin.ratio, option::of,
                       shell_quoted(origin.of.value_or(std::string(name_of(Denominator::read)))));
  }
  if (const auto limit = resident_limit(budget);
      origin.choice == choice_names::kv_memory && limit) {
    return fmt::format(" {} {}B", option::kv_memory, *limit);
  }
  // A control that tells no layers apart leaves nothing to choose.
  const bool chooses_nothing = origin.choice.empty() && statistic_of(origin) != nullptr &&
                               statistic_of(origin)->family == StatisticFamily::control;
  if (origin.choice == choice_names::widest_gap || chooses_nothing) return "";
  return std::nullopt;
}

/// The rule that all layers of a class have; nothing when they differ, or there is none.
struct ClassRules {
  std::optional<LayerRule> rule;
  bool equal = true;
};

ClassRules rules_of(const Budget& budget, LayerClass layer_class) {
  ClassRules rules;
  for (const LayerBudget& layer : budget.layers) {
    if (layer.layer_class != layer_class) continue;
    rules.equal = rules.equal && (!rules.rule || *rules.rule == layer.rule);
    rules.rule = layer.rule;
  }
  return rules;
}

/// What a limit was solved for is given as such: it leads to the same layers. --fill solves again,
/// layer by layer, and starts from the condensed scales.
std::optional<std::string> efficient_options(const Budget& budget, bool fill) {
  const ClassRules rules = rules_of(budget, LayerClass::efficient);
  if (!rules.rule) return "";
  const RuleOptions options = rules.rule->plan_options();
  if (options.empty() || (!rules.equal && !fill)) return std::nullopt;
  std::vector<std::string> values;
  for (const auto& [name, value] : options) values.push_back(fmt::format("{}={}", name, value));
  // Condensed scales come first.
  if (fill) values.resize(1);
  return fmt::format(" {} {}", option::efficient, fmt::join(values, ","));
}

std::optional<std::string> demanding_options(const Budget& budget) {
  const ClassRules rules = rules_of(budget, LayerClass::demanding);
  if (!rules.rule || *rules.rule == LayerRule(KeepAll{})) {
    return rules.equal ? std::optional<std::string>("") : std::nullopt;
  }
  // Its condensed scales are those of the efficient layers.
  const RuleOptions options = rules.rule->plan_options();
  const bool is_capacity = !options.empty() && options.back().first == KeepCapacity::key;
  if (!is_capacity || !rules.equal) return std::nullopt;
  return fmt::format(" {} {}={}", option::demanding, options.back().first, options.back().second);
}

}  // namespace

std::string plan_options_of(const Budget& budget) {
  if (!budget.rule) return "";
  const BudgetOrigin& origin = *budget.rule;
  const LayerStatisticKind* statistic = statistic_of(origin);
  const std::optional<std::string> choice = choice_options(budget);
  const std::optional<std::string> efficient = efficient_options(budget, origin.fill);
  const std::optional<std::string> demanding = demanding_options(budget);
  if (!statistic || !choice || !efficient || !demanding) return "";
  std::string options = fmt::format("{} {}", option::statistic, shell_quoted(origin.statistic));
  if (statistic->family == StatisticFamily::damage)
    options += fmt::format(" {} RESULTS.json", option::damage);
  options += *choice + *efficient + *demanding;
  if (origin.fill) options += fmt::format(" {}", option::fill);
  if (budget.expected) {
    options += fmt::format(" {} {} {} {}", option::batch, budget.expected->batch,
                           option::element_bytes, budget.expected->key_element_bytes);
  }
  return options;
}

}  // namespace kvscope
