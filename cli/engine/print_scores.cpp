#include "cli/engine/print_scores.h"

#include <cmath>

#include <fmt/format.h>

#include "core/base/terminal.h"
#include "core/base/text_wrap.h"

namespace kvscope::cli {
namespace {

std::string text_of(const Estimate& estimate, double factor, const char* unit, int decimals,
                    const char* no_interval = "one sample has no interval") {
  if (std::isnan(estimate.value)) return "unknown (one sample has none)";
  if (std::isnan(estimate.low)) {
    return fmt::format("{:.{}f}{} ({})", factor * estimate.value, decimals, unit, no_interval);
  }
  return fmt::format("{:.{}f}{} ({:.{}f} … {:.{}f})", factor * estimate.value, decimals, unit,
                     factor * estimate.low, decimals, factor * estimate.high, decimals);
}

void print(const std::string& file, const std::string& sentence) {
  const std::string text = file.empty() ? sentence : fmt::format("{}: {}", file, sentence);
  fmt::print("{}", wrap_text(text, text_columns()));
}

}  // namespace

void print_scores(const Scores& scores, const std::string& file) {
  const std::string left_out =
      scores.nonfinite_images == 0
          ? ""
          : fmt::format("; {} that {} not finite left out", scores.nonfinite_images,
                        scores.nonfinite_images == 1 ? "is" : "are");
  if (scores.samples == 0) {
    print(file, fmt::format("no scores by {}: no image to judge{}", scores.scorer.name, left_out));
    return;
  }
  print(file,
        fmt::format(
            "scores of {} image{} by {}: class accuracy {}, demo Fréchet distance {}; {}{}",
            scores.samples, scores.samples == 1 ? "" : "s", scores.scorer.name,
            text_of(scores.class_accuracy, 100, " %", 1),
            text_of(scores.demo_frechet_distance, 1, "", 3, "no interval: a class has one sample"),
            describe_intervals(scores.scorer), left_out));
}

void print_forced(const ForcedAgreement& agreement, const std::string& file) {
  const ForcedFigures& figures = agreement.overall;
  print(file,
        fmt::format("teacher-forced on {} sample{} of the vanilla cache: KL {}, NLL rise {}, top-1 "
                    "agreement {}",
                    agreement.samples, agreement.samples == 1 ? "" : "s",
                    text_of(figures.kl_nats, 1, " nats", 5),
                    text_of(figures.nll_rise_nats, 1, " nats", 5),
                    text_of(figures.top1_agreement, 100, " %", 2)));
}

}  // namespace kvscope::cli
