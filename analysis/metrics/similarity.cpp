#include "analysis/metrics/similarity.h"

#include <limits>
#include <numeric>

namespace kvscope {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

const std::vector<double>& metric_of(const HeadSimilarity& head, Metric metric) {
  return metric == Metric::cosine ? head.cosine : head.neg_l2;
}

/// Adds `term` to a sum that is NaN while nothing was added.
void add(double& sum, bool first, double term) { sum = first ? term : sum + term; }

/// Mean over heads and targets i ≥ 1 of source i−1, for the heads of one sample.
double layer_statistic(std::span<const HeadSimilarity> heads, Metric metric, std::size_t scales) {
  double sum = 0;
  for (const HeadSimilarity& head : heads) {
    for (std::size_t target = 1; target < scales; ++target)
      sum += metric_of(head, metric)[target * scales + target - 1];
  }
  return sum / static_cast<double>(heads.size() * (scales - 1));
}

}  // namespace

InterScaleSimilarity::InterScaleSimilarity(const ScaleSchedule& schedule, int channels,
                                           std::vector<int> scales)
    : schedule_(schedule),
      channels_(channels),
      begin_(static_cast<std::size_t>(schedule.scales()), absent) {
  if (scales.empty()) {
    scales.resize(begin_.size());
    std::iota(scales.begin(), scales.end(), 0);
  }
  for (const int scale : scales) {
    begin_[static_cast<std::size_t>(scale)] = tokens_;
    tokens_ += schedule_.tokens(scale);
  }
  axes_.resize(begin_.size());
  for (int target = 0; target < schedule_.scales(); ++target) {
    for (int source = 0; source < target; ++source)
      axes_[static_cast<std::size_t>(target)].emplace_back(schedule_.side(source),
                                                           schedule_.side(target));
  }
}

HeadSimilarity InterScaleSimilarity::of_head(const float* rows) const {
  const std::size_t count = begin_.size();
  HeadSimilarity result{std::vector<double>(count * count, nan),
                        std::vector<double>(count * count, nan), std::vector<double>(count, nan)};
  std::vector<float> norms;
  std::vector<float> scratch;
  for (std::size_t target = 0; target < count; ++target) {
    if (begin_[target] == absent) continue;
    const float* target_rows = rows + begin_[target] * channels_;
    const std::int64_t target_tokens = schedule_.tokens(static_cast<int>(target));
    const double tokens = static_cast<double>(target_tokens);
    norms.resize(static_cast<std::size_t>(target_tokens));
    row_norms(target_rows, target_tokens, channels_, norms.data());
    result.norm[target] = std::accumulate(norms.begin(), norms.end(), 0.0) / tokens;
    for (std::size_t source = 0; source < target; ++source) {
      if (begin_[source] == absent) continue;
      const PairSums sums = compare_scales(rows + begin_[source] * channels_, target_rows,
                                           norms.data(), axes_[target][source], channels_, scratch);
      result.cosine[target * count + source] = sums.cosine / tokens;
      result.neg_l2[target * count + source] = sums.neg_l2 / tokens;
    }
  }
  return result;
}

BatchStatistics empty_similarity(std::int64_t samples, int layers, int heads, int scales) {
  BatchStatistics statistics;
  statistics.samples = samples;
  for (auto& array : statistics.similarity_sum.arrays)
    array = NdArray<double>({layers, heads, scales, scales}, nan);
  for (auto& array : statistics.norm_sum) array = NdArray<double>({layers, heads, scales}, nan);
  for (auto& array : statistics.layer_statistic.arrays)
    array = NdArray<double>({samples, layers}, nan);
  return statistics;
}

void store_layer(KvTensor tensor, int layer, const std::vector<int>& kept_heads,
                 std::span<const HeadSimilarity> results, BatchStatistics& statistics) {
  NdArray<double>& norm_sum = statistics.norm_sum[static_cast<std::size_t>(tensor)];
  const auto heads = static_cast<std::size_t>(norm_sum.shape[1]);
  const auto scales = static_cast<std::size_t>(norm_sum.shape[2]);
  const std::size_t samples = results.size() / kept_heads.size();
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const auto of_sample = results.subspan(sample * kept_heads.size(), kept_heads.size());
    for (std::size_t k = 0; k < kept_heads.size(); ++k) {
      double* norm = &norm_sum(layer, kept_heads[k], 0);
      for (std::size_t s = 0; s < scales; ++s) add(norm[s], sample == 0, of_sample[k].norm[s]);
      for (const Metric metric : all_metrics) {
        double* sum = &statistics.similarity_sum(metric, tensor)(layer, kept_heads[k], 0, 0);
        const auto& values = metric_of(of_sample[k], metric);
        for (std::size_t v = 0; v < values.size(); ++v) add(sum[v], sample == 0, values[v]);
      }
    }
    if (kept_heads.size() != heads) continue;
    for (const Metric metric : all_metrics)
      statistics.layer_statistic(metric, tensor)(sample, layer) =
          layer_statistic(of_sample, metric, scales);
  }
}

}  // namespace kvscope
