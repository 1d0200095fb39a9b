#include "analysis/views/verdict.h"

#include <cmath>
#include <iterator>

#include "core/base/module.h"

namespace kvscope {
namespace {

struct Range {
  double low = 0;
  double high = 0;
};

/// Plain only where the ranges lie apart; one that is not known (NaN) never does.
Change change_of(const Range& before, const Range& after, bool less_is_better) {
  if (after.high < before.low) return less_is_better ? Change::better : Change::worse;
  if (after.low > before.high) return less_is_better ? Change::worse : Change::better;
  return Change::none_seen;
}

/// Byte counts are exact; what is written as no change is none.
Change change_of_bytes(double change) {
  constexpr double written = 0.0005;
  return change_of({-written, written}, {change, change}, true);
}

MemoryVerdict memory_verdict(const Comparison& comparison, const MemoryFigures& memory) {
  return {.of_read = memory.change_of_read,
          .read_change = change_of_bytes(memory.change_of_read),
          .of_final = memory.change_of_final,
          .final_change = change_of_bytes(memory.change_of_final),
          .vanilla_of_final = comparison.vanilla_change_of_final,
          .read_bytes = comparison.read_bytes,
          .planned_peak_bytes = memory.planned_peak_bytes,
          .images = comparison.shape.samples()};
}

std::optional<TimeVerdict> time_verdict(const ComparedFile& file, const Spread& before,
                                        const Spread& after) {
  const std::optional<SpreadRatio> ratio = ratio_of(before, after);
  if (!ratio) return std::nullopt;
  TimeVerdict verdict{.before_ns = before, .after_ns = after, .ratio = *ratio};
  verdict.controls_moved = file.controls && file.controls->moved;
  if (!verdict.controls_moved && ratio->difference == Difference::seen) {
    verdict.change = ratio->value < 1 ? Change::better : Change::worse;
  }
  return verdict;
}

void add_times(Verdict& verdict, const ComparedFile& baseline, const ComparedFile& file) {
  if (!file.latency_reason.empty() || !file.time || !baseline.time) return;
  const ModuleTime* before = baseline.time->find(self_attention);
  const ModuleTime* after = file.time->find(self_attention);
  if (before && after) verdict.self_attention = time_verdict(file, before->ns, after->ns);
  verdict.image = time_verdict(file, baseline.time->image_ns, file.time->image_ns);
}

ScoreVerdict score_verdict(const Scores& before, const Scores& after, Estimate Scores::*figure,
                           bool less_is_better) {
  const Estimate& a = before.*figure;
  const Estimate& b = after.*figure;
  return {.before = a,
          .after = b,
          .samples = after.samples,
          .change = change_of({a.low, a.high}, {b.low, b.high}, less_is_better)};
}

void add_scores(Verdict& verdict, const ComparedFile& baseline, const ComparedFile& file) {
  if (!baseline.scores || !file.scores || !file.scores_reason.empty()) return;
  verdict.class_accuracy =
      score_verdict(*baseline.scores, *file.scores, &Scores::class_accuracy, false);
  if (std::isnan(file.scores->demo_frechet_distance.value)) return;
  verdict.demo_frechet_distance =
      score_verdict(*baseline.scores, *file.scores, &Scores::demo_frechet_distance, true);
}

Verdict verdict_of(const Comparison& comparison, const ComparedFile& file) {
  const ComparedFile& baseline = comparison.files[0];
  Verdict verdict;
  verdict.name = file.name;
  verdict.policy = file.policy;
  verdict.baseline = baseline.name;
  verdict.device = file.device;
  verdict.dtype = file.dtype;
  verdict.batch = file.batch;
  verdict.memory = memory_verdict(comparison, file.memory);
  add_times(verdict, baseline, file);
  verdict.tokens = file.tokens.value;
  if (file.images) {
    const std::int64_t identical = file.images->identical;
    verdict.images = {.psnr_mean_db = file.images->psnr_mean_db,
                      .differing = std::ssize(file.images->images) - identical,
                      .identical = identical};
  }
  add_scores(verdict, baseline, file);
  return verdict;
}

}  // namespace

std::vector<Verdict> verdicts(const Comparison& comparison) {
  std::vector<Verdict> all;
  for (std::size_t i = 1; i < comparison.files.size(); ++i) {
    all.push_back(verdict_of(comparison, comparison.files[i]));
  }
  return all;
}

}  // namespace kvscope
