#include "analysis/sweep/sweep_cells.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/capture/capture_reader.h"

namespace kvscope {
namespace {

SweepCell vanilla_cell(const ModelConfig& model) {
  return {.name = "vanilla",
          .policy = "",
          .ratio = {},
          .layer = {},
          .budget = vanilla_budget(budget_model_of(model))};
}

// "random:3" at 0.4 → "random-3_0.4": a colon is no character for file names everywhere.
std::string cell_name(std::string policy, double ratio) {
  std::replace(policy.begin(), policy.end(), ':', '-');
  return fmt::format("{}_{}", policy, ratio);
}

void add_cell(SweepCells& cells, const LayerStatistics& statistics, const ModelConfig& model,
              PlanOptions options, double ratio) {
  options.choice = WithinRatio{.ratio = ratio, .of = Denominator::read};
  const std::string name = cell_name(statistics.name, ratio);
  try {
    cells.cells.push_back({.name = name,
                           .policy = statistics.name,
                           .ratio = ratio,
                           .layer = {},
                           .budget = make_plan(statistics, model, options).budget});
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::failure) throw;
    cells.unreachable.push_back({name, statistics.name, ratio, error.what()});
  }
}

}  // namespace

std::vector<StatisticChoice> parse_policies(const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const std::string& name : names) {
    if (name == "random") {
      for (int seed = 0; seed < random_seeds; ++seed) all.push_back(fmt::format("random:{}", seed));
    } else {
      all.push_back(name);
    }
  }
  std::vector<StatisticChoice> policies;
  for (auto name = all.begin(); name != all.end(); ++name) {
    if (std::find(all.begin(), name, *name) != name) {
      throw UsageError(fmt::format("policies: expected each once, got '{}' twice", *name));
    }
    policies.push_back(parse_layer_statistic(*name, "--policies"));
  }
  return policies;
}

std::vector<std::string> default_policies(bool with_damage) {
  std::vector<std::string> names;
  for (const LayerStatistic& statistic : all_layer_statistics()) {
    if (statistic.family == StatisticFamily::damage && !with_damage) continue;
    names.emplace_back(statistic.name);
  }
  return names;
}

SweepCells policy_cells(const StatisticSource& source, const std::vector<StatisticChoice>& policies,
                        const std::vector<double>& ratios, PlanOptions options) {
  const RunRecord& record = source.analysis.record();
  options.fill = true;
  options.capture_id = record.capture_id;
  std::vector<LayerStatistics> statistics;
  statistics.reserve(policies.size());
  for (const StatisticChoice& policy : policies) statistics.push_back(policy.read(source));
  SweepCells cells;
  cells.cells.push_back(vanilla_cell(record.model));
  for (const double ratio : ratios) {
    for (const LayerStatistics& policy : statistics) {
      add_cell(cells, policy, record.model, options, ratio);
    }
  }
  return cells;
}

SweepCells single_layer_cells(const ModelConfig& model) {
  SweepCells cells;
  cells.cells.push_back(vanilla_cell(model));
  for (int layer = 0; layer < model.depth; ++layer) {
    SweepCell cell = vanilla_cell(model);
    cell.name = fmt::format("layer_{:02}", layer);
    cell.layer = layer;
    cell.budget.policy = ams_kv_policy;
    cell.budget.layers[static_cast<std::size_t>(layer)] = {LayerClass::efficient, KeepLocal{2, 0}};
    cells.cells.push_back(std::move(cell));
  }
  return cells;
}

}  // namespace kvscope
