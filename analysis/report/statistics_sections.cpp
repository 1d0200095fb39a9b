#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "analysis/layers/similarity_statistic.h"
#include "analysis/layers/statistic_list.h"
#include "analysis/report/budget_rule.h"
#include "analysis/report/charts.h"
#include "analysis/report/markup.h"
#include "analysis/report/sections.h"
#include "analysis/views/dropped_scales.h"
#include "analysis/views/scale_maps.h"

namespace kvscope {
namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

/// Of maps of which there is one for every layer.
constexpr double small_cell = 16;

struct Similarity {
  Metric metric = Metric::cosine;
  KvTensor tensor = KvTensor::key;

  std::string name() const {
    return fmt::format("{} similarity of {}", metric == Metric::cosine ? "cosine" : "neg_l2",
                       tensor == KvTensor::key ? "keys" : "values");
  }
};

/// The similarity that the first budget made from the file read, or the default of `plan`.
Similarity chosen_similarity(const ReportFiles& files, const CaptureReader& file) {
  for (const ReportBudget& budget : files.budgets) {
    if (!why_rule_is_elsewhere(budget, file).empty()) continue;
    if (const auto chosen = parse_similarity_statistic(budget.budget.rule->statistic)) {
      return {chosen->first, chosen->second};
    }
  }
  return {};
}

std::vector<std::string> numbers(std::int64_t first, std::int64_t end) {
  std::vector<std::string> names;
  for (std::int64_t i = first; i < end; ++i) names.push_back(std::to_string(i));
  return names;
}

/// What targets show of the scales before them, [target − 1, source].
NdArray<double> of_earlier_scales(const NdArray<double>& map) {
  const std::int64_t scales = map.shape[1];
  NdArray<double> part({scales - 1, scales - 1}, nan_value);
  for (std::int64_t target = 1; target < scales; ++target) {
    for (std::int64_t source = 0; source < target; ++source) {
      part(target - 1, source) = map(target, source);
    }
  }
  return part;
}

/// Without target 0, which has no scale before it.
NdArray<double> of_later_targets(const NdArray<double>& map) {
  NdArray<double> part({map.shape[0], map.shape[1] - 1});
  for (std::int64_t row = 0; row < part.shape[0]; ++row) {
    for (std::int64_t column = 0; column < part.shape[1]; ++column) {
      part(row, column) = map(row, column + 1);
    }
  }
  return part;
}

/// From the smallest to the largest finite value of all maps: they share one legend.
ColorMap colors_over(const std::vector<NdArray<double>>& maps) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const NdArray<double>& map : maps) {
    for (const double value : map.data) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  return std::isfinite(low) ? ColorMap(low, high) : ColorMap(0, 1);
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

/// Statistic of every layer; with the budget that it was read for, θ and classes.
std::string layer_figure(const LayerStatisticValues& layers, const ReportBudget* budget) {
  std::optional<double> theta = budget ? budget->budget.rule->theta : std::nullopt;
  if (theta) theta = layers.shown(*theta);
  std::vector<LayerPoint> points;
  for (std::size_t layer = 0; layer < layers.mean.size(); ++layer) {
    LayerPoint point;
    point.value = layers.shown(layers.mean[layer]);
    const Interval interval = layers.shown_interval(layer);
    if (std::isfinite(interval.low)) point.interval = {interval.low, interval.high};
    if (budget) point.layer_class = budget->budget.layers.at(layer).layer_class;
    points.push_back(point);
  }
  const std::string text = paragraph(fmt::format(
      "Value of each layer: {}; mean over targets, heads and samples. Bars: {:.0f} % bootstrap "
      "interval over {}.{}",
      layers.meaning, 100 * layers.confidence, layers.batches > 0 ? "batches" : "samples",
      !theta           ? ""
      : layers.negated ? " Layers above θ are demanding."
                       : " Layers below θ are demanding."));
  return text + figure(layer_chart("Statistic of every layer", layers.name, points, theta),
                       budget ? "Layer statistic, and class in " + budget->name
                              : std::string("Layer statistic"));
}

}  // namespace

std::string similarity_section(const ReportFiles& files) {
  const CaptureReader* file = files.statistics_file();
  if (!file) return "";
  const Statistics statistics = *file->statistics();
  const Similarity chosen = chosen_similarity(files, *file);
  const NdArray<double>& similarity = statistics.similarity(chosen.metric, chosen.tensor);
  if (!covers_every_layer(statistics.layer_statistic(chosen.metric, chosen.tensor))) {
    return incomplete_section("similarity", "How alike the scales are", *file);
  }
  const LayerStatisticValues layers =
      similarity_statistic(statistics, chosen.metric, chosen.tensor);
  const auto lowest = std::min_element(layers.mean.begin(), layers.mean.end());
  const auto highest = std::max_element(layers.mean.begin(), layers.mean.end());
  const std::int64_t scales = similarity.shape[2];
  const auto map_of_layer = [&](const auto& value) {
    return of_earlier_scales(scale_map(similarity, value - layers.mean.begin()));
  };
  const std::vector<NdArray<double>> maps = {of_later_targets(adjacent_map(similarity)),
                                             map_of_layer(lowest), map_of_layer(highest)};
  const ColorMap colors = colors_over(maps);

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
                    colors);
  };
  std::string body = paragraph(
      "What AMS-KV looks at: a layer whose scales resemble the one before (bright) can do with the "
      "newest history and the first scales; one whose scales keep changing (dark) may need "
      "more. " +
      who_read(files, *file, {layers.name}));
  body += paragraph("Mean over heads. " + scope_of(*file, statistics.samples) + ".", "scope");
  body += "<div class=\"maps\">\n";
  body += figure(heat_map(adjacent, colors), "Each scale against the one before, all layers");
  const std::string least = fmt::format("layer {}, the least alike", lowest - layers.mean.begin());
  const std::string most = fmt::format("layer {}, the most alike", highest - layers.mean.begin());
  body += "<div>\n" + figure(of_layer(maps[1], least), "All pairs in " + least) +
          figure(of_layer(maps[2], most), "All pairs in " + most) + "</div>\n</div>\n";
  return section("similarity", "How alike the scales are", body);
}

std::string attention_section(const ReportFiles& files) {
  const CaptureReader* file = files.statistics_file();
  if (!file || !file->layout().has(Part::mass)) return "";
  const Statistics statistics = *file->statistics();
  const NdArray<double> shares =
      attention_share(statistics.mass, file->record().model.schedule().tokens_by_scale());
  const std::int64_t scales = shares.shape[2];
  std::vector<NdArray<double>> maps;
  for (std::int64_t layer = 0; layer < shares.shape[0]; ++layer) {
    maps.push_back(of_earlier_scales(scale_map(shares, layer)));
  }
  const ColorMap colors = colors_over(maps);
  std::vector<std::string> readers;
  for (const LayerStatisticKind& statistic : all_layer_statistics()) {
    if (statistic.family == StatisticFamily::attention) readers.emplace_back(statistic.name);
  }
  std::string dropped;
  for (const ReportBudget& budget : files.budgets) {
    const std::string sentence = what_is_dropped(budget.budget, budget.name);
    if (!sentence.empty()) dropped += ' ' + sentence;
  }
  std::string body = paragraph(
      "Attention share: the part of a target scale's attention that goes to each earlier scale; "
      "the "
      "rest stays in the scale itself." +
      dropped + ' ' + who_read(files, *file, readers));
  body += paragraph("Mean over heads. " + scope_of(*file, statistics.samples) + ".", "scope");
  body += color_legend(colors, "attention share") + "<div class=\"maps\">\n";
  for (std::size_t layer = 0; layer < maps.size(); ++layer) {
    const std::string name = fmt::format("layer {}", layer);
    body += figure(heat_map({"Attention of every target on every earlier scale, " + name,
                             "target scale", "source scale", numbers(1, scales),
                             numbers(0, scales - 1), maps[layer], "", small_cell},
                            colors),
                   name);
  }
  return section("attention", "Where the layers look", body + "</div>\n");
}

std::string layer_section(const ReportFiles& files) {
  const CaptureReader* file = files.statistics_file();
  if (!file) return "";
  const Statistics statistics = *file->statistics();
  const Similarity usual;
  const bool similarity_known =
      covers_every_layer(statistics.layer_statistic(usual.metric, usual.tensor));
  std::string figures;
  std::string elsewhere;
  for (const ReportBudget& budget : files.budgets) {
    if (const std::string why = why_rule_is_elsewhere(budget, *file); !why.empty()) {
      elsewhere += paragraph(why + " So no θ of it is drawn.");
      continue;
    }
    const LayerStatisticKind& read = *find_layer_statistic(budget.budget.rule->statistic);
    if (read.family != StatisticFamily::similarity || similarity_known) {
      figures += layer_figure(read.read({*file, ""}, 0), &budget);
    }
  }
  if (figures.empty() && !similarity_known) {
    return incomplete_section("layers", "Which layers need the long history", *file);
  }
  if (figures.empty()) {
    figures = layer_figure(similarity_statistic(statistics, usual.metric, usual.tensor), nullptr);
  }
  return section(
      "layers", "Which layers need the long history",
      elsewhere + paragraph(scope_of(*file, statistics.samples) + ".", "scope") + figures);
}

}  // namespace kvscope
