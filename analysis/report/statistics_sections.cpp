#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "analysis/layers/similarity_statistic.h"
#include "analysis/layers/statistic_list.h"
#include "analysis/report/charts.h"
#include "analysis/report/markup.h"
#include "analysis/report/sections.h"

namespace kvscope {
namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

/// How the budget that is shown was made; nothing known without one.
BudgetOrigin origin_of(const ReportFiles& files) {
  if (files.budgets.empty()) return {};
  return files.budgets.front().budget.rule.value_or(BudgetOrigin{});
}

/// The similarity that the budget was made from, or the default of the layer rule.
struct Similarity {
  Metric metric = Metric::cosine;
  KvTensor tensor = KvTensor::key;

  std::string name() const {
    return fmt::format("{} similarity of {}", metric == Metric::cosine ? "cosine" : "neg_l2",
                       tensor == KvTensor::key ? "keys" : "values");
  }
};

Similarity chosen_similarity(const BudgetOrigin& origin) {
  const auto chosen = parse_similarity_statistic(origin.statistic);
  return chosen ? Similarity{chosen->first, chosen->second} : Similarity{};
}

/// The statistic that the budget was made from where it is one of the file's own, else the
/// similarity.
LayerStatistics shown_statistic(const CaptureReader& file, const Statistics& statistics,
                                const BudgetOrigin& origin) {
  const LayerStatistic* made_from = find_layer_statistic(origin.statistic);
  if (made_from != nullptr && made_from->family == StatisticFamily::attention &&
      statistics.has_mass()) {
    return made_from->read({file, ""}, 0);
  }
  const Similarity chosen = chosen_similarity(origin);
  return similarity_statistic(statistics, chosen.metric, chosen.tensor);
}

std::vector<std::string> numbers(std::int64_t first, std::int64_t end) {
  std::vector<std::string> names;
  for (std::int64_t i = first; i < end; ++i) names.push_back(std::to_string(i));
  return names;
}

double mean_over_heads(const NdArray<double>& similarity, std::int64_t layer, std::int64_t target,
                       std::int64_t source) {
  double sum = 0;
  for (std::int64_t head = 0; head < similarity.shape[1]; ++head) {
    sum += similarity(layer, head, target, source);
  }
  return sum / static_cast<double>(similarity.shape[1]);
}

NdArray<double> adjacent_map(const NdArray<double>& similarity) {
  const std::int64_t scales = similarity.shape[2];
  NdArray<double> map({similarity.shape[0], scales - 1});
  for (std::int64_t layer = 0; layer < similarity.shape[0]; ++layer) {
    for (std::int64_t target = 1; target < scales; ++target) {
      map(layer, target - 1) = mean_over_heads(similarity, layer, target, target - 1);
    }
  }
  return map;
}

/// [target ≥ 1, source]; NaN where source ≥ target.
NdArray<double> source_map(const NdArray<double>& similarity, std::int64_t layer) {
  const std::int64_t scales = similarity.shape[2];
  NdArray<double> map({scales - 1, scales - 1}, nan_value);
  for (std::int64_t target = 1; target < scales; ++target) {
    for (std::int64_t source = 0; source < target; ++source) {
      map(target - 1, source) = mean_over_heads(similarity, layer, target, source);
    }
  }
  return map;
}

/// From the smallest to the largest finite value of all maps: they share one legend.
ColorScale scale_over(const std::vector<NdArray<double>>& maps) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const NdArray<double>& map : maps) {
    for (const double value : map.data) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  return std::isfinite(low) ? ColorScale(low, high) : ColorScale(0, 1);
}

std::string figure(const std::string& svg, const std::string& caption) {
  return fmt::format("<figure>\n{}<figcaption>{}</figcaption></figure>\n", svg,
                     escape_markup(caption));
}

std::string scope_of(const CaptureReader& file, std::int64_t samples) {
  const RunSettings& settings = file.record().settings;
  return fmt::format("{}, {} samples, conditional rows, {} on {}, policy {}",
                     file.record().model.name, samples, settings.dtype, settings.device,
                     file.record().policy);
}

// A capture of some layers or heads only has no statistic for the others.
bool covers_every_layer(const NdArray<double>& per_sample) {
  return std::all_of(per_sample.data.begin(), per_sample.data.end(),
                     [](double value) { return std::isfinite(value); });
}

std::string incomplete_section(const std::string& id, const std::string& title,
                               const CaptureReader& file) {
  return section(
      id, title,
      paragraph(file.path() + " does not hold every layer, head and scale, so layers cannot be "
                              "compared with each other."));
}

}  // namespace

std::string similarity_section(const ReportFiles& files) {
  const CaptureReader* file = files.statistics_file();
  if (!file) return "";
  const Statistics statistics = *file->statistics();
  const Similarity chosen = chosen_similarity(origin_of(files));
  const NdArray<double>& similarity = statistics.similarity(chosen.metric, chosen.tensor);
  if (!covers_every_layer(statistics.layer_statistic(chosen.metric, chosen.tensor))) {
    return incomplete_section("similarity", "How alike the scales are", *file);
  }
  const LayerStatistics layers = similarity_statistic(statistics, chosen.metric, chosen.tensor);
  const auto lowest = std::min_element(layers.mean.begin(), layers.mean.end());
  const auto highest = std::max_element(layers.mean.begin(), layers.mean.end());
  const std::int64_t scales = similarity.shape[2];
  const std::vector<NdArray<double>> maps = {adjacent_map(similarity),
                                             source_map(similarity, lowest - layers.mean.begin()),
                                             source_map(similarity, highest - layers.mean.begin())};
  const ColorScale scale = scale_over(maps);

  const HeatMap adjacent{"Similarity of each scale to the one before, by layer",
                         "layer",
                         "target scale",
                         numbers(0, similarity.shape[0]),
                         numbers(1, scales),
                         maps[0],
                         chosen.name()};
  const auto of_layer = [&](const NdArray<double>& map, const std::string& which) {
    return heat_map({"Similarity of every target to every source scale, " + which, "target scale",
                     "source scale", numbers(1, scales), numbers(0, scales - 1), map, ""},
                    scale);
  };
  std::string body = paragraph(
      "The layer rule reads this: a layer whose scales resemble the one before (bright) can do "
      "with "
      "the newest history and the first scales; one whose scales keep changing (dark) is "
      "demanding.");
  body += paragraph("Mean over heads. " + scope_of(*file, statistics.samples) + ".", "scope");
  body += "<div class=\"maps\">\n";
  body += figure(heat_map(adjacent, scale), "Each scale against the one before, all layers");
  const std::string most =
      fmt::format("layer {}, the most demanding", lowest - layers.mean.begin());
  const std::string least =
      fmt::format("layer {}, the least demanding", highest - layers.mean.begin());
  body += "<div>\n" + figure(of_layer(maps[1], most), "All pairs in " + most) +
          figure(of_layer(maps[2], least), "All pairs in " + least) + "</div>\n</div>\n";
  return section("similarity", "How alike the scales are", body);
}

std::string layer_section(const ReportFiles& files) {
  const CaptureReader* file = files.statistics_file();
  if (!file) return "";
  const Statistics statistics = *file->statistics();
  const BudgetOrigin origin = origin_of(files);
  const Similarity chosen = chosen_similarity(origin);
  if (!covers_every_layer(statistics.layer_statistic(chosen.metric, chosen.tensor))) {
    return incomplete_section("layers", "Which layers need the long history", *file);
  }
  const LayerStatistics layers = shown_statistic(*file, statistics, origin);
  // θ belongs to the statistic that the budget was made from.
  const std::optional<double> theta = layers.name == origin.statistic ? origin.theta : std::nullopt;
  std::vector<LayerPoint> points;
  for (std::size_t layer = 0; layer < layers.mean.size(); ++layer) {
    LayerPoint point;
    point.value = layers.mean[layer];
    if (std::isfinite(layers.low[layer])) point.interval = {layers.low[layer], layers.high[layer]};
    if (!files.budgets.empty()) {
      point.layer_class = files.budgets.front().budget.layers.at(layer).layer_class;
    }
    points.push_back(point);
  }
  std::string body = paragraph(fmt::format(
      "Value of each layer: {}; mean over targets, heads and samples. Bars: {:.0f} % bootstrap "
      "interval over {}.{}",
      layers.meaning, 100 * layers.confidence, layers.batches > 0 ? "batches" : "samples",
      theta ? " Layers below θ are demanding." : ""));
  body += paragraph(scope_of(*file, statistics.samples) + ".", "scope");
  body += figure(layer_chart("Statistic of every layer", layers.name, points, theta),
                 "Layer statistic and class");
  return section("layers", "Which layers need the long history", body);
}

}  // namespace kvscope
