#include "analysis/layers/similarity_statistic.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {

LayerStatisticValues similarity_statistic(const Statistics& statistics, Metric metric,
                                          KvTensor tensor, const BootstrapOptions& options) {
  const NdArray<double>& per_sample = statistics.layer_statistic(metric, tensor);
  if (per_sample.empty()) {
    throw Error(
        fmt::format("[layers] layer statistic: expected {} similarity of {}, got a file without it",
                    name_of(metric), name_of(tensor)));
  }
  LayerStatisticValues layers = layer_statistic_values(
      per_sample, options,
      "its K or V held values that are not finite, or was not kept for this layer");
  layers.name = similarity_statistic_name(metric, tensor);
  layers.meaning =
      fmt::format("{} similarity of {}, scale i−1 to i", name_of(metric), name_of(tensor));
  return layers;
}

std::string similarity_statistic_name(Metric metric, KvTensor tensor) {
  return fmt::format("{}-{}", name_of(metric), name_of(tensor));
}

std::optional<std::pair<Metric, KvTensor>> parse_similarity_statistic(std::string_view name) {
  for (const Metric metric : all_metrics) {
    for (const KvTensor tensor : all_kv_tensors) {
      if (name == similarity_statistic_name(metric, tensor)) return std::pair(metric, tensor);
    }
  }
  return std::nullopt;
}

}  // namespace kvscope
