#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/layers/layer_statistic_values.h"
#include "analysis/planner/planner.h"
#include "core/budget/budget.h"

namespace kvscope {

/// One run of a sweep.
struct SweepCell {
  std::string name;             ///< of its files: "vanilla", "cosine-key_0.4", "layer_03"
  std::string statistic;        ///< statistic that chose the layers; empty where none did: vanilla,
                                ///< single layers, budgets of the user's own
  std::optional<double> ratio;  ///< asked for, of `read`
  std::optional<int> layer;     ///< the only condensed one
  Budget budget;
};

/// A cell that no budget can fill.
struct UnreachableCell {
  std::string name;
  std::string statistic;
  double ratio = 0;
  std::string why;  ///< names the smallest reachable ratio
};

struct SweepCells {
  std::vector<SweepCell> cells;  ///< the vanilla cache first
  std::vector<UnreachableCell> unreachable;
};

/// A cell for each ratio (of `read`) and statistic, ratio by ratio. The bytes are filled up as far
/// as they go, so that the cells of a ratio compare. `options` says what bytes are counted in, and
/// what the statistics come from. Throws UsageError for two cells of one name, and like make_plan
/// for anything but an unreachable ratio.
SweepCells statistic_cells(const ModelConfig& model,
                           const std::vector<LayerStatisticValues>& statistics,
                           const std::vector<double>& ratios, PlanOptions options);

/// Adds a cell for each budget file, named as the file without its extension. Throws BadInput for a
/// file that is no budget or one of another model, UsageError for a name that another cell has or
/// that the folder of a sweep uses itself.
void add_budget_cells(SweepCells& cells, const ModelConfig& model,
                      const std::vector<std::string>& files);

/// A cell for each layer, in which that layer keeps its condensed scales and all others everything.
SweepCells single_layer_cells(const ModelConfig& model);

}  // namespace kvscope
