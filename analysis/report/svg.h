#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvscope {

/// Maps numbers to colours of viridis, which keeps its order in grey and for the colour
/// blind. Values outside are clamped.
class ColorMap {
 public:
  ColorMap(double low, double high);

  double low() const { return low_; }
  double high() const { return high_; }
  /// "#rrggbb"
  std::string color(double value) const;

 private:
  double low_;
  double high_;
};

/// An SVG picture in the making. Lengths are CSS pixels. Text and axes take the page's colours, so
/// that it reads in light and dark: classes `axis`, `grid`, `small`, `strong` are in the page's
/// style; a picture wider than a phone has class `wide`, for its letters to be enlarged there.
class Svg {
 public:
  /// `label` says what it shows to those who cannot see it.
  Svg(double width, double height, std::string_view label);

  enum class Anchor { start, middle, end };

  /// `tip` appears under the pointer; empty for none.
  void rect(double x, double y, double width, double height, std::string_view fill,
            std::string_view tip = "");
  void frame(double x, double y, double width, double height, std::string_view css_class);
  void circle(double x, double y, double radius, std::string_view fill, std::string_view tip = "");
  void line(double x1, double y1, double x2, double y2, std::string_view css_class);
  void colored_line(double x1, double y1, double x2, double y2, std::string_view color,
                    double width);
  void polyline(const std::vector<std::pair<double, double>>& points, std::string_view color);
  void text(double x, double y, std::string_view text, Anchor anchor = Anchor::start,
            std::string_view css_class = "");
  /// Text turned by −90°, centred at (x, y).
  void vertical_text(double x, double y, std::string_view text);
  /// A bar of the map's colours with its two ends written below.
  void legend(double x, double y, double width, const ColorMap& colors, std::string_view title,
              const std::function<std::string(double)>& format);

  /// The whole element.
  std::string str() const;

 private:
  std::string open_;
  std::string body_;
};

}  // namespace kvscope
