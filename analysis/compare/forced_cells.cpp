#include "analysis/compare/forced_cells.h"

#include <fmt/format.h>

namespace kvscope {

std::string describe_forced(const ForcedAgreement& agreement) {
  return fmt::format(
      "{} on {}, guided logits before top-k and top-p, vanilla's tokens forced on both caches; "
      "{:g} % bootstrap intervals over samples. KL: divergence of vanilla's distribution to the "
      "budget's, mean over tokens. NLL rise: how much less likely the budget makes vanilla's "
      "tokens. Top-1 agreement: share of tokens with the same most likely code.",
      agreement.dtype, agreement.device, 100 * agreement.bootstrap.confidence);
}

std::vector<std::string> forced_columns(const FigureWriter& write) {
  std::vector<std::string> columns = {"samples"};
  append(columns, write.estimate_columns("KL", "nats"));
  append(columns, write.estimate_columns("NLL rise", "nats"));
  append(columns, write.estimate_columns("top-1 agreement", "fraction"));
  return columns;
}

std::vector<std::string> forced_cells(const ForcedAgreement& agreement, const FigureWriter& write) {
  const auto nats = [&](double value) { return write.number(value, 4); };
  const auto share = [&](double value) { return write.share(value); };
  std::vector<std::string> cells = {std::to_string(agreement.samples)};
  append(cells, write.estimate(agreement.overall.kl_nats, nats));
  append(cells, write.estimate(agreement.overall.nll_rise_nats, nats));
  append(cells, write.estimate(agreement.overall.top1_agreement, share));
  return cells;
}

}  // namespace kvscope
