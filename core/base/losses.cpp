#include "core/base/losses.h"

#include <algorithm>

namespace kvscope {
namespace {

struct Description {
  std::string_view name;
  std::string_view advice;
};

constexpr std::array<Description, loss_counter_count> descriptions = {{
    {"uncommitted_samples", "the run ended early; results cover the committed samples only"},
    {"nonfinite_values", "the model produced NaN or infinity; its statistics are not reliable"},
    {"overflowed_values", "capture again with --kv-dtype fp32 or bf16"},
    {"unequal_repeats", "the device is not deterministic; tokens come from the first pass"},
    {"dropped_timings", "times of some modules are missing from the medians"},
    {"nonfinite_images",
     "NaN or infinity on the way to the picture; PSNR, SSIM and scores leave them out; another "
     "--dtype may help"},
}};

}  // namespace

std::string_view name_of(LossCounter counter) {
  return descriptions[static_cast<std::size_t>(counter)].name;
}

std::string_view advice_of(LossCounter counter) {
  return descriptions[static_cast<std::size_t>(counter)].advice;
}

bool LossCounts::any() const {
  return std::any_of(values.begin(), values.end(), [](std::int64_t count) { return count != 0; });
}

LossCounts& LossCounts::operator+=(const LossCounts& other) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += other.values[i];
  return *this;
}

}  // namespace kvscope
