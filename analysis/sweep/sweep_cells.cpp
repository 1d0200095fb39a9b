#include "analysis/sweep/sweep_cells.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope {
namespace {

SweepCell vanilla_cell(const ModelConfig& model) {
  return {.name = "vanilla",
          .statistic = "",
          .ratio = {},
          .layer = {},
          .budget = vanilla_budget(budget_model_of(model))};
}

// "random:3" at 0.4 → "random-3_0.4": a colon is no character for file names everywhere.
std::string cell_name(std::string statistic, double ratio) {
  std::replace(statistic.begin(), statistic.end(), ':', '-');
  return fmt::format("{}_{}", statistic, ratio);
}

void add_cell(SweepCells& cells, const LayerStatisticValues& statistics, const ModelConfig& model,
              PlanOptions options, double ratio) {
  options.choice = WithinRatio{.ratio = ratio, .of = Denominator::read};
  const std::string name = cell_name(statistics.name, ratio);
  try {
    cells.cells.push_back({.name = name,
                           .statistic = statistics.name,
                           .ratio = ratio,
                           .layer = {},
                           .budget = make_plan(statistics, model, options).budget});
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::failure) throw;
    cells.unreachable.push_back({name, statistics.name, ratio, error.what()});
  }
}

}  // namespace

SweepCells statistic_cells(const ModelConfig& model,
                           const std::vector<LayerStatisticValues>& statistics,
                           const std::vector<double>& ratios, PlanOptions options) {
  options.fill = true;
  SweepCells cells;
  cells.cells.push_back(vanilla_cell(model));
  std::set<std::string> names;
  for (const double ratio : ratios) {
    for (const LayerStatisticValues& statistic : statistics) {
      const std::string name = cell_name(statistic.name, ratio);
      if (!names.insert(name).second) {
        throw UsageError(fmt::format(
            "sweep: expected every statistic and ratio once, got the cell {} twice", name));
      }
      add_cell(cells, statistic, model, options, ratio);
    }
  }
  return cells;
}

void add_budget_cells(SweepCells& cells, const ModelConfig& model,
                      const std::vector<std::string>& files) {
  std::set<std::string> names = {"results"};
  for (const SweepCell& cell : cells.cells) names.insert(cell.name);
  for (const UnreachableCell& cell : cells.unreachable) names.insert(cell.name);
  for (const std::string& file : files) {
    SweepCell cell;
    cell.name = std::filesystem::path(file).stem().string();
    cell.budget = load_budget(file);
    check_budget_fits(cell.budget, model, file);
    if (!names.insert(cell.name).second) {
      throw UsageError(
          fmt::format("--budgets: expected files whose names no other cell has, got '{}' for {}",
                      cell.name, file));
    }
    cells.cells.push_back(std::move(cell));
  }
}

SweepCells single_layer_cells(const ModelConfig& model) {
  SweepCells cells;
  cells.cells.push_back(vanilla_cell(model));
  for (int layer = 0; layer < model.depth; ++layer) {
    SweepCell cell = vanilla_cell(model);
    cell.name = fmt::format("layer_{:02}", layer);
    cell.layer = layer;
    cell.budget.policy = ams_kv_policy;
    cell.budget.layers[static_cast<std::size_t>(layer)] = {LayerClass::efficient,
                                                           KeepLocal{default_condensed_scales, 0}};
    cells.cells.push_back(std::move(cell));
  }
  return cells;
}

}  // namespace kvscope
