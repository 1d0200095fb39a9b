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

/// θ lies in the middle of the widest gap between neighbours of the sorted statistics; of equal
/// gaps, in the lowest.
struct WidestGap {};

/// The layers with the lowest statistic are demanding; of equal ones, the lower index first.
struct MostDemanding {
  int layers = 0;
};

/// How demanding layers are told from efficient ones.
using ClassRule = std::variant<BelowTheta, WidestGap, MostDemanding>;

/// Layers from the most demanding one on: the lowest statistic, of equal ones the lower index.
std::vector<std::size_t> demand_order(std::span<const double> statistic);

/// Class of every layer from its statistic.
std::vector<LayerClass> classify(std::span<const double> statistic, const ClassRule& rule);

/// A θ that tells the classes of `rule` apart, so that "below θ" gives the same classes; nothing
/// when a tie or the lack of an efficient layer leaves none. With no gap at all the widest gap is
/// below every layer.
std::optional<double> theta_of(std::span<const double> statistic, const ClassRule& rule);

/// Share of bootstrap resamples in which each layer gets the class it has, the rule applied afresh
/// to each resample. NaN when there are no resamples.
std::vector<double> class_stability(const LayerStatisticValues& statistics, const ClassRule& rule);

}  // namespace kvscope
