#include "cli/engine/print_scores.h"

#include <cmath>

#include <fmt/format.h>

namespace kvscope::cli {
namespace {

std::string text_of(const Estimate& estimate, double factor, const char* unit, int decimals) {
  if (std::isnan(estimate.value)) return "unknown (one sample has none)";
  if (std::isnan(estimate.low)) {
    return fmt::format("{:.{}f}{} (no interval: a class has one sample)", factor * estimate.value,
                       decimals, unit);
  }
  return fmt::format("{:.{}f}{} ({:.{}f} … {:.{}f})", factor * estimate.value, decimals, unit,
                     factor * estimate.low, decimals, factor * estimate.high, decimals);
}

}  // namespace

void print_scores(const Scores& scores) {
  fmt::print(
      "scores of {} image{} by {}: class accuracy {}, demo Fréchet distance {}; {:g} % bootstrap "
      "intervals\n",
      scores.samples, scores.samples == 1 ? "" : "s", scores.scorer.name,
      text_of(scores.class_accuracy, 100, " %", 1), text_of(scores.demo_frechet_distance, 1, "", 3),
      100 * scores.scorer.bootstrap.confidence);
}

}  // namespace kvscope::cli
