#include "core/record/statistics.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

constexpr std::array<std::string_view, 2> metric_names = {"cosine", "neg_l2"};
constexpr std::array<std::string_view, 2> kv_tensor_names = {"key", "value"};

void add_to(NdArray<double>& sum, const NdArray<double>& more) {
  if (sum.shape != more.shape) {
    throw Error("[statistics] batches: expected sums of one shape, got different ones");
  }
  for (std::size_t i = 0; i < sum.data.size(); ++i) sum.data[i] += more.data[i];
}

NdArray<double> divided(const NdArray<double>& sum, std::int64_t samples) {
  NdArray<double> mean = sum;
  for (double& value : mean.data) value /= static_cast<double>(samples);
  return mean;
}

// The source is the last dimension.
NdArray<double> density_of(const NdArray<double>& mass, const std::vector<std::int64_t>& tokens) {
  NdArray<double> density = mass;
  for (std::size_t i = 0; i < density.data.size(); ++i) {
    density.data[i] /= static_cast<double>(tokens[i % tokens.size()]);
  }
  return density;
}

}  // namespace

NdArray<double> attention_share(const NdArray<double>& mass,
                                const std::vector<std::int64_t>& tokens) {
  NdArray<double> share = mass;
  for (std::size_t i = 0; i < share.data.size(); ++i) {
    share.data[i] /= static_cast<double>(tokens[i / tokens.size() % tokens.size()]);
  }
  return share;
}

std::string_view name_of(Metric metric) { return metric_names[static_cast<std::size_t>(metric)]; }

std::string_view name_of(KvTensor tensor) {
  return kv_tensor_names[static_cast<std::size_t>(tensor)];
}

Metric parse_metric(std::string_view name) {
  for (const Metric metric : all_metrics) {
    if (name == name_of(metric)) return metric;
  }
  throw UsageError(fmt::format("metric: expected cosine or neg_l2, got '{}'", name));
}

KvTensor parse_kv_tensor(std::string_view name) {
  for (const KvTensor tensor : all_kv_tensors) {
    if (name == name_of(tensor)) return tensor;
  }
  throw UsageError(fmt::format("tensor: expected key or value, got '{}'", name));
}

void StatisticsSums::add(const BatchStatistics& batch) {
  if (!started_) {
    sums_ = batch;
    sums_.layer_statistic = {};
    started_ = true;
    return;
  }
  sums_.samples += batch.samples;
  for (std::size_t i = 0; i < batch.similarity_sum.arrays.size(); ++i) {
    add_to(sums_.similarity_sum.arrays[i], batch.similarity_sum.arrays[i]);
  }
  for (std::size_t i = 0; i < batch.norm_sum.size(); ++i) {
    add_to(sums_.norm_sum[i], batch.norm_sum[i]);
  }
  add_to(sums_.mass_sum, batch.mass_sum);
}

Statistics StatisticsSums::means(const std::vector<std::int64_t>& tokens) const {
  Statistics result;
  result.samples = sums_.samples;
  for (std::size_t i = 0; i < result.similarity.arrays.size(); ++i) {
    result.similarity.arrays[i] = divided(sums_.similarity_sum.arrays[i], sums_.samples);
  }
  for (std::size_t i = 0; i < result.norm.size(); ++i) {
    result.norm[i] = divided(sums_.norm_sum[i], sums_.samples);
  }
  result.mass = divided(sums_.mass_sum, sums_.samples);
  result.density = density_of(result.mass, tokens);
  return result;
}

}  // namespace kvscope
