#include "analysis/planner/planner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/units.h"
#include "core/budget/choice_names.h"
#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"
#include "core/budget/retention_plan.h"

namespace kvscope {
namespace {

// What the choice comes down to: how classes are told and what the efficient layers keep.
struct Decision {
  ClassRule class_rule;
  LayerRule efficient;
};

bool has_limit(const PlanChoice& choice) {
  return std::holds_alternative<WithinRatio>(choice) || std::holds_alternative<WithinBytes>(choice);
}

std::string_view name_of_choice(const PlanChoice& choice) {
  // In the order of PlanChoice.
  static constexpr std::string_view names[] = {choice_names::widest_gap, choice_names::threshold,
                                               choice_names::demanding_layers, choice_names::ratio,
                                               choice_names::kv_memory};
  return names[choice.index()];
}

bool solves_capacity(const PlanOptions& options) {
  return has_limit(options.choice) && !options.whole_scales && !options.efficient.local_scales &&
         !options.efficient.capacity_tokens;
}

LayerRule efficient_rule(const EfficientRule& rule, int otherwise_local_scales) {
  if (rule.capacity_tokens) return KeepCapacity{rule.condensed_scales, *rule.capacity_tokens};
  return KeepLocal{rule.condensed_scales, rule.local_scales.value_or(otherwise_local_scales)};
}

void check_rules(const PlanOptions& options, const ScaleSchedule& schedule) {
  const EfficientRule& efficient = options.efficient;
  if (efficient.local_scales && efficient.capacity_tokens) {
    throw UsageError("efficient rule: expected local scales or a capacity, got both");
  }
  const auto check = [&](LayerClass layer_class, const LayerRule& rule) {
    if (const auto wrong = rule.problem(schedule)) {
      throw UsageError(fmt::format("{} rule: expected {} to be {}, got {}", name_of(layer_class),
                                   wrong->field, wrong->expected, wrong->got));
    }
  };
  check(LayerClass::efficient, efficient_rule(efficient, default_local_scales));
  check(LayerClass::demanding, options.demanding);
}

void check_options(const PlanOptions& options, const ScaleSchedule& schedule) {
  check_rules(options, schedule);
  if (options.batch < 1) {
    throw UsageError(fmt::format("batch: expected at least 1, got {}", options.batch));
  }
  if (const auto* asked = std::get_if<WithinRatio>(&options.choice);
      asked != nullptr && !(asked->ratio > 0 && asked->ratio <= 1)) {
    throw UsageError(fmt::format("ratio: expected above 0 and at most 1, got {}", asked->ratio));
  }
  if (const auto* asked = std::get_if<BelowTheta>(&options.choice);
      asked != nullptr && !std::isfinite(asked->theta)) {
    throw UsageError(fmt::format("threshold: expected a finite number, got {}", asked->theta));
  }
  if (options.fill && !solves_capacity(options)) {
    throw UsageError(
        "fill: expected a limit (ratio or bytes) that a capacity of efficient layers is solved "
        "for, got none");
  }
}

void check_choice(const PlanChoice& choice, const LayerStatisticValues& statistics) {
  const bool needs_values =
      std::holds_alternative<BelowTheta>(choice) || std::holds_alternative<WidestGap>(choice);
  if (statistics.demand == LayerDemand::ordered && needs_values) {
    throw UsageError(fmt::format(
        "statistic {}: expected a limit or a number of demanding layers, as it only orders the "
        "layers, got {}",
        statistics.name, name_of_choice(choice)));
  }
  const bool chooses_layers =
      std::holds_alternative<BelowTheta>(choice) || std::holds_alternative<MostDemanding>(choice);
  if (statistics.demand == LayerDemand::none && chooses_layers) {
    throw UsageError(fmt::format("statistic {}: expected no choice of layers, got {}",
                                 statistics.name, name_of_choice(choice)));
  }
}

PlanExplanation denominators(const ModelConfig& config, const PlanOptions& options) {
  PlanExplanation explanation;
  const BudgetModel model = budget_model_of(config);
  explanation.shape =
      kv_shape(model, options.batch, options.key_element_bytes, options.value_element_bytes);
  explanation.batch = options.batch;
  const ScaleSchedule schedule = config.schedule();
  explanation.read_bytes =
      denominator_bytes(Denominator::read, schedule, config.depth, explanation.shape);
  explanation.final_bytes =
      denominator_bytes(Denominator::final, schedule, config.depth, explanation.shape);
  if (const auto* asked = std::get_if<WithinRatio>(&options.choice)) {
    explanation.limit = {bytes_within_ratio(asked->ratio, explanation.bytes_of(asked->of)),
                         KvBytes::logical};
    explanation.ratio = *asked;
  } else if (const auto* bytes = std::get_if<WithinBytes>(&options.choice)) {
    explanation.limit = {bytes->bytes, KvBytes::resident};
  }
  explanation.vanilla_resident_bytes = resident_bytes(vanilla_budget(model), explanation.shape);
  return explanation;
}

// As --kv-memory takes it.
std::string bytes_exactly(std::int64_t bytes) { return fmt::format("{} B", bytes); }

[[noreturn]] void fail_unreachable(const PlanExplanation& explanation, const PlanOptions& options,
                                   std::int64_t smallest_bytes) {
  if (!explanation.ratio) {
    throw Error(fmt::format(
        "[plan] limit: expected at least {} ({}), what the K and V buffers of the smallest budget "
        "take at batch {}, got {}",
        format_bytes(smallest_bytes), bytes_exactly(smallest_bytes), options.batch,
        bytes_exactly(explanation.limit->bytes)));
  }
  const Denominator of = explanation.ratio->of;
  const std::int64_t whole = explanation.bytes_of(of);
  // Rounded up, so that asking for the printed ratio works.
  const double smallest =
      std::ceil(1e4 * static_cast<double>(smallest_bytes) / static_cast<double>(whole)) / 1e4;
  throw Error(fmt::format(
      "[plan] limit: expected at least {:.4f} of {}, the smallest reachable ratio ({} bytes at "
      "batch {}), got {}",
      smallest, name_of(of), smallest_bytes, options.batch, explanation.ratio->ratio));
}

// The most demanding layers that fit beside the smallest efficient rule, then the largest capacity
// for the efficient ones.
Decision solve_limit(const BudgetModel& model, const PlanOptions& options, LayerDemand demand,
                     const PlanExplanation& explanation) {
  const LayerRule floor = efficient_rule(options.efficient, 0);
  const KvShape& shape = explanation.shape;
  const ByteLimit& limit = *explanation.limit;
  const LayerRule& demanding = demand == LayerDemand::none ? floor : options.demanding;
  int count = most_demanding_within(model, demanding, floor, shape, limit);
  if (count < 0) {
    std::int64_t smallest = std::numeric_limits<std::int64_t>::max();
    for (int layers = 0; layers <= model.depth; ++layers) {
      smallest =
          std::min(smallest, peak_of_counts(model, layers, demanding, floor, shape, limit.of));
    }
    fail_unreachable(explanation, options, smallest);
  }
  if (demand == LayerDemand::none) count = 0;
  if (!solves_capacity(options) || count == model.depth) {
    return {.class_rule = MostDemanding{count}, .efficient = floor};
  }
  return {.class_rule = MostDemanding{count},
          .efficient = largest_capacity_within(model, count, options.demanding,
                                               options.efficient.condensed_scales, shape, limit)};
}

Decision decide(const BudgetModel& model, const PlanOptions& options, LayerDemand demand,
                const PlanExplanation& explanation) {
  if (has_limit(options.choice)) return solve_limit(model, options, demand, explanation);
  const LayerRule efficient = efficient_rule(options.efficient, default_local_scales);
  if (demand == LayerDemand::none) return {.class_rule = MostDemanding{0}, .efficient = efficient};
  if (const auto* theta = std::get_if<BelowTheta>(&options.choice)) {
    return {.class_rule = *theta, .efficient = efficient};
  }
  if (const auto* most = std::get_if<MostDemanding>(&options.choice)) {
    return {.class_rule = *most, .efficient = efficient};
  }
  return {.class_rule = WidestGap{}, .efficient = efficient};
}

BudgetOrigin origin_of(const PlanOptions& options, const LayerStatisticValues& statistics,
                       const PlanExplanation& explanation) {
  BudgetOrigin origin;
  origin.capture_id = options.capture_id;
  origin.statistic = statistics.name;
  if (explanation.theta) origin.theta = statistics.shown(*explanation.theta);  // as held
  origin.fill = options.fill;
  const bool decides =
      statistics.demand != LayerDemand::none || !std::holds_alternative<WidestGap>(options.choice);
  if (decides) origin.choice = name_of_choice(options.choice);
  if (const auto* most = std::get_if<MostDemanding>(&options.choice)) {
    origin.demanding_layers = most->layers;
  } else if (const auto* ratio = std::get_if<WithinRatio>(&options.choice)) {
    origin.ratio = ratio->ratio;
    origin.of = name_of(ratio->of);
  } else if (const auto* limit = std::get_if<WithinBytes>(&options.choice)) {
    origin.kv_memory_bytes = limit->bytes;
  }
  return origin;
}

PlanRow row_of(KeptTokens kept, const LayerStatisticValues& statistics, double stability) {
  const auto index = static_cast<std::size_t>(kept.layer);
  PlanRow row{std::move(kept)};
  row.statistic = statistics.shown(statistics.mean[index]);
  const Interval interval = statistics.shown_interval(index);
  row.low = interval.low;
  row.high = interval.high;
  row.stability = stability;
  return row;
}

void explain(PlanExplanation& explanation, const LayerStatisticValues& statistics,
             const Budget& budget, const Decision& decision) {
  explanation.confidence = statistics.confidence;
  explanation.high_is_demanding = statistics.negated;
  explanation.logical_peak_bytes = peak_bytes(budget, explanation.shape, KvBytes::logical);
  explanation.resident_peak_bytes = peak_bytes(budget, explanation.shape, KvBytes::resident);
  std::vector<double> stability(budget.layers.size(), std::numeric_limits<double>::quiet_NaN());
  if (statistics.demand != LayerDemand::none) {
    stability = class_stability(statistics, decision.class_rule);
  }
  if (statistics.demand == LayerDemand::measured) {
    const std::optional<double> theta = theta_of(statistics.mean, decision.class_rule);
    if (theta) explanation.theta = statistics.shown(*theta);
  }
  for (KeptTokens& kept : kept_tokens(budget, explanation.shape)) {
    explanation.demanding_layers += kept.layer_class == LayerClass::demanding ? 1 : 0;
    const double of_layer = stability[static_cast<std::size_t>(kept.layer)];
    explanation.rows.push_back(row_of(std::move(kept), statistics, of_layer));
  }
}

}  // namespace

double PlanExplanation::ratio_of(Denominator denominator) const {
  return static_cast<double>(logical_peak_bytes) / static_cast<double>(bytes_of(denominator));
}

std::int64_t PlanExplanation::bytes_of(Denominator denominator) const {
  return denominator == Denominator::read ? read_bytes : final_bytes;
}

double PlanExplanation::vanilla_ratio_of_final() const {
  return static_cast<double>(read_bytes) / static_cast<double>(final_bytes);
}

Plan make_plan(const LayerStatisticValues& statistics, const ModelConfig& config,
               const PlanOptions& options) {
  check_options(options, config.schedule());
  check_choice(options.choice, statistics);
  if (statistics.layers() != config.depth) {
    throw Error(fmt::format("[plan] layer statistic: expected {} layers, got {}", config.depth,
                            statistics.layers()));
  }
  const BudgetModel model = budget_model_of(config);
  Plan plan;
  plan.explanation = denominators(config, options);
  const Decision decision = decide(model, options, statistics.demand, plan.explanation);
  const std::vector<LayerClass> classes = classify(statistics.mean, decision.class_rule);
  if (std::holds_alternative<WidestGap>(decision.class_rule) &&
      std::count(classes.begin(), classes.end(), LayerClass::demanding) == 0) {
    throw Error("[plan] layer statistic: expected a gap between layers, got equal values");
  }
  plan.budget = budget_of_classes(model, classes, options.demanding, decision.efficient);
  if (solves_capacity(options)) {
    const ByteLimit& limit = *plan.explanation.limit;
    const KvShape& shape = plan.explanation.shape;
    Budget filled = plan.budget;
    fill_capacities(filled, demand_order(statistics.mean), shape, limit);
    if (options.fill) {
      plan.budget = std::move(filled);
    } else {
      plan.explanation.filled_bytes = peak_bytes(filled, shape, limit.of);
    }
  }
  explain(plan.explanation, statistics, plan.budget, decision);
  plan.budget.rule = origin_of(options, statistics, plan.explanation);
  plan.budget.expected = expectation_of(plan.budget, options.batch, options.key_element_bytes,
                                        options.value_element_bytes);
  return plan;
}

}  // namespace kvscope
