#include "analysis/report/charts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "analysis/report/markup.h"

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

// A phone shows a chart of this width at two thirds: report.cpp enlarges the letters there.
constexpr double chart_width = 560;
constexpr double left_margin = 86;
constexpr double plot_width = chart_width - left_margin - 14;

// Below this a label for each row would touch the next one where letters are enlarged.
constexpr double least_row_height = 19;

int label_step(double row_height) { return row_height < least_row_height ? 2 : 1; }

/// A name in a legend.
struct Key {
  std::string color;
  std::string name;
  bool dashed = false;
};

std::string legend_of(const std::vector<Key>& keys) {
  std::string html = "<p class=\"legend\">";
  for (const Key& key : keys) {
    html += fmt::format("<span><i style=\"border-top:3px {} {}\"></i>{}</span> ",
                        key.dashed ? "dashed" : "solid", key.color, escape_markup(key.name));
  }
  return html + "</p>\n";
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
    svg.text(plot.x(i), plot.top + plot.height + 20, std::to_string(i), Anchor::middle, "small");
  }
  svg.text(plot.left + plot.width / 2, plot.top + plot.height + 44, title, Anchor::middle);
}

}  // namespace

std::string line_chart(const std::string& label, const std::string& axis,
                       const std::vector<Series>& series, const Quantity& quantity) {
  double high = 0;
  std::size_t places = 2;
  for (const Series& each : series) {
    for (const double value : each.values) high = std::max(high, value);
    places = std::max(places, each.values.size());
  }
  if (high <= 0) high = 1;
  const double unit =
      std::pow(quantity.base, std::floor(std::log(high) / std::log(quantity.base) + 1e-9));
  const double step = step_for(high / unit) * unit;
  const Plot plot{left_margin, 14,
                  plot_width,  230,
                  0,           static_cast<double>(places - 1),
                  0,           std::ceil(high / step) * step};
  Svg svg(chart_width, 300, label);
  draw_grid(svg, plot, step, quantity.format);
  draw_numbers_below(svg, plot, static_cast<int>(places), axis);
  std::vector<Key> keys;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const std::string color(series_colors[i % series_colors.size()]);
    std::vector<std::pair<double, double>> points;
    for (std::size_t place = 0; place < series[i].values.size(); ++place) {
      points.emplace_back(plot.x(static_cast<double>(place)), plot.y(series[i].values[place]));
    }
    svg.polyline(points, color);
    for (std::size_t place = 0; place < points.size(); ++place) {
      svg.circle(points[place].first, points[place].second, 3.5, color,
                 fmt::format("{}, {} {}: {}", series[i].name, axis, place,
                             quantity.format(series[i].values[place])));
    }
    keys.push_back({color, series[i].name});
  }
  return svg.str() + legend_of(keys);
}

std::string heat_map(const HeatMap& map, const ColorMap& colors) {
  const auto rows = static_cast<double>(map.rows.size());
  const auto columns = static_cast<double>(map.columns.size());
  const double cell_width = std::clamp(420 / columns, 14.0, map.largest_cell);
  const double cell_height = std::clamp(420 / rows, 14.0, std::min(24.0, map.largest_cell));
  const double left = 52;
  const double top = 8;
  const double bottom = top + rows * cell_height;
  const bool legend = !map.unit.empty();
  const double width = std::max(left + columns * cell_width + 8, legend ? 260.0 : 0.0);
  Svg svg(width, bottom + (legend ? 112 : 48), map.label);
  for (std::size_t row = 0; row < map.rows.size(); ++row) {
    const double y = top + static_cast<double>(row) * cell_height;
    if (row % static_cast<std::size_t>(label_step(cell_height)) == 0) {
      svg.text(left - 6, y + cell_height / 2 + 4, map.rows[row], Anchor::end, "small");
    }
    for (std::size_t column = 0; column < map.columns.size(); ++column) {
      const double value = map.values(row, column);
      if (std::isnan(value)) continue;
      svg.rect(left + static_cast<double>(column) * cell_width, y, cell_width - 1, cell_height - 1,
               colors.color(value),
               fmt::format("{} {}, {} {}: {:.4f}", map.row_title, map.rows[row], map.column_title,
                           map.columns[column], value));
    }
  }
  for (std::size_t column = 0; column < map.columns.size(); ++column) {
    svg.text(left + (static_cast<double>(column) + 0.5) * cell_width, bottom + 16,
             map.columns[column], Anchor::middle, "small");
  }
  svg.text(left + columns * cell_width / 2, bottom + 40, map.column_title, Anchor::middle);
  svg.vertical_text(14, top + rows * cell_height / 2, map.row_title);
  if (legend) {
    svg.legend(left, bottom + 78, 200, colors, map.unit, two_decimals);
  }
  return svg.str();
}

std::string color_legend(const ColorMap& colors, const std::string& title) {
  Svg svg(260, 52, title);
  svg.legend(2, 18, 200, colors, title, two_decimals);
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
  const Plot plot{left_margin,  14,           plot_width,
                  250,          -0.5,         static_cast<double>(points.size()) - 0.5,
                  low - margin, high + margin};
  Svg svg(chart_width, 316, label);
  draw_grid(svg, plot, step_for(plot.y_high - plot.y_low),
            [](double value) { return fmt::format("{:.3g}", value); });
  draw_numbers_below(svg, plot, static_cast<int>(points.size()), "layer");
  svg.vertical_text(16, plot.top + plot.height / 2, statistic);
  std::vector<Key> keys;
  if (theta) {
    svg.line(plot.left, plot.y(*theta), plot.left + plot.width, plot.y(*theta), "threshold");
    keys.push_back({"var(--ink)", fmt::format("θ = {:.4f}", *theta), true});
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
    keys.push_back({std::string(demanding_color), name_of(LayerClass::demanding)});
    keys.push_back({std::string(efficient_color), name_of(LayerClass::efficient)});
  }
  return svg.str() + (keys.empty() ? "" : legend_of(keys));
}

std::string kept_grid(const KeptScales& kept) {
  constexpr double left = 72;
  constexpr double tokens_width = 70;
  constexpr double top = 8;
  const auto layers = static_cast<int>(kept.share.shape[0]);
  const auto sources = static_cast<int>(kept.share.shape[1]);
  const int last = sources;  // the target that nobody reads
  const double cell_height = std::clamp(480.0 / layers, 14.0, 24.0);
  const double cell_width = std::clamp((chart_width - left - tokens_width) / sources, 14.0, 44.0);
  const double right = left + sources * cell_width;
  const double bottom = top + layers * cell_height;
  Svg svg(right + tokens_width, bottom + 50,
          "Source scales that each layer keeps under the budget");
  for (int layer = 0; layer < layers; ++layer) {
    const double y = top + layer * cell_height;
    const bool whole_scales = kept.whole_scales[static_cast<std::size_t>(layer)];
    svg.rect(left - 10, y, 4, cell_height - 1,
             color_of(kept.classes[static_cast<std::size_t>(layer)]));
    const bool labelled = layer % label_step(cell_height) == 0;
    if (labelled) {
      svg.text(left - 16, y + cell_height / 2 + 4, std::to_string(layer), Anchor::end, "small");
    }
    for (int source = 0; source < sources; ++source) {
      const double share = kept.share(layer, source);
      const double x = left + source * cell_width;
      svg.frame(x, y, cell_width - 1, cell_height - 1, "cell");
      if (share > 0) {
        svg.rect(x, y, cell_width - 1, cell_height - 1,
                 fmt::format("rgba(18,161,120,{:.2f})", 0.15 + 0.8 * share),
                 fmt::format("layer {}, source scale {}: read by {:.0f} % of later targets", layer,
                             source, 100 * share));
      }
      if (whole_scales && kept.read(layer, last, source) > 0) {
        svg.circle(x + cell_width / 2 - 0.5, y + cell_height / 2 - 0.5, 2.5, "#fff");
      }
    }
    if (labelled) {
      svg.text(right + 8, y + cell_height / 2 + 4, std::to_string(kept.read_tokens(layer, last)),
               Anchor::start, "small");
    }
  }
  svg.text(right + 6, bottom + 16, "tokens", Anchor::start, "small");
  for (int source = 0; source < sources; ++source) {
    svg.text(left + (source + 0.5) * cell_width, bottom + 16, std::to_string(source),
             Anchor::middle, "small");
  }
  svg.text(left + sources * cell_width / 2, bottom + 40, "source scale", Anchor::middle);
  svg.vertical_text(14, top + layers * cell_height / 2, "layer");
  return svg.str() + legend_of({{std::string(demanding_color), "demanding layer"},
                                {std::string(efficient_color), "efficient layer"}});
}

}  // namespace kvscope
