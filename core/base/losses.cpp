#include "core/base/losses.h"

#include <algorithm>

namespace kvscope {
namespace {

struct Description {
  std::string_view name;
  LossSeverity severity;
  std::string_view source;
  std::string_view advice;
};

constexpr std::array<Description, loss_counter_count> descriptions = {{
    {"uncommitted_samples", LossSeverity::data_loss, "writer",
     "the run ended early; results cover the committed samples only"},
    {"nonfinite_values", LossSeverity::data_loss, "kv",
     "the model produced NaN or infinity; its statistics are not reliable"},
    {"overflowed_values", LossSeverity::data_loss, "kv",
     "capture again with --kv-dtype fp32 or bf16"},
    {"unequal_repeats", LossSeverity::data_loss, "session",
     "the device is not deterministic; tokens come from the first pass"},
    {"dropped_timings", LossSeverity::data_loss, "timing",
     "times of some modules are missing from the medians"},
    {"nonfinite_images", LossSeverity::data_loss, "session",
     "NaN or infinity on the way to the picture; PSNR, SSIM and scores leave them out; another "
     "--dtype may help"},
    {"unattributed_attention", LossSeverity::warning, "attention_mass",
     "the policy picks tokens and does not say which; their attention mass is NaN"},
}};

constexpr std::array<std::string_view, 3> severity_names = {"info", "warning", "data_loss"};

const Description& description_of(LossCounter counter) {
  return descriptions[static_cast<std::size_t>(counter)];
}

}  // namespace

std::string_view name_of(LossSeverity severity) {
  return severity_names[static_cast<std::size_t>(severity)];
}

LossSeverity parse_loss_severity(std::string_view name) {
  for (const LossSeverity severity : {LossSeverity::info, LossSeverity::warning}) {
    if (name == name_of(severity)) return severity;
  }
  return LossSeverity::data_loss;
}

std::string_view name_of(LossCounter counter) { return description_of(counter).name; }
LossSeverity severity_of(LossCounter counter) { return description_of(counter).severity; }
std::string_view source_of(LossCounter counter) { return description_of(counter).source; }
std::string_view advice_of(LossCounter counter) { return description_of(counter).advice; }

bool any_loss(const std::vector<Loss>& losses, LossSeverity least) {
  return std::any_of(losses.begin(), losses.end(),
                     [&](const Loss& loss) { return loss.count != 0 && loss.severity >= least; });
}

LossCounts& LossCounts::operator+=(const LossCounts& other) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += other.values[i];
  return *this;
}

}  // namespace kvscope
