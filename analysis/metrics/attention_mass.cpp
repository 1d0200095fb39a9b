#include "analysis/metrics/attention_mass.h"

#include <cstring>
#include <limits>
#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/take.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {

AttentionMassSums::AttentionMassSums(const RetentionPlan& plan, int heads)
    : plan_(plan), heads_(heads), unknown_heads_({plan.layers(), plan.schedule().scales()}) {}

void AttentionMassSums::begin(at::Device device) {
  if (sums_.defined() && sums_.device() == device) {
    sums_.zero_();
    return;
  }
  const ScaleSchedule& schedule = plan_.schedule();
  sums_ = at::zeros({plan_.layers(), heads_, schedule.scales(), schedule.scales()},
                    at::TensorOptions(at::kDouble).device(device));
  const at::Tensor tokens = at::tensor(schedule.tokens_by_scale(), at::kLong);
  scale_of_token_ = at::repeat_interleave(tokens).to(device);
}

void AttentionMassSums::check(const HeadGroup& group, int layer, int target,
                              const at::Tensor& mass) const {
  const std::int64_t expected = group.read_tokens(target) + plan_.schedule().tokens(target);
  if (mass.size(2) == expected && mass.size(1) == group.heads().size()) return;
  throw Error(fmt::format(
      "[attention mass] layer {}, scale {}: expected {} keys of {} heads as planned, got {} of {}",
      layer, target, expected, group.heads().size(), mass.size(2), mass.size(1)));
}

// [heads of the group, source]: source scales ascending, the target's own tokens last.
at::Tensor AttentionMassSums::by_plan(const HeadGroup& group, int target,
                                      const at::Tensor& mass) const {
  const ScaleSchedule& schedule = plan_.schedule();
  const at::Tensor per_key = at::sum(mass, {0}, /*keepdim=*/false, at::kDouble);
  at::Tensor sums = at::zeros({per_key.size(0), schedule.scales()}, per_key.options());
  std::int64_t first = 0;
  const auto add_source = [&](int source) {
    const std::int64_t tokens = schedule.tokens(source);
    sums.select(1, source).copy_(per_key.narrow(1, first, tokens).sum(1));
    first += tokens;
  };
  for (const int source : group.source_scales(target)) add_source(source);
  add_source(target);
  return sums;
}

// The same, one source after the other: adding in the order of the keys stays deterministic.
at::Tensor AttentionMassSums::by_position(const at::Tensor& positions,
                                          const at::Tensor& mass) const {
  const std::int64_t rows = positions.size(0) == 1 ? 1 : mass.size(0);
  const at::Tensor scales = at::take(scale_of_token_, positions.narrow(0, 0, rows));
  const at::Tensor exact = mass.to(at::kDouble);
  at::Tensor sums = at::zeros({mass.size(1), plan_.schedule().scales()}, exact.options());
  for (int source = 0; source < plan_.schedule().scales(); ++source) {
    const at::Tensor of_source = exact.masked_fill(scales.ne(source), 0);
    sums.select(1, source).copy_(of_source.sum(at::IntArrayRef{0, 2}));
  }
  return sums;
}

void AttentionMassSums::add(int layer, int target, const KvView& read,
                            const std::vector<at::Tensor>& mass) {
  const std::vector<HeadGroup>& groups = plan_.groups(layer);
  if (mass.size() != groups.size() || read.size() != groups.size()) {
    throw Error(fmt::format("[attention mass] layer {}: expected {} head groups as planned, got {}",
                            layer, groups.size(), mass.size()));
  }
  const at::Tensor row = sums_[layer].select(1, target);  // [head, source]
  // Known before anything runs on a device, so that a replayed pass has counted it too.
  int& unknown_heads = unknown_heads_(layer, target);
  unknown_heads = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const HeadGroup& group = groups[g];
    check(group, layer, target, mass[g]);
    at::Tensor sums;
    if (read[g].positions.defined()) {
      sums = by_position(read[g].positions, mass[g]);
    } else if (group.has_source_scales()) {
      sums = by_plan(group, target, mass[g]);
    } else {
      sums = at::zeros({group.heads().size(), row.size(1)}, row.options());
      sums.narrow(1, 0, target + 1).fill_(std::numeric_limits<double>::quiet_NaN());
      unknown_heads += group.heads().size();
    }
    std::int64_t first = 0;
    for (const HeadRun& run : group.heads().runs()) {
      row.narrow(0, run.first, run.heads).copy_(sums.narrow(0, first, run.heads));
      first += run.heads;
    }
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

std::int64_t AttentionMassSums::unattributed_rows() const {
  return std::accumulate(unknown_heads_.data.begin(), unknown_heads_.data.end(), std::int64_t{0});
}

}  // namespace kvscope
