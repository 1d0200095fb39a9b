#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "analysis/layers/layer_statistic_values.h"
#include "core/budget/budget.h"

namespace kvscope {

/// Layers whose statistic is below θ are demanding.
struct BelowTheta {
  double theta = 0;
};

/// θ lies in the middle of the widest gap between neighbours of the sorted statistics. Of equal
/// gaps the lowest one is taken.
struct WidestGap {};

/// The layers with the lowest statistic are demanding. Of equal ones the lower index comes first.
struct MostDemanding {
  int layers = 0;
};

/// How demanding layers are told from efficient ones.
using ClassRule = std::variant<BelowTheta, WidestGap, MostDemanding>;

/// Layers in the order of demand: the lowest statistic first, of equal ones the lower index.
std::vector<std::size_t> demand_order(std::span<const double> statistic);

/// Class of every layer from its statistic.
std::vector<LayerClass> classify(std::span<const double> statistic, const ClassRule& rule);

/// A θ that tells the classes of `rule` apart, so that "below θ" gives the same classes. There is
/// none after a tie, or without an efficient layer. For the widest gap of equal statistics it lies
/// below every layer.
std::optional<double> theta_of(std::span<const double> statistic, const ClassRule& rule);

/// Share of the bootstrap resamples that give a layer the class it has. The rule is applied afresh
/// to each resample. NaN when there are no resamples.
std::vector<double> class_stability(const LayerStatisticValues& statistics, const ClassRule& rule);

}  // namespace kvscope
