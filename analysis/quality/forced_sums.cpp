#include "analysis/quality/forced_sums.h"

#include <functional>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/stack.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

double mean_of(const std::vector<double>& values, const std::vector<std::int64_t>& samples) {
  double sum = 0;
  for (const std::int64_t sample : samples) sum += values[static_cast<std::size_t>(sample)];
  return sum / static_cast<double>(samples.size());
}

/// Mean of one value a sample and its interval.
Estimate estimate_of(const std::vector<double>& values, const BootstrapOptions& options) {
  const auto samples = static_cast<std::int64_t>(values.size());
  Estimate estimate;
  double sum = 0;
  for (const double value : values) sum += value;
  estimate.value = sum / static_cast<double>(samples);
  if (samples < 2) return estimate;
  std::vector<double> means;
  means.reserve(static_cast<std::size_t>(options.resamples));
  for (int resample = 0; resample < options.resamples; ++resample) {
    means.push_back(mean_of(values, resampled_samples(options, resample, samples)));
  }
  const Interval interval = middle_of(std::move(means), options.confidence);
  estimate.low = interval.low;
  estimate.high = interval.high;
  return estimate;
}

}  // namespace

ForcedSums::ForcedSums(ScaleSchedule schedule)
    : schedule_(std::move(schedule)), sums_(static_cast<std::size_t>(schedule_.scales())) {}

void ForcedSums::add(int scale, const at::Tensor& vanilla, const at::Tensor& budget,
                     const at::Tensor& token_ids) {
  // Sample by sample: in float64 a whole batch of large scales would take gigabytes.
  for (std::int64_t sample = 0; sample < vanilla.size(0); ++sample) {
    const at::Tensor p = vanilla[sample].to(at::kDouble).log_softmax(-1);
    const at::Tensor q = budget[sample].to(at::kDouble).log_softmax(-1);
    const at::Tensor tokens = token_ids[sample].to(p.device()).unsqueeze(-1);
    const at::Tensor kl = (p.exp() * (p - q)).sum();
    const at::Tensor nll = q.gather(-1, tokens).sum().neg();
    const at::Tensor vanilla_nll = p.gather(-1, tokens).sum().neg();
    const at::Tensor agreeing = p.argmax(-1).eq(q.argmax(-1)).sum().to(at::kDouble);
    const at::Tensor host = at::stack({kl, nll, vanilla_nll, agreeing}).cpu();
    if (!host.isfinite().all().item<bool>()) {
      throw Error("[forced] logits: expected finite values, got NaN or infinity");
    }
    const auto* sums = host.const_data_ptr<double>();
    sums_[static_cast<std::size_t>(scale)].push_back({sums[0], sums[1], sums[2], sums[3]});
  }
}

void ForcedSums::fill(ForcedAgreement& agreement, const BootstrapOptions& options) const {
  check_bootstrap(options);
  // Over the scales [first, end), which have `tokens` tokens.
  const auto figures_of = [&](std::size_t first, std::size_t end, std::int64_t tokens) {
    const auto estimate = [&](const std::function<double(const Sums&)>& part) {
      std::vector<double> values(sums_.front().size());
      for (std::size_t scale = first; scale < end; ++scale) {
        for (std::size_t sample = 0; sample < values.size(); ++sample) {
          values[sample] += part(sums_[scale].at(sample));
        }
      }
      for (double& value : values) value /= static_cast<double>(tokens);
      return estimate_of(values, options);
    };
    return ForcedFigures{
        .kl_nats = estimate([](const Sums& sums) { return sums.kl; }),
        .nll_nats = estimate([](const Sums& sums) { return sums.nll; }),
        .nll_rise_nats = estimate([](const Sums& sums) { return sums.nll - sums.vanilla_nll; }),
        .top1_agreement = estimate([](const Sums& sums) { return sums.agreeing; })};
  };
  agreement.samples = static_cast<std::int64_t>(sums_.front().size());
  agreement.bootstrap = options;
  agreement.overall = figures_of(0, sums_.size(), schedule_.total_tokens());
  agreement.scales.clear();
  for (int scale = 0; scale < schedule_.scales(); ++scale) {
    const auto index = static_cast<std::size_t>(scale);
    agreement.scales.push_back(figures_of(index, index + 1, schedule_.tokens(scale)));
  }
}

}  // namespace kvscope
