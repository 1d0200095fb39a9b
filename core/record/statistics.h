#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/nd_array.h"

namespace kvscope {

enum class Metric { cosine, neg_l2 };
enum class KvTensor { key, value };

inline constexpr std::array<Metric, 2> all_metrics = {Metric::cosine, Metric::neg_l2};
inline constexpr std::array<KvTensor, 2> all_kv_tensors = {KvTensor::key, KvTensor::value};

std::string_view name_of(Metric metric);
std::string_view name_of(KvTensor tensor);
Metric parse_metric(std::string_view name);       ///< throws UsageError
KvTensor parse_kv_tensor(std::string_view name);  ///< throws UsageError

/// One array for each (metric, tensor).
template <typename T>
struct PerStatistic {
  std::array<T, 4> arrays;

  T& operator()(Metric metric, KvTensor tensor) { return arrays[index(metric, tensor)]; }
  const T& operator()(Metric metric, KvTensor tensor) const {
    return arrays[index(metric, tensor)];
  }

 private:
  static std::size_t index(Metric metric, KvTensor tensor) {
    return 2 * static_cast<std::size_t>(metric) + static_cast<std::size_t>(tensor);
  }
};

/// Sums over the conditional rows of one batch, float64, so that batches merge exactly in order.
/// An empty array means: not collected.
struct BatchStatistics {
  std::int64_t samples = 0;  ///< the count that every sum divides by
  /// Σ over samples of the mean over tokens, [layer, head, target, source]; NaN where source ≥
  /// target.
  PerStatistic<NdArray<double>> similarity_sum;
  /// Σ over samples of the attention mass, [layer, head, target, source]; 0 where source > target.
  NdArray<double> mass_sum;
  /// Σ over samples of the mean l2 norm over tokens, [layer, head, scale].
  std::array<NdArray<double>, 2> norm_sum;  // indexed by KvTensor
  /// Layer statistic of every sample (mean over heads and targets i ≥ 1 of source i−1),
  /// [sample, layer].
  PerStatistic<NdArray<double>> layer_statistic;
};

/// Means over all committed samples of a file, with what bootstrap and merging need.
struct Statistics {
  std::int64_t samples = 0;
  PerStatistic<NdArray<double>> similarity;       ///< [layer, head, target, source]
  NdArray<double> mass;                           ///< [layer, head, target, source]
  NdArray<double> density;                        ///< mass / tokens of the source
  std::array<NdArray<double>, 2> norm;            ///< [layer, head, scale], indexed by KvTensor
  PerStatistic<NdArray<double>> layer_statistic;  ///< [sample, layer]

  bool has_similarity() const { return !similarity.arrays[0].empty(); }
  bool has_mass() const { return !mass.empty(); }
};

/// Attention share, [layer, head, target, source]: attention mass, which counts queries and whose
/// row sums to the tokens of the target, as a part of them, so that a row sums to 1. `tokens` are
/// the tokens of each scale.
NdArray<double> attention_share(const NdArray<double>& mass,
                                const std::vector<std::int64_t>& tokens);

/// Adds batches in order: the one place where sums become means. Its memory does not grow with the
/// number of batches.
class StatisticsSums {
 public:
  /// Throws Error when the batch holds other arrays, or of other shapes, than the ones before.
  void add(const BatchStatistics& batch);

  /// Means over the samples so far, without layer_statistic. `tokens` are the tokens of each scale,
  /// for the density.
  Statistics means(const std::vector<std::int64_t>& tokens) const;

 private:
  BatchStatistics sums_;
  bool started_ = false;
};

}  // namespace kvscope
