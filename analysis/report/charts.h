#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analysis/report/svg.h"
#include "analysis/views/kept_scales.h"
#include "core/base/nd_array.h"
#include "core/budget/budget.h"

namespace kvscope {

// Each is an SVG of at most 560 px, whose letters a phone can show large enough, and a legend in
// HTML that wraps.

struct Series {
  std::string name;
  std::vector<double> values;  ///< one per scale or layer
};

/// How the values of an axis are written.
struct Quantity {
  std::function<std::string(double)> format;
  double base = 1000;  ///< between units: grid lines are round in the unit that fits
};

/// Lines over scales or layers, value axis from 0.
std::string line_chart(const std::string& label, const std::string& axis,
                       const std::vector<Series>& series, const Quantity& quantity);

/// What a heat map shows; NaN cells stay empty.
struct HeatMap {
  std::string label;
  std::string row_title;
  std::string column_title;
  std::vector<std::string> rows;
  std::vector<std::string> columns;
  NdArray<double> values;  ///< [row, column]
  std::string unit;        ///< title of the legend; empty: no legend
  double largest_cell = 44;
};

std::string heat_map(const HeatMap& map, const ColorMap& colors);

/// The legend alone, where several maps share it.
std::string color_legend(const ColorMap& colors, const std::string& title);

/// Statistic of one layer.
struct LayerPoint {
  double value = 0;
  std::optional<std::pair<double, double>> interval;
  std::optional<LayerClass> layer_class;  ///< nothing: no budget given
};

/// Points over the layers, coloured by class, with the line of θ.
std::string layer_chart(const std::string& label, const std::string& statistic,
                        const std::vector<LayerPoint>& points, std::optional<double> theta);

/// Which source scales a budget keeps: layers × source scales; the shade is the share of later
/// targets that read it, a dot marks what the last target reads. Layers that pick tokens by content
/// show the share of the tokens instead.
std::string kept_grid(const KeptScales& kept);

}  // namespace kvscope
