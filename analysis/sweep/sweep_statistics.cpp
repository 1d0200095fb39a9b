#include "analysis/sweep/sweep_statistics.h"

#include <algorithm>
#include <utility>

#include "core/base/error.h"

namespace kvscope {
namespace {

void add_seeds(std::vector<StatisticChoice>& choices, const LayerStatisticKind& statistic) {
  if (!statistic.takes_seed) {
    choices.push_back({&statistic, 0});
    return;
  }
  for (std::uint64_t seed = 0; seed < seeds_of_a_statistic; ++seed) {
    choices.push_back({&statistic, seed});
  }
}

}  // namespace

std::vector<StatisticChoice> sweep_statistics(const std::vector<std::string>& names,
                                              bool damage_given) {
  std::vector<StatisticChoice> choices;
  if (names.empty()) {
    for (const LayerStatisticKind& statistic : all_layer_statistics()) {
      if (statistic.family == StatisticFamily::damage && !damage_given) continue;
      add_seeds(choices, statistic);
    }
    return choices;
  }
  for (const std::string& name : names) {
    if (const LayerStatisticKind* statistic = find_layer_statistic(name)) {
      add_seeds(choices, *statistic);
    } else {
      choices.push_back(parse_layer_statistic(name, "--statistics"));
    }
  }
  const bool asks_for_damage = std::ranges::any_of(choices, [](const StatisticChoice& choice) {
    return choice.statistic->family == StatisticFamily::damage;
  });
  if (damage_given && !asks_for_damage) {
    throw UsageError("--damage goes with the statistic damage, which --statistics does not name");
  }
  return choices;
}

std::vector<StatisticChoice> damage_predictors(bool damage_given) {
  std::vector<StatisticChoice> choices;
  for (const LayerStatisticKind& statistic : all_layer_statistics()) {
    const bool measured = statistic.family == StatisticFamily::damage && damage_given;
    if (looks_at_the_analysis(statistic) || measured || statistic.name == "first") {
      choices.push_back({&statistic, 0});
    }
  }
  return choices;
}

SweepStatistics read_available(const StatisticSource& source,
                               const std::vector<StatisticChoice>& choices) {
  SweepStatistics statistics;
  for (const StatisticChoice& choice : choices) {
    try {
      statistics.read.push_back(choice.read(source));
    } catch (const Error& error) {
      const bool cannot =
          error.kind() == ErrorKind::failure || error.kind() == ErrorKind::bad_input;
      if (!cannot || !looks_at_the_analysis(*choice.statistic)) throw;
      if (statistics.left_out.empty()) statistics.why = error.what();
      statistics.left_out.emplace_back(choice.statistic->name);
    }
  }
  return statistics;
}

SweepStatistics read_all(const StatisticSource& source,
                         const std::vector<StatisticChoice>& choices) {
  SweepStatistics statistics;
  for (const StatisticChoice& choice : choices) statistics.read.push_back(choice.read(source));
  return statistics;
}

std::vector<PlanNotice> sweep_notices(const CaptureReader& analysis,
                                      const std::vector<LayerStatisticValues>& statistics) {
  std::vector<PlanNotice> notices;
  for (const LayerStatisticValues& values : statistics) {
    for (PlanNotice& notice : plan_notices({.file = &analysis,
                                            .statistic = find_chosen_statistic(values.name),
                                            .values = &values})) {
      const bool known = std::ranges::any_of(
          notices, [&](const PlanNotice& other) { return other.text == notice.text; });
      if (!known) notices.push_back(std::move(notice));
    }
  }
  return notices;
}

}  // namespace kvscope
