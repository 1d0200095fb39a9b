#include "analysis/report/svg.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "analysis/report/markup.h"

namespace kvscope {
namespace {

using Rgb = std::array<double, 3>;

// Ten stops of matplotlib's viridis.
constexpr std::array<Rgb, 10> viridis = {{{68, 1, 84},
                                          {72, 40, 120},
                                          {62, 73, 137},
                                          {49, 104, 142},
                                          {38, 130, 142},
                                          {31, 158, 137},
                                          {53, 183, 121},
                                          {110, 206, 88},
                                          {181, 222, 43},
                                          {253, 231, 37}}};

// What a phone leaves for a picture; wider ones are shrunk there.
constexpr double phone_width = 360;

/// A shape with a tool tip inside, or closed at once.
std::string closed(const std::string& tag, const std::string& attributes, std::string_view tip) {
  if (tip.empty()) return fmt::format("<{} {}/>\n", tag, attributes);
  return fmt::format("<{0} {1}><title>{2}</title></{0}>\n", tag, attributes, escape_markup(tip));
}

const char* name_of(Svg::Anchor anchor) {
  return anchor == Svg::Anchor::start ? "start" : anchor == Svg::Anchor::middle ? "middle" : "end";
}

}  // namespace

ColorMap::ColorMap(double low, double high) : low_(low), high_(high > low ? high : low + 1) {}

std::string ColorMap::color(double value) const {
  const double share = std::clamp((value - low_) / (high_ - low_), 0.0, 1.0);
  const double position = share * static_cast<double>(viridis.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, viridis.size() - 1);
  const double part = position - static_cast<double>(below);
  std::array<int, 3> mixed{};
  for (std::size_t i = 0; i < 3; ++i) {
    mixed[i] = static_cast<int>(
        std::lround(viridis[below][i] + part * (viridis[above][i] - viridis[below][i])));
  }
  return fmt::format("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2]);
}

Svg::Svg(double width, double height, std::string_view label)
    : open_(fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
                        "width=\"{0:.0f}\" height=\"{1:.0f}\"{3} role=\"img\" "
                        "aria-label=\"{2}\">\n",
                        width, height, escape_markup(label),
                        width > phone_width ? " class=\"wide\"" : "")) {}

void Svg::rect(double x, double y, double width, double height, std::string_view fill,
               std::string_view tip) {
  body_ += closed("rect",
                  fmt::format("x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
                              "fill=\"{}\"",
                              x, y, width, height, escape_markup(fill)),
                  tip);
}

void Svg::frame(double x, double y, double width, double height, std::string_view css_class) {
  body_ += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"{}\"/>\n", x, y,
      width, height, css_class);
}

void Svg::circle(double x, double y, double radius, std::string_view fill, std::string_view tip) {
  body_ += closed("circle",
                  fmt::format("cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" fill=\"{}\"", x, y, radius,
                              escape_markup(fill)),
                  tip);
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view css_class) {
  body_ +=
      fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n",
                  x1, y1, x2, y2, css_class);
}

void Svg::colored_line(double x1, double y1, double x2, double y2, std::string_view color,
                       double width) {
  body_ += fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" "
      "stroke-width=\"{}\"/>\n",
      x1, y1, x2, y2, escape_markup(color), width);
}

void Svg::polyline(const std::vector<std::pair<double, double>>& points, std::string_view color) {
  std::string list;
  for (const auto& [x, y] : points) {
    list += fmt::format("{}{:.1f},{:.1f}", list.empty() ? "" : " ", x, y);
  }
  body_ += fmt::format(
      "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2.5\" "
      "stroke-linejoin=\"round\"/>\n",
      list, escape_markup(color));
}

void Svg::text(double x, double y, std::string_view text, Anchor anchor,
               std::string_view css_class) {
  body_ +=
      fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n", x,
                  y, name_of(anchor), css_class, escape_markup(text));
}

void Svg::vertical_text(double x, double y, std::string_view text) {
  body_ += fmt::format(
      "<text x=\"{0:.1f}\" y=\"{1:.1f}\" text-anchor=\"middle\" transform=\"rotate(-90 {0:.1f} "
      "{1:.1f})\">{2}</text>\n",
      x, y, escape_markup(text));
}

void Svg::legend(double x, double y, double width, const ColorMap& colors, std::string_view title,
                 const std::function<std::string(double)>& format) {
  constexpr int steps = 40;
  const double step = width / steps;
  text(x, y - 5, title);
  for (int i = 0; i < steps; ++i) {
    const double value = colors.low() + (i + 0.5) / steps * (colors.high() - colors.low());
    rect(x + i * step, y, step + 0.5, 10, colors.color(value));
  }
  text(x, y + 27, format(colors.low()), Anchor::start, "small");
  text(x + width, y + 27, format(colors.high()), Anchor::end, "small");
}

std::string Svg::str() const { return open_ + body_ + "</svg>\n"; }

}  // namespace kvscope
