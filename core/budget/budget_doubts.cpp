#include "core/budget/budget_doubts.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/units.h"
#include "core/budget/policies/keep_all.h"
#include "core/budget/retention_plan.h"

namespace kvscope {
namespace {

// More would bury the sentence.
constexpr std::size_t most_named_layers = 3;
// Of a limit and of what exceeds it by little.
constexpr int digits = 4;

std::string stale_expectation(const Budget& budget) {
  const BudgetExpectation& stated = *budget.expected;
  const BudgetExpectation now = expectation_of(budget);
  if (stated.logical_peak_bytes != now.logical_peak_bytes) {
    return fmt::format(
        "expected.logical_peak_bytes is {}, but its layers keep {} bytes; they decide",
        stated.logical_peak_bytes, now.logical_peak_bytes);
  }
  return fmt::format(
      "expected.resident_peak_bytes is {}, but the buffers of its layers take {} bytes; they "
      "decide",
      *stated.resident_peak_bytes, *now.resident_peak_bytes);
}

std::string wrong_classes(const Budget& budget, const std::vector<int>& layers) {
  const RetentionPlan plan(budget);
  const std::int64_t all = plan.schedule().begin(plan.schedule().last_scale());
  std::vector<std::string> named;
  for (const int layer : layers) {
    if (named.size() == most_named_layers) break;
    named.push_back(fmt::format("layer {} ({}, but keeps {} of {} tokens)", layer,
                                name_of(budget.layers[static_cast<std::size_t>(layer)].layer_class),
                                plan.most_held_head_tokens(layer) / plan.heads(), all));
  }
  const std::size_t others = layers.size() - named.size();
  return fmt::format("class and rule disagree in {}{}: only the rule decides what a layer keeps",
                     fmt::join(named, ", "),
                     others > 0 ? fmt::format(" and {} more", others) : std::string());
}

}  // namespace

std::vector<int> layers_of_another_class(const Budget& budget) {
  const RetentionPlan plan(budget);
  std::int64_t most_efficient = -1;
  std::int64_t most_demanding = -1;
  for (int layer = 0; layer < plan.layers(); ++layer) {
    const bool demanding =
        budget.layers[static_cast<std::size_t>(layer)].layer_class == LayerClass::demanding;
    std::int64_t& most = demanding ? most_demanding : most_efficient;
    most = std::max(most, plan.most_held_head_tokens(layer));
  }
  std::vector<int> layers;
  for (int layer = 0; layer < plan.layers(); ++layer) {
    const LayerBudget& entry = budget.layers[static_cast<std::size_t>(layer)];
    const bool keeps_all = entry.rule == LayerRule(KeepAll{});
    const std::int64_t held = plan.most_held_head_tokens(layer);
    const bool agrees = entry.layer_class == LayerClass::efficient
                            ? !keeps_all
                            : keeps_all || (held > most_efficient && held == most_demanding);
    if (!agrees) layers.push_back(layer);
  }
  return layers;
}

bool expectation_holds(const Budget& budget) {
  if (!budget.expected) return true;
  const BudgetExpectation& stated = *budget.expected;
  const BudgetExpectation now = expectation_of(budget);
  return stated.logical_peak_bytes == now.logical_peak_bytes &&
         (!stated.resident_peak_bytes || stated.resident_peak_bytes == now.resident_peak_bytes);
}

std::vector<std::string> doubts_of(const Budget& budget) {
  std::vector<std::string> doubts;
  if (!expectation_holds(budget)) doubts.push_back(stale_expectation(budget));
  const std::vector<int> layers = layers_of_another_class(budget);
  if (!layers.empty()) doubts.push_back(wrong_classes(budget, layers));
  return doubts;
}

std::string memory_doubt(const Budget& budget, const KvShape& shape) {
  const std::optional<std::int64_t> limit = resident_limit(budget);
  if (!limit) return "";
  const std::int64_t needed = resident_bytes(budget, shape);
  if (needed <= *limit) return "";
  const auto counted_in = [](std::int64_t batch, std::int64_t key, std::int64_t value) {
    return fmt::format("batch {}, K {} B + V {} B an element", batch, key, value);
  };
  const BudgetExpectation& stated = *budget.expected;
  return fmt::format(
      "planned for {} of K and V, but this run's buffers take {} ({}); the plan was for {}",
      format_bytes(*limit, digits), format_bytes(needed, digits),
      counted_in(shape.samples(), shape.key_element_bytes, shape.value_element_bytes),
      counted_in(stated.batch, stated.key_element_bytes, stated.value_element_bytes));
}

}  // namespace kvscope
