#include "analysis/layers/control_statistic.h"

#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/base/random_mode.h"

namespace kvscope {
namespace {

LayerStatisticValues named(std::string name, std::string meaning, std::vector<double> ranks) {
  LayerStatisticValues statistics = layer_statistic_values(std::move(ranks), LayerDemand::ordered);
  statistics.name = std::move(name);
  statistics.meaning = std::move(meaning);
  return statistics;
}

std::vector<double> ascending(int layers) {
  std::vector<double> ranks(static_cast<std::size_t>(layers));
  std::iota(ranks.begin(), ranks.end(), 0.0);
  return ranks;
}

}  // namespace

LayerStatisticValues uniform_layers(int layers) {
  LayerStatisticValues statistics =
      layer_statistic_values(std::vector<double>(static_cast<std::size_t>(layers),
                                                 std::numeric_limits<double>::quiet_NaN()),
                             LayerDemand::none);
  statistics.name = "uniform";
  statistics.meaning = "no classes, all layers alike";
  return statistics;
}

LayerStatisticValues first_layers(int layers) {
  return named("first", "rank from the first layer", ascending(layers));
}

LayerStatisticValues last_layers(int layers) {
  std::vector<double> ranks = ascending(layers);
  return named("last", "rank from the last layer", {ranks.rbegin(), ranks.rend()});
}

LayerStatisticValues random_layers(int layers, std::uint64_t seed) {
  std::vector<double> ranks = ascending(layers);
  // Fisher–Yates by hand: std::shuffle draws differently in every standard library.
  for (std::size_t end = ranks.size(); end > 1; --end) {
    std::swap(ranks[end - 1], ranks[splitmix64(seed, end) % end]);
  }
  return named(fmt::format("random:{}", seed), fmt::format("random rank of seed {}", seed),
               std::move(ranks));
}

}  // namespace kvscope
