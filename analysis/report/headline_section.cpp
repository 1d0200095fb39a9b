#include <cmath>

#include <fmt/format.h>

#include "analysis/compare/figure_writer.h"
#include "analysis/report/markup.h"
#include "analysis/report/sections.h"
#include "core/base/units.h"

namespace kvscope {
namespace {

/// What a change is for the reader. Neutral: neither, or not beyond its spread.
enum class Tone { neutral, good, bad };

struct Range {
  double low = 0;
  double high = 0;
};

/// Plain only where the ranges lie apart; one that is not known (NaN) never does.
Tone tone_of(const Range& before, const Range& after, bool less_is_better) {
  if (after.high < before.low) return less_is_better ? Tone::good : Tone::bad;
  if (after.low > before.high) return less_is_better ? Tone::bad : Tone::good;
  return Tone::neutral;
}

/// Byte counts are exact; what is written as no change is none.
Tone tone_of_bytes(double change) {
  constexpr double written = 0.0005;
  return tone_of({-written, written}, {change, change}, true);
}

Tone tone_of(const SpreadRatio& ratio) {
  if (ratio.difference != Difference::seen) return Tone::neutral;
  return ratio.value < 1 ? Tone::good : Tone::bad;
}

const FigureWriter& write() {
  static const FigureWriter writer(Numbers::readable);
  return writer;
}

std::string tile(const std::string& value, const std::string& what, const std::string& scope,
                 Tone tone = Tone::neutral) {
  static constexpr const char* classes[] = {"value", "value good", "value bad"};
  const std::string words = value == no_difference ? " words" : "";
  return fmt::format(
      "<div class=\"tile\"><div class=\"{}{}\">{}</div><div class=\"what\">{}</div>"
      "<div class=\"scope\">{}</div></div>\n",
      classes[static_cast<int>(tone)], words, escape_markup(value), escape_markup(what),
      escape_markup(scope));
}

std::string memory_tiles(const Comparison& comparison, const MemoryFigures& memory) {
  return tile(
             write().change(memory.change_of_read), "KV cache at its peak, logical",
             fmt::format("against read, {} → {} for {} images", format_bytes(comparison.read_bytes),
                         format_bytes(memory.planned_peak_bytes), comparison.shape.samples()),
             tone_of_bytes(memory.change_of_read)) +
         tile(write().change(memory.change_of_final), "the same, against final",
              fmt::format("vanilla itself: {}", write().change(comparison.vanilla_change_of_final)),
              tone_of_bytes(memory.change_of_final));
}

std::string with_range(const Spread& ns) {
  if (ns.count < 2) return format_ns(ns.median);
  return fmt::format("{} ({} … {})", format_ns(ns.median), format_ns(ns.lower_quartile),
                     format_ns(ns.upper_quartile));
}

std::string time_tile(const ComparedFile& file, const Spread& before, const Spread& after,
                      const std::string& what) {
  const std::optional<SpreadRatio> ratio = ratio_of(before, after);
  if (!ratio) return "";
  const bool moved = file.controls && file.controls->moved;
  std::string scope =
      fmt::format("{} → {}; {}, {}, batch {}, medians and quartiles", with_range(before),
                  with_range(after), file.device, file.dtype, file.batch);
  if (moved) scope += "; the controls moved, see above";
  return tile(FigureWriter::in_words(*ratio), what, scope, moved ? Tone::neutral : tone_of(*ratio));
}

std::string latency_tiles(const ComparedFile& baseline, const ComparedFile& file) {
  if (!file.latency_reason.empty() || !file.time || !baseline.time) return "";
  std::string tiles;
  const ModuleTime* before = baseline.time->find("self-attention");
  const ModuleTime* after = file.time->find("self-attention");
  if (before && after) tiles += time_tile(file, before->ns, after->ns, "self-attention time");
  return tiles +
         time_tile(file, baseline.time->image_ns, file.time->image_ns, "time an image, end to end");
}

std::string fidelity_tiles(const ComparedFile& file) {
  std::string tiles;
  if (file.tokens) {
    tiles += tile(write().share(file.tokens->overall), "equal tokens",
                  fmt::format("{} samples, same draws", file.tokens->samples));
  }
  if (file.images) {
    const ImageFidelity& images = *file.images;
    const std::string value =
        images.psnr_mean_db ? fmt::format("{:.1f} dB", *images.psnr_mean_db) : "identical";
    tiles += tile(value, "PSNR to the baseline's images",
                  fmt::format("mean of the {} that differ; {} identical",
                              static_cast<std::int64_t>(images.images.size()) - images.identical,
                              images.identical));
  }
  return tiles;
}

/// The value, under it its interval and the baseline's of both.
template <typename Format>
std::string score_tile(const std::string& what, const ComparedFile& baseline,
                       const ComparedFile& file, Estimate Scores::*figure, bool less_is_better,
                       Format format) {
  const Estimate& before = (*baseline.scores).*figure;
  const Estimate& after = (*file.scores).*figure;
  const std::vector<std::string> own = write().estimate(after, format);
  const std::vector<std::string> other = write().estimate(before, format);
  std::string scope = fmt::format("{} samples, ", file.scores->samples);
  scope += std::isnan(after.low) ? "no interval" : "interval " + own[1];
  scope += fmt::format("; {}: {}", baseline.name, other[0]);
  if (!std::isnan(before.low)) scope += fmt::format(" ({})", other[1]);
  return tile(own[0], what, scope,
              tone_of({before.low, before.high}, {after.low, after.high}, less_is_better));
}

std::string score_tiles(const ComparedFile& baseline, const ComparedFile& file) {
  if (!baseline.scores || !file.scores || !file.scores_reason.empty()) return "";
  std::string tiles = score_tile("class accuracy", baseline, file, &Scores::class_accuracy, false,
                                 [](double value) { return write().share(value); });
  if (std::isnan(file.scores->demo_frechet_distance.value)) return tiles;
  return tiles + score_tile("demo Fréchet distance", baseline, file, &Scores::demo_frechet_distance,
                            true, [](double value) { return write().number(value, 3); });
}

}  // namespace

std::string headline_section(const ReportFiles& files) {
  if (!files.comparison) return "";
  const Comparison& comparison = *files.comparison;
  const ComparedFile& baseline = comparison.files[0];
  std::string html;
  for (std::size_t i = 1; i < comparison.files.size(); ++i) {
    const ComparedFile& file = comparison.files[i];
    html +=
        paragraph(fmt::format("{} ({}) against {}", file.name, file.policy, baseline.name), "pair");
    html += "<div class=\"tiles\">\n" + memory_tiles(comparison, file.memory) +
            latency_tiles(baseline, file) + fidelity_tiles(file) + score_tiles(baseline, file) +
            "</div>\n";
  }
  return html;
}

}  // namespace kvscope
