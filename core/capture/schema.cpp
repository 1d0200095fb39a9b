#include "core/capture/schema.h"

#include <algorithm>

#include <fmt/format.h>

namespace kvscope::schema {
namespace {

std::string filled(const Dataset& dataset, int layer, Metric metric, KvTensor tensor) {
  return fmt::format(fmt::runtime(dataset.path), fmt::arg("layer", fmt::format("{:02}", layer)),
                     fmt::arg("metric", kvscope::name_of(metric)),
                     fmt::arg("tensor", kvscope::name_of(tensor)));
}

}  // namespace

std::string version_name(int minor) { return fmt::format("1.{}", minor); }

std::string_view name_of(Type type) {
  switch (type) {
    case Type::uint8:
      return "uint8";
    case Type::int32:
      return "int32";
    case Type::int64:
      return "int64";
    case Type::uint64:
      return "uint64";
    case Type::float64:
      return "float64";
    case Type::text:
      return "text";
    case Type::stored:
      return "float16, float32 or uint16";
  }
  return "";
}

std::vector<std::string_view> dims_of(const Dataset& dataset) {
  std::vector<std::string_view> names;
  std::string_view rest = dataset.dims;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    names.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return names;
}

std::string path_of(const Dataset& dataset) { return std::string(dataset.path); }

std::string path_of(const Dataset& dataset, KvTensor tensor) {
  return filled(dataset, 0, Metric::cosine, tensor);
}

std::string path_of(const Dataset& dataset, Metric metric, KvTensor tensor) {
  return filled(dataset, 0, metric, tensor);
}

std::string path_of(const Dataset& dataset, int layer, KvTensor tensor) {
  return filled(dataset, layer, Metric::cosine, tensor);
}

std::string path_of(const Dataset& dataset, int layer) {
  return path_of(dataset, layer, KvTensor::key);
}

std::vector<std::string> paths_of(const Dataset& dataset, const std::vector<int>& layers) {
  std::vector<std::string> paths;
  const bool by_layer = dataset.path.find("{layer}") != std::string_view::npos;
  for (const int layer : by_layer ? layers : std::vector<int>{0}) {
    for (const Metric metric : all_metrics) {
      for (const KvTensor tensor : all_kv_tensors) {
        std::string path = filled(dataset, layer, metric, tensor);
        if (std::find(paths.begin(), paths.end(), path) == paths.end()) {
          paths.push_back(std::move(path));
        }
      }
    }
  }
  return paths;
}

}  // namespace kvscope::schema
