#include "collectors/kv/value_check.h"

#include <cmath>

#include <ATen/ops/aminmax.h>
#include <ATen/ops/isfinite.h>

namespace kvscope {
namespace {

/// Whether `value` survives as `dtype`.
bool fits(double value, at::ScalarType dtype) {
  if (dtype == at::kHalf)
    return std::isfinite(static_cast<float>(at::Half(static_cast<float>(value))));
  if (dtype == at::kBFloat16)
    return std::isfinite(static_cast<float>(at::BFloat16(static_cast<float>(value))));
  return std::isfinite(value);
}

std::int64_t count_nonfinite(const at::Tensor& tensor) {
  return tensor.numel() - at::isfinite(tensor).sum().item<std::int64_t>();
}

}  // namespace

at::ScalarType scalar_type_of(KvDtype dtype) {
  switch (dtype) {
    case KvDtype::fp16:
      return at::kHalf;
    case KvDtype::bf16:
      return at::kBFloat16;
    case KvDtype::fp32:
      break;
  }
  return at::kFloat;
}

void count_bad_values(const at::Tensor& tensor, KvDtype stored, LossCounts& counts) {
  if (tensor.numel() == 0) return;
  const at::ScalarType dtype = scalar_type_of(stored);
  // NaN passes through aminmax, so it fails the check too.
  const auto [low, high] = at::aminmax(tensor);
  if (fits(low.item<double>(), dtype) && fits(high.item<double>(), dtype)) return;
  const std::int64_t nonfinite = count_nonfinite(tensor);
  counts[LossCounter::nonfinite_values] += nonfinite;
  counts[LossCounter::overflowed_values] += count_nonfinite(tensor.to(dtype)) - nonfinite;
}

}  // namespace kvscope
