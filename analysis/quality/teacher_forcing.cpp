#include "analysis/quality/teacher_forcing.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "analysis/quality/forced_sums.h"
#include "core/base/error.h"

namespace kvscope {
namespace {

/// Samples [first, end) of a run.
ForcedBatch batch_of(const NdArray<std::int32_t>& token_ids,
                     const std::vector<std::int32_t>& labels, std::int64_t first,
                     std::int64_t end) {
  const std::int64_t tokens = token_ids.shape[1];
  ForcedBatch batch;
  batch.labels.assign(labels.begin() + first, labels.begin() + end);
  batch.token_ids = at::empty({end - first, tokens}, at::kLong);
  std::copy_n(token_ids.data.begin() + first * tokens, (end - first) * tokens,
              batch.token_ids.data_ptr<std::int64_t>());
  return batch;
}

/// Adds one batch under both caches to `sums`.
void force_both(Generator& generator, const Budget& budget, const ForcedBatch& batch,
                const ScaleSchedule& schedule, ForcedSums& sums) {
  std::vector<at::Tensor> vanilla;
  generator.set_budget(vanilla_budget(budget.model));
  generator.force(batch,
                  [&](int /*scale*/, const at::Tensor& logits) { vanilla.push_back(logits); });
  generator.set_budget(budget);
  generator.force(batch, [&](int scale, const at::Tensor& logits) {
    const at::Tensor own = batch.token_ids.narrow(1, schedule.begin(scale), schedule.tokens(scale));
    sums.add(scale, std::exchange(vanilla.at(static_cast<std::size_t>(scale)), {}), logits, own);
  });
}

}  // namespace

void check_forced_run(const CaptureReader& vanilla, std::int64_t samples) {
  const RunRecord& record = vanilla.record();
  if (record.policy != vanilla_policy) {
    throw BadInput("forced", vanilla.path(), "a run of the vanilla cache",
                   fmt::format("one of policy {}", record.policy));
  }
  if (record.settings.more_smooth) {
    throw BadInput("forced", vanilla.path(),
                   "a run without --more-smooth, whose tokens say what the next scale reads",
                   "one with it");
  }
  const std::int64_t least = std::max<std::int64_t>(samples, 1);
  if (vanilla.committed_samples() < least) {
    throw BadInput("forced", vanilla.path(), fmt::format("at least {} committed samples", least),
                   fmt::to_string(vanilla.committed_samples()));
  }
}

void check_forced_model(const CaptureReader& vanilla, const ModelConfig& model,
                        const std::string& weights_sha256) {
  const RunRecord& record = vanilla.record();
  if (record.model == model && record.weights_sha256 == weights_sha256) return;
  throw BadInput(
      "forced", vanilla.path(),
      fmt::format("a run of model '{}' with weights {}", model.name, weights_sha256),
      fmt::format("model '{}' with weights {}", record.model.name, record.weights_sha256));
}

ForcedAgreement teacher_forced_agreement(Generator& generator, const CaptureReader& vanilla,
                                         const Budget& budget, const ForcedOptions& options,
                                         const std::function<void(std::int64_t)>& on_samples) {
  const RunRecord& record = vanilla.record();
  const ScaleSchedule schedule = record.model.schedule();
  const NdArray<std::int32_t> token_ids = vanilla.token_ids();
  const std::vector<std::int32_t> labels = vanilla.labels();
  ForcedSums sums(schedule);
  for (std::int64_t first = 0; first < options.samples; first += options.batch) {
    const std::int64_t end = std::min(first + options.batch, options.samples);
    force_both(generator, budget, batch_of(token_ids, labels, first, end), schedule, sums);
    on_samples(end - first);
  }
  ForcedAgreement agreement;
  agreement.against_capture_id = record.capture_id;
  agreement.model = record.model.name;
  agreement.weights_sha256 = record.weights_sha256;
  agreement.policy = budget.policy;
  agreement.batch = options.batch;
  sums.fill(agreement, options.bootstrap);
  return agreement;
}

}  // namespace kvscope
