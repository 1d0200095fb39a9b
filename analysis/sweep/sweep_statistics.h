#pragma once

#include <string>
#include <vector>

#include "analysis/layers/statistic_list.h"
#include "analysis/views/plan_notices.h"

namespace kvscope {

/// Seeds that a statistic named without one stands for.
inline constexpr int seeds_of_a_statistic = 5;

/// What chooses the layers of a sweep, from the names of statistics. A statistic that takes a seed
/// and is named without one stands for several seeds. No names stand for every statistic, for
/// damage only when there is a file of it. Throws UsageError as parse_layer_statistic does, and for
/// a file of damage that no name asks for.
std::vector<StatisticChoice> sweep_statistics(const std::vector<std::string>& names,
                                              bool damage_given);

/// What the damage of single layers is held against: whatever looks at the model, the order of the
/// layers, and damage that another sweep measured.
std::vector<StatisticChoice> damage_predictors(bool damage_given);

struct SweepStatistics {
  std::vector<LayerStatisticValues> read;
  std::vector<std::string> left_out;  ///< names of those that the analysis cannot give
  std::string why;                    ///< of the first
};

/// Reads them, and leaves out those that the analysis cannot give. Throws BadInput and Error for
/// those that come from elsewhere.
SweepStatistics read_available(const StatisticSource& source,
                               const std::vector<StatisticChoice>& choices);

/// Reads them all. Throws like the statistics.
SweepStatistics read_all(const StatisticSource& source,
                         const std::vector<StatisticChoice>& choices);

/// What `plan` would say of planning from the file by these statistics, each sentence once.
std::vector<PlanNotice> sweep_notices(const CaptureReader& analysis,
                                      const std::vector<LayerStatisticValues>& statistics);

}  // namespace kvscope
