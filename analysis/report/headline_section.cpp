#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "analysis/compare/figure_writer.h"
#include "analysis/report/markup.h"
#include "analysis/report/sections.h"
#include "analysis/views/verdict.h"
#include "core/base/module.h"
#include "core/base/units.h"

namespace kvscope {
namespace {

const FigureWriter& write() {
  static const FigureWriter writer(Numbers::readable);
  return writer;
}

std::string tile(const std::string& value, const std::string& what, const std::string& scope,
                 Change change = Change::none_seen) {
  static constexpr const char* classes[] = {"value", "value good", "value bad"};
  const std::string words = value == no_difference ? " words" : "";
  return fmt::format(
      "<div class=\"tile\"><div class=\"{}{}\">{}</div><div class=\"what\">{}</div>"
      "<div class=\"scope\">{}</div></div>\n",
      classes[static_cast<int>(change)], words, escape_markup(value), escape_markup(what),
      escape_markup(scope));
}

std::string memory_tiles(const MemoryVerdict& memory) {
  return tile(write().change(memory.of_read), "KV cache at its peak, logical",
              fmt::format("against read, {} → {} for {} images", format_bytes(memory.read_bytes),
                          format_bytes(memory.planned_peak_bytes), memory.images),
              memory.read_change) +
         tile(write().change(memory.of_final), "the same, against final",
              fmt::format("vanilla itself: {}", write().change(memory.vanilla_of_final)),
              memory.final_change);
}

std::string with_range(const Spread& ns) {
  if (ns.count < 2) return format_ns(ns.median);
  return fmt::format("{} ({} … {})", format_ns(ns.median), format_ns(ns.lower_quartile),
                     format_ns(ns.upper_quartile));
}

std::string time_tile(const Verdict& verdict, const std::optional<TimeVerdict>& time,
                      const std::string& what) {
  if (!time) return "";
  std::string scope =
      fmt::format("{} → {}; {}, {}, batch {}, medians and quartiles", with_range(time->before_ns),
                  with_range(time->after_ns), verdict.device, verdict.dtype, verdict.batch);
  if (time->controls_moved) scope += "; the controls moved, see above";
  return tile(FigureWriter::in_words(time->ratio), what, scope, time->change);
}

std::string fidelity_tiles(const Verdict& verdict) {
  std::string tiles;
  if (verdict.tokens) {
    tiles += tile(write().share(verdict.tokens->overall), "equal tokens",
                  fmt::format("{} samples, same draws", verdict.tokens->samples));
  }
  if (verdict.images) {
    const ImageVerdict& images = *verdict.images;
    tiles +=
        tile(images.psnr_mean_db ? fmt::format("{:.1f} dB", *images.psnr_mean_db) : "identical",
             "PSNR to the baseline's images",
             fmt::format("mean of the {} that differ; {} identical", images.differing,
                         images.identical));
  }
  return tiles;
}

/// The value, under it its interval and the baseline's of both.
template <typename Format>
std::string score_tile(const Verdict& verdict, const std::optional<ScoreVerdict>& score,
                       const std::string& what, Format format) {
  if (!score) return "";
  const std::vector<std::string> own = write().estimate(score->after, format);
  const std::vector<std::string> other = write().estimate(score->before, format);
  std::string scope = fmt::format("{} samples, ", score->samples);
  scope += std::isnan(score->after.low) ? "no interval" : "interval " + own[1];
  scope += fmt::format("; {}: {}", verdict.baseline, other[0]);
  if (!std::isnan(score->before.low)) scope += fmt::format(" ({})", other[1]);
  return tile(own[0], what, scope, score->change);
}

std::string tiles_of(const Verdict& verdict) {
  return memory_tiles(verdict.memory) +
         time_tile(verdict, verdict.self_attention, fmt::format("{} time", self_attention)) +
         time_tile(verdict, verdict.image, "time an image, end to end") + fidelity_tiles(verdict) +
         score_tile(verdict, verdict.class_accuracy, "class accuracy",
                    [](double value) { return write().share(value); }) +
         score_tile(verdict, verdict.demo_frechet_distance, "demo Fréchet distance",
                    [](double value) { return write().number(value, 3); });
}

}  // namespace

std::string headline_section(const ReportFiles& files) {
  if (!files.comparison) return "";
  std::string html;
  for (const Verdict& verdict : verdicts(*files.comparison)) {
    html += paragraph(
        fmt::format("{} ({}) against {}", verdict.name, verdict.policy, verdict.baseline), "pair");
    html += "<div class=\"tiles\">\n" + tiles_of(verdict) + "</div>\n";
  }
  return html;
}

}  // namespace kvscope
