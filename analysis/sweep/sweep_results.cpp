#include "analysis/sweep/sweep_results.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>

#include "analysis/compare/file_forced.h"
#include "analysis/compare/file_scores.h"
#include "analysis/compare/loaded_capture.h"
#include "analysis/compare/memory_figures.h"
#include "analysis/compare/same_draws.h"
#include "analysis/layers/rank_correlation.h"
#include "analysis/layers/statistic_list.h"
#include "core/base/error.h"

namespace kvscope {
namespace {

using CellFigure = std::function<std::optional<double>(const CellResult&)>;

void compare_draws(CellResult& result, const LoadedCapture& vanilla, const LoadedCapture& file) {
  if (const std::string why = why_draws_differ(vanilla, file); !why.empty()) {
    throw BadInput("sweep", file.path, "the draws of " + vanilla.path, why);
  }
  result.token_agreement = token_agreement(vanilla, file).overall;
  const ImageFidelity fidelity = image_fidelity(vanilla, file);
  if (fidelity.unreadable > 0) {
    throw BadInput("sweep", file.path, "a PNG beside it for every sample", fidelity.unreadable_why);
  }
  result.nonfinite_images = fidelity.nonfinite;
  result.psnr_mean_db = fidelity.psnr_mean_db;
  result.psnr_median_db = fidelity.psnr_median_db;
  result.ssim_mean = fidelity.ssim_mean;
}

// Nothing unless every cell has the figure.
std::optional<MeanSpread> over_seeds(const std::vector<const CellResult*>& cells,
                                     const CellFigure& figure) {
  std::vector<double> values;
  for (const CellResult* cell : cells) {
    const std::optional<double> value = figure(*cell);
    if (!value || std::isnan(*value)) return std::nullopt;
    values.push_back(*value);
  }
  const auto count = static_cast<double>(values.size());
  MeanSpread result;
  result.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.spread =
      count > 1 ? std::sqrt(squares / (count - 1)) : std::numeric_limits<double>::quiet_NaN();
  return result;
}

std::optional<double> accuracy(const CellResult& cell) {
  if (!cell.scores || std::isnan(cell.scores->class_accuracy.value)) return std::nullopt;
  return cell.scores->class_accuracy.value;
}

std::optional<double> frechet(const CellResult& cell) {
  if (!cell.scores || std::isnan(cell.scores->demo_frechet_distance.value)) return std::nullopt;
  return cell.scores->demo_frechet_distance.value;
}

std::optional<double> difference(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return std::nullopt;
  return *a - *b;
}

std::optional<double> frechet_rise(const CellResult& vanilla, const CellResult& cell) {
  return distances_compare(vanilla.scored_samples(), cell.scored_samples())
             ? difference(frechet(cell), frechet(vanilla))
             : std::nullopt;
}

std::optional<MeanSpread> frechet_over_seeds(const std::vector<const CellResult*>& cells) {
  const bool compare = std::all_of(cells.begin(), cells.end(), [&](const CellResult* cell) {
    return distances_compare(cells.front()->scored_samples(), cell->scored_samples());
  });
  return compare ? over_seeds(cells, frechet) : std::nullopt;
}

// [layer]; nothing when a layer lacks it.
using DamageMeasure = std::optional<double> (*)(const LayerDamage&);

struct NamedMeasure {
  const char* name;
  DamageMeasure of;
};

constexpr NamedMeasure measures[] = {
    {"accuracy_drop", [](const LayerDamage& layer) { return layer.accuracy_drop; }},
    {"frechet_rise", [](const LayerDamage& layer) { return layer.frechet_rise; }},
    {"token_disagreement",
     [](const LayerDamage& layer) { return std::optional(layer.token_disagreement); }},
};

std::optional<std::vector<double>> measured(const std::vector<LayerDamage>& damage,
                                            const NamedMeasure& measure) {
  std::vector<double> values;
  values.reserve(damage.size());
  for (const LayerDamage& layer : damage) {
    const std::optional<double> value = measure.of(layer);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

}  // namespace

std::vector<int> CellResult::demanding_layers() const {
  std::vector<int> layers;
  for (std::size_t layer = 0; layer < cell.budget.layers.size(); ++layer) {
    if (cell.budget.layers[layer].layer_class == LayerClass::demanding) {
      layers.push_back(static_cast<int>(layer));
    }
  }
  return layers;
}

std::optional<std::int64_t> CellResult::scored_samples() const {
  return scores ? std::optional(scores->samples) : std::nullopt;
}

CellResult cell_result(const SweepCell& cell, const LoadedCapture& vanilla,
                       const LoadedCapture& file) {
  check_same_model(vanilla.record, file.record, file.path);
  CellResult result;
  result.cell = cell;
  result.file = file.path;
  result.capture_id = file.record.capture_id;
  const KvShape shape = kv_shape_of(file);
  const MemoryFigures memory = memory_figures(file, shape);
  result.logical_peak_bytes = memory.logical_peak_bytes;
  result.share_of_read = memory.change_of_read + 1;
  result.share_of_final = memory.change_of_final + 1;
  result.scores = file.scores;
  result.problems = data_problems(file, cell.name);
  if (file.record.capture_id != vanilla.record.capture_id) {
    result.forced = forced_against(vanilla, file);
    compare_draws(result, vanilla, file);
  }
  return result;
}

std::vector<DataProblem> problems_of(const SweepResults& results) {
  std::vector<DataProblem> problems;
  for (const CellResult& cell : results.cells) {
    problems.insert(problems.end(), cell.problems.begin(), cell.problems.end());
  }
  return problems;
}

std::vector<RandomSummary> random_summaries(const std::vector<CellResult>& cells) {
  std::map<double, std::vector<const CellResult*>, std::greater<>> by_ratio;
  for (const CellResult& cell : cells) {
    if (cell.cell.ratio && chosen_at_random(cell.cell.statistic)) {
      by_ratio[*cell.cell.ratio].push_back(&cell);
    }
  }
  std::vector<RandomSummary> summaries;
  for (const auto& [ratio, seeds] : by_ratio) {
    if (seeds.size() < 2) continue;
    const auto mean = [&seeds = seeds](const CellFigure& figure) {
      return over_seeds(seeds, figure);
    };
    summaries.push_back(
        {.ratio = ratio,
         .seeds = static_cast<int>(seeds.size()),
         .share_of_read = mean([](const CellResult& cell) { return cell.share_of_read; })->mean,
         .share_of_final = mean([](const CellResult& cell) { return cell.share_of_final; })->mean,
         .class_accuracy = mean(accuracy),
         .demo_frechet_distance = frechet_over_seeds(seeds),
         .token_agreement = mean([](const CellResult& cell) { return cell.token_agreement; }),
         .psnr_mean_db = mean([](const CellResult& cell) { return cell.psnr_mean_db; }),
         .ssim_mean = mean([](const CellResult& cell) { return cell.ssim_mean; })});
  }
  return summaries;
}

std::vector<LayerDamage> layer_damage(const std::vector<CellResult>& cells) {
  const CellResult& vanilla = cells.front();
  std::vector<LayerDamage> damage;
  for (const CellResult& cell : cells) {
    if (!cell.cell.layer) continue;
    damage.push_back({.accuracy_drop = difference(accuracy(vanilla), accuracy(cell)),
                      .frechet_rise = frechet_rise(vanilla, cell),
                      .token_disagreement = 1 - cell.token_agreement.value()});
  }
  return damage;
}

std::vector<DamageCorrelation> damage_correlations(
    const std::vector<LayerStatisticValues>& statistics, const std::vector<LayerDamage>& damage) {
  std::vector<DamageCorrelation> correlations;
  for (const LayerStatisticValues& statistic : statistics) {
    std::vector<double> demand;
    demand.reserve(statistic.mean.size());
    for (const double value : statistic.mean) demand.push_back(-value);
    for (const NamedMeasure& measure : measures) {
      const std::optional<std::vector<double>> values = measured(damage, measure);
      if (!values) continue;
      correlations.push_back({.statistic = statistic.name,
                              .measure = measure.name,
                              .rank_correlation = rank_correlation(demand, *values),
                              .p_value = permutation_p_value(demand, *values)});
    }
  }
  return correlations;
}

}  // namespace kvscope
