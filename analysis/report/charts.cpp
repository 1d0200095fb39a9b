#include "analysis/report/charts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

namespace kvscope {
namespace {

using Anchor = Svg::Anchor;

// Mid tones that read on white and on near-black.
constexpr std::array<std::string_view, 6> series_colors = {"#7a8699", "#e8710a", "#2f80ed",
                                                           "#12a150", "#b44ad8", "#d6336c"};
constexpr std::string_view demanding_color = "#e8710a";
constexpr std::string_view efficient_color = "#2f80ed";
constexpr std::string_view neutral_color = "#7a8699";

std::string_view color_of(std::optional<LayerClass> layer_class) {
  if (!layer_class) return neutral_color;
  return *layer_class == LayerClass::demanding ? demanding_color : efficient_color;
}

/// A round step that gives about four grid lines.
double step_for(double range) {
  const double raw = range / 4;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * power) return factor * power;
  }
  return 10 * power;
}

/// The inside of a chart and its two linear axes.
struct Plot {
  double left, top, width, height;
  double x_low, x_high, y_low, y_high;

  double x(double value) const { return left + width * (value - x_low) / (x_high - x_low); }
  double y(double value) const { return top + height * (1 - (value - y_low) / (y_high - y_low)); }
};

void draw_grid(Svg& svg, const Plot& plot, double step,
               const std::function<std::string(double)>& format) {
  const auto first = static_cast<std::int64_t>(std::ceil(plot.y_low / step - 1e-9));
  const auto last = static_cast<std::int64_t>(std::floor(plot.y_high / step + 1e-9));
  for (std::int64_t line = first; line <= last; ++line) {
    const double value = static_cast<double>(line) * step;
    svg.line(plot.left, plot.y(value), plot.left + plot.width, plot.y(value), "grid");
    svg.text(plot.left - 8, plot.y(value) + 4, format(value), Anchor::end, "small");
  }
}

std::string two_decimals(double value) { return fmt::format("{:.2f}", value); }

void draw_numbers_below(Svg& svg, const Plot& plot, int count, const std::string& title) {
  const int step = count > 20 ? 5 : 1;
  for (int i = 0; i < count; i += step) {
    svg.text(plot.x(i), plot.top + plot.height + 18, std::to_string(i), Anchor::middle, "small");
  }
  svg.text(plot.left + plot.width / 2, plot.top + plot.height + 38, title, Anchor::middle);
}

}  // namespace

std::string scale_chart(const std::string& label, const std::vector<Series>& series,
                        const std::function<std::string(double)>& format) {
  double high = 0;
  std::size_t scales = 2;
  for (const Series& each : series) {
    for (const double value : each.values) high = std::max(high, value);
    scales = std::max(scales, each.values.size());
  }
  if (high <= 0) high = 1;
  // Binary grid lines: bytes are written in KiB, MiB, GiB.
  const double unit = std::pow(1024, std::floor(std::log2(high) / 10));
  const double step = step_for(high / unit) * unit;
  const Plot plot{
      86, 14, 560, 230, 0, static_cast<double>(scales - 1), 0, std::ceil(high / step) * step};
  Svg svg(900, 300, label);
  draw_grid(svg, plot, step, format);
  draw_numbers_below(svg, plot, static_cast<int>(scales), "scale");
  for (std::size_t i = 0; i < series.size(); ++i) {
    const std::string color(series_colors[i % series_colors.size()]);
    std::vector<std::pair<double, double>> points;
    for (std::size_t scale = 0; scale < series[i].values.size(); ++scale) {
      points.emplace_back(plot.x(static_cast<double>(scale)), plot.y(series[i].values[scale]));
    }
    svg.polyline(points, color);
    for (std::size_t scale = 0; scale < points.size(); ++scale) {
      svg.circle(
          points[scale].first, points[scale].second, 3.5, color,
          fmt::format("{}, scale {}: {}", series[i].name, scale, format(series[i].values[scale])));
    }
    const double line_y = plot.top + 14 + 22 * static_cast<double>(i);
    svg.colored_line(672, line_y - 4, 692, line_y - 4, color, 3);
    svg.text(700, line_y, series[i].name);
  }
  return svg.str();
}

std::string heat_map(const HeatMap& map, const ColorScale& scale) {
  const auto rows = static_cast<double>(map.rows.size());
  const auto columns = static_cast<double>(map.columns.size());
  const double cell_width = std::clamp(420 / columns, 14.0, map.largest_cell);
  const double cell_height = std::clamp(420 / rows, 14.0, std::min(24.0, map.largest_cell));
  const double left = 52;
  const double top = 8;
  const double bottom = top + rows * cell_height;
  const bool legend = !map.unit.empty();
  const double width = std::max(left + columns * cell_width + 8, legend ? 260.0 : 0.0);
  Svg svg(width, bottom + (legend ? 102 : 44), map.label);
  for (std::size_t row = 0; row < map.rows.size(); ++row) {
    const double y = top + static_cast<double>(row) * cell_height;
    svg.text(left - 6, y + cell_height / 2 + 4, map.rows[row], Anchor::end, "small");
    for (std::size_t column = 0; column < map.columns.size(); ++column) {
      const double value = map.values(row, column);
      if (std::isnan(value)) continue;
      svg.rect(left + static_cast<double>(column) * cell_width, y, cell_width - 1, cell_height - 1,
               scale.color(value),
               fmt::format("{} {}, {} {}: {:.4f}", map.row_title, map.rows[row], map.column_title,
                           map.columns[column], value));
    }
  }
  for (std::size_t column = 0; column < map.columns.size(); ++column) {
    svg.text(left + (static_cast<double>(column) + 0.5) * cell_width, bottom + 14,
             map.columns[column], Anchor::middle, "small");
  }
  svg.text(left + columns * cell_width / 2, bottom + 34, map.column_title, Anchor::middle);
  svg.vertical_text(14, top + rows * cell_height / 2, map.row_title);
  if (legend) {
    svg.legend(left, bottom + 70, 200, scale, map.unit, two_decimals);
  }
  return svg.str();
}

std::string color_legend(const ColorScale& scale, const std::string& title) {
  Svg svg(260, 48, title);
  svg.legend(2, 18, 200, scale, title, two_decimals);
  return svg.str();
}

std::string layer_chart(const std::string& label, const std::string& statistic,
                        const std::vector<LayerPoint>& points, std::optional<double> theta) {
  double low = theta.value_or(points.front().value);
  double high = low;
  for (const LayerPoint& point : points) {
    const auto [below, above] = point.interval.value_or(std::pair(point.value, point.value));
    low = std::min({low, below, point.value});
    high = std::max({high, above, point.value});
  }
  const double margin = std::max(1e-3, 0.08 * (high - low));
  const Plot plot{86,           14,           560,
                  250,          -0.5,         static_cast<double>(points.size()) - 0.5,
                  low - margin, high + margin};
  Svg svg(900, 320, label);
  draw_grid(svg, plot, step_for(plot.y_high - plot.y_low),
            [](double value) { return fmt::format("{:.3g}", value); });
  draw_numbers_below(svg, plot, static_cast<int>(points.size()), "layer");
  svg.vertical_text(16, plot.top + plot.height / 2, statistic);
  if (theta) {
    svg.line(plot.left, plot.y(*theta), plot.left + plot.width, plot.y(*theta), "threshold");
    svg.text(plot.left + plot.width + 8, plot.y(*theta) + 4, fmt::format("θ = {:.4f}", *theta));
  }
  bool classes = false;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const LayerPoint& point = points[i];
    const double x = plot.x(static_cast<double>(i));
    const std::string_view color = color_of(point.layer_class);
    std::string tip = fmt::format("layer {}: {:.4f}", i, point.value);
    if (point.interval) {
      const auto [below, above] = *point.interval;
      svg.colored_line(x, plot.y(below), x, plot.y(above), color, 2);
      tip += fmt::format(" [{:.4f}, {:.4f}]", below, above);
    }
    svg.circle(x, plot.y(point.value), 5, color, tip);
    classes = classes || point.layer_class.has_value();
  }
  if (classes) {
    svg.circle(678, plot.top + 10, 5, demanding_color);
    svg.text(690, plot.top + 14, "demanding");
    svg.circle(678, plot.top + 32, 5, efficient_color);
    svg.text(690, plot.top + 36, "efficient");
  }
  return svg.str();
}

namespace {

struct Kept {
  double share = 0;      ///< of later targets that read the source
  bool by_last = false;  ///< the last target reads it
};

Kept kept_of(const RetentionPlan& plan, int layer, int source) {
  const ScaleSchedule& schedule = plan.schedule();
  const int last = schedule.last_scale();
  Kept kept;
  if (!plan.has_source_scales(layer)) {
    kept.share = static_cast<double>(plan.read_tokens(layer, last)) /
                 static_cast<double>(schedule.begin(last));
    return kept;
  }
  int readers = 0;
  for (int target = source + 1; target <= last; ++target) {
    const std::vector<int>& sources = plan.source_scales(layer, target);
    readers += std::find(sources.begin(), sources.end(), source) != sources.end();
    if (target == last) {
      kept.by_last = std::find(sources.begin(), sources.end(), source) != sources.end();
    }
  }
  kept.share = static_cast<double>(readers) / (last - source);
  return kept;
}

}  // namespace

std::string kept_grid(const RetentionPlan& plan, const std::vector<LayerClass>& classes) {
  constexpr double cell_width = 44;
  constexpr double left = 72;
  constexpr double top = 8;
  const double cell_height = std::clamp(480.0 / plan.layers(), 14.0, 24.0);
  const int sources = plan.schedule().last_scale();
  const double right = left + sources * cell_width;
  const double bottom = top + plan.layers() * cell_height;
  Svg svg(right + 260, bottom + 44, "Source scales that each layer keeps under the budget");
  for (int layer = 0; layer < plan.layers(); ++layer) {
    const double y = top + layer * cell_height;
    svg.rect(left - 10, y, 4, cell_height - 1,
             color_of(classes.at(static_cast<std::size_t>(layer))));
    svg.text(left - 16, y + cell_height / 2 + 4, std::to_string(layer), Anchor::end, "small");
    for (int source = 0; source < sources; ++source) {
      const Kept kept = kept_of(plan, layer, source);
      const double x = left + source * cell_width;
      svg.frame(x, y, cell_width - 1, cell_height - 1, "cell");
      if (kept.share > 0) {
        svg.rect(x, y, cell_width - 1, cell_height - 1,
                 fmt::format("rgba(18,161,120,{:.2f})", 0.15 + 0.8 * kept.share),
                 fmt::format("layer {}, source scale {}: read by {:.0f} % of later targets", layer,
                             source, 100 * kept.share));
      }
      if (kept.by_last)
        svg.circle(x + cell_width / 2 - 0.5, y + cell_height / 2 - 0.5, 2.5, "#fff");
    }
    const std::int64_t tokens = plan.read_tokens(layer, sources);
    svg.text(right + 8, y + cell_height / 2 + 4,
             fmt::format("{} token{}", tokens, tokens == 1 ? "" : "s"), Anchor::start, "small");
  }
  for (int source = 0; source < sources; ++source) {
    svg.text(left + (source + 0.5) * cell_width, bottom + 14, std::to_string(source),
             Anchor::middle, "small");
  }
  svg.text(left + sources * cell_width / 2, bottom + 34, "source scale", Anchor::middle);
  svg.vertical_text(14, top + plan.layers() * cell_height / 2, "layer");
  svg.rect(right + 92, top + 2, 4, 14, demanding_color);
  svg.text(right + 102, top + 14, "demanding layer");
  svg.rect(right + 92, top + 24, 4, 14, efficient_color);
  svg.text(right + 102, top + 36, "efficient layer");
  return svg.str();
}

}  // namespace kvscope
