#include "analysis/views/scale_maps.h"

#include <limits>

namespace kvscope {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

double value_of(const NdArray<double>& values, std::int64_t layer, HeadChoice head,
                std::int64_t target, std::int64_t source) {
  if (head) return values(layer, *head, target, source);
  const std::int64_t heads = values.shape[1];
  double sum = 0;
  for (std::int64_t each = 0; each < heads; ++each) sum += values(layer, each, target, source);
  return sum / static_cast<double>(heads);
}

}  // namespace

NdArray<double> scale_map(const NdArray<double>& values, std::int64_t layer, HeadChoice head) {
  const std::int64_t scales = values.shape[2];
  NdArray<double> map({scales, scales}, unknown);
  for (std::int64_t target = 0; target < scales; ++target) {
    for (std::int64_t source = 0; source <= target; ++source) {
      map(target, source) = value_of(values, layer, head, target, source);
    }
  }
  return map;
}

NdArray<double> adjacent_map(const NdArray<double>& similarity, HeadChoice head) {
  const std::int64_t scales = similarity.shape[2];
  NdArray<double> map({similarity.shape[0], scales}, unknown);
  for (std::int64_t layer = 0; layer < similarity.shape[0]; ++layer) {
    for (std::int64_t target = 1; target < scales; ++target) {
      map(layer, target) = value_of(similarity, layer, head, target, target - 1);
    }
  }
  return map;
}

NdArray<double> received_attention(const NdArray<double>& shares, HeadChoice head) {
  const std::int64_t scales = shares.shape[2];
  NdArray<double> map({shares.shape[0], scales}, unknown);
  for (std::int64_t layer = 0; layer < shares.shape[0]; ++layer) {
    for (std::int64_t source = 0; source < scales - 1; ++source) {
      double sum = 0;
      for (std::int64_t target = source + 1; target < scales; ++target) {
        sum += value_of(shares, layer, head, target, source);
      }
      map(layer, source) = sum / static_cast<double>(scales - 1 - source);
    }
  }
  return map;
}

std::vector<double> mean_over_layers(const NdArray<double>& map) {
  std::vector<double> means(static_cast<std::size_t>(map.shape[1]));
  for (std::int64_t index = 0; index < map.shape[1]; ++index) {
    double& mean = means[static_cast<std::size_t>(index)];
    for (std::int64_t layer = 0; layer < map.shape[0]; ++layer) mean += map(layer, index);
    mean /= static_cast<double>(map.shape[0]);
  }
  return means;
}

}  // namespace kvscope
