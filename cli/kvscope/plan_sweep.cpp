#include "cli/kvscope/plan_sweep.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/planner/explanation.h"
#include "analysis/planner/plan_json.h"
#include "analysis/sweep/best_cell.h"
#include "core/base/error.h"
#include "core/base/table.h"
#include "core/base/terminal.h"
#include "core/base/text_wrap.h"

namespace kvscope::cli {
namespace {

CellMeasure measure_of(const SweepQuestion& question) {
  return question.by.empty() ? CellMeasure::tokens : parse_cell_measure(question.by);
}

nlohmann::json totals_json(const Budget& budget) {
  const BudgetExpectation bytes = expectation_of(budget);
  const Budget vanilla = vanilla_budget(budget.model);
  const KvShape shape = kv_shape(budget);
  const RetentionPlan plan(vanilla);
  const auto denominator = [&](Denominator of) {
    return denominator_bytes(of, plan.schedule(), plan.layers(), shape);
  };
  return {{"batch", bytes.batch},
          {"key_element_bytes", bytes.key_element_bytes},
          {"value_element_bytes", bytes.value_element_bytes},
          {"logical_peak_bytes", bytes.logical_peak_bytes},
          {"resident_peak_bytes", *bytes.resident_peak_bytes},
          {"ratio_of_read", bytes.ratio_of_read},
          {"ratio_of_final", bytes.ratio_of_final},
          {"read_bytes", denominator(Denominator::read)},
          {"final_bytes", denominator(Denominator::final)},
          {"vanilla_resident_peak_bytes", resident_bytes(vanilla, shape)},
          {"limit", nlohmann::json()}};
}

}  // namespace

SweepChoice choose_best(const SweepQuestion& question, double ratio, Denominator of) {
  const MeasuredSweep sweep = load_measured_sweep(question.best);
  BestCell best = best_cell(sweep, ratio, of, measure_of(question));
  return {std::move(best.budget), std::move(best.why)};
}

std::string to_text(const SweepChoice& choice) {
  const KvShape shape = kv_shape(choice.budget);
  const BudgetExpectation bytes = expectation_of(choice.budget);
  const int columns = text_columns();
  return fmt::format(
      "{}\n{}{}\nlogical peak {}, {:.1f} % of read, {:.1f} % of final; resident in a run {}\n",
      wrap_text(choice.why, columns),
      to_text(layer_table(kept_tokens(choice.budget, shape)), columns),
      wrap_text(legend(shape), columns), plan_bytes(bytes.logical_peak_bytes),
      100 * bytes.ratio_of_read, 100 * bytes.ratio_of_final,
      plan_bytes(*bytes.resident_peak_bytes));
}

nlohmann::json to_json(const SweepChoice& choice) {
  const nlohmann::json nothing;
  nlohmann::json layers = to_json(kept_tokens(choice.budget, kv_shape(choice.budget)));
  for (nlohmann::json& layer : layers) {
    for (const char* key : {"statistic", "low", "high", "stability"}) layer[key] = nothing;
  }
  return {{"schema", plan_schema},
          {"budget", to_json(choice.budget)},
          {"statistic", nothing},
          {"layers", std::move(layers)},
          {"totals", totals_json(choice.budget)},
          {"other_statistics", nothing},
          {"why", choice.why}};
}

std::string what_measured_better(const SweepQuestion& question, const std::string& statistic,
                                 double share_of_read, const std::string& weights_sha256) {
  const MeasuredSweep sweep = load_measured_sweep(question.shown);
  if (sweep.weights_sha256 != weights_sha256) {
    throw BadInput("plan", sweep.file, fmt::format("a sweep of the weights {}", weights_sha256),
                   fmt::format("one of {}", sweep.weights_sha256));
  }
  return better_statistic(sweep, statistic, share_of_read, measure_of(question));
}

}  // namespace kvscope::cli
