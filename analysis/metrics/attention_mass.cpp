#include "analysis/metrics/attention_mass.h"

#include <cstring>

#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

void check_sources(const RetentionPlan& plan) {
  for (int layer = 0; layer < plan.layers(); ++layer) {
    if (!plan.has_source_scales(layer))
      throw Error(fmt::format(
          "[attention mass] layer {}: expected a policy made of whole scales, got one that picks "
          "tokens by content",
          layer));
  }
}

}  // namespace

AttentionMassSums::AttentionMassSums(const RetentionPlan& plan, int heads)
    : plan_(plan), heads_(heads) {
  check_sources(plan);
}

void AttentionMassSums::begin(at::Device device) {
  if (sums_.defined() && sums_.device() == device) {
    sums_.zero_();
    return;
  }
  const int scales = plan_.schedule().scales();
  sums_ = at::zeros({plan_.layers(), heads_, scales, scales},
                    at::TensorOptions(at::kDouble).device(device));
}

void AttentionMassSums::add(int layer, int target, const std::vector<at::Tensor>& mass) {
  const ScaleSchedule& schedule = plan_.schedule();
  const std::vector<HeadGroup>& groups = plan_.groups(layer);
  if (mass.size() != groups.size())
    throw Error(fmt::format("[attention mass] layer {}: expected {} head groups as planned, got {}",
                            layer, groups.size(), mass.size()));
  const at::Tensor row = sums_[layer].select(1, target);  // [head, source]
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const HeadGroup& group = groups[g];
    const at::Tensor per_key = at::sum(mass[g], {0}, /*keepdim=*/false, at::kDouble);
    const std::int64_t expected = group.read_tokens(target) + schedule.tokens(target);
    if (per_key.size(1) != expected)
      throw Error(
          fmt::format("[attention mass] layer {}, scale {}: expected {} keys as planned, got {}",
                      layer, target, expected, per_key.size(1)));
    std::int64_t first = 0;
    const auto add_source = [&](int source) {
      const std::int64_t tokens = schedule.tokens(source);
      const at::Tensor sums = per_key.narrow(1, first, tokens).sum(1);
      std::int64_t at = 0;
      for (const HeadRun& run : group.heads().runs()) {
        row.narrow(0, run.first, run.heads).select(1, source).copy_(sums.narrow(0, at, run.heads));
        at += run.heads;
      }
      first += tokens;
    };
    for (const int source : group.source_scales(target)) add_source(source);
    add_source(target);
  }
}

NdArray<double> AttentionMassSums::sums() const {
  const int scales = plan_.schedule().scales();
  NdArray<double> out({plan_.layers(), heads_, scales, scales});
  if (!sums_.defined()) return out;
  const at::Tensor host = sums_.cpu().contiguous();
  std::memcpy(out.data.data(), host.const_data_ptr<double>(), out.data.size() * sizeof(double));
  return out;
}

}  // namespace kvscope
