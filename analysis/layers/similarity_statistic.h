#pragma once

#include <optional>
#include <string>
#include <utility>

#include "analysis/layers/layer_statistic_values.h"
#include "core/record/statistics.h"

namespace kvscope {

/// Mean similarity of source i−1 to target i, over heads, targets i ≥ 1 and samples. AMS-KV (arXiv
/// 2511.16047) keeps the history of layers where it is low. Cosine and neg_l2 both grow with
/// similarity. Throws Error when it was not collected for every layer.
LayerStatisticValues similarity_statistic(const Statistics& statistics, Metric metric,
                                          KvTensor tensor, const BootstrapOptions& options = {});

/// "cosine-key", "neg_l2-value", …
std::string similarity_statistic_name(Metric metric, KvTensor tensor);

/// What such a name stands for; nothing for any other.
std::optional<std::pair<Metric, KvTensor>> parse_similarity_statistic(std::string_view name);

}  // namespace kvscope
