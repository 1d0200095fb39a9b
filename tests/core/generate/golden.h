#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

#include "core/base/json_fields.h"
#include "core/budget/budget.h"
#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"
#include "core/generate/eager_generator.h"
#include "core/weights/safetensors.h"
#include "core/weights/state_dict.h"
#include "core/weights/tensors.h"

namespace kvscope::testing {

/// A model with what the published code (or scripts/reference_var.py) drew from it.
struct Golden {
  LoadedModel model;
  nlohmann::json golden_case;
  SafetensorsFile file;

  explicit Golden(const std::string& folder)
      : model(load_model_folder(folder)),
        golden_case(read_json_file(folder + "/case.json", "test")),
        file(folder + "/golden.safetensors") {}

  bool has(const std::string& name) const { return file.tensors().contains(name); }
  at::Tensor tensor(const std::string& name) const {
    return tensor_of(file, file.tensors().at(name));
  }
  /// Tokens as int64, however they are stored.
  at::Tensor tokens(const std::string& name) const { return tensor(name).to(at::kLong); }

  std::vector<std::int64_t> labels() const { return golden_case.at("labels"); }
  BatchRequest request() const {
    BatchRequest request;
    request.labels = labels();
    return request;
  }

  SamplingOptions sampling() const {
    SamplingOptions sampling;
    sampling.cfg = golden_case.at("cfg");
    sampling.top_k = golden_case.at("top_k");
    sampling.top_p = golden_case.at("top_p");
    sampling.seed = golden_case.at("seed");
    return sampling;
  }

  Budget vanilla() const { return vanilla_budget(budget_model_of(model.config)); }

  /// The retention cases of case.json, as budgets.
  std::vector<Budget> policies() const {
    std::vector<Budget> budgets;
    for (const auto& [name, layers] : golden_case.at("policies").items()) {
      Budget budget = vanilla();
      budget.policy = name;
      for (std::size_t layer = 0; layer < layers.size(); ++layer) {
        budget.layers.at(layer).rule = rule_of(layers[layer]);
      }
      budgets.push_back(budget);
    }
    return budgets;
  }

 private:
  static LayerRule rule_of(const nlohmann::json& rule) {
    if (rule.is_null()) return KeepAll{};
    if (rule.contains("capacity_tokens")) {
      return KeepCapacity{rule.at("condensed"), rule.at("capacity_tokens")};
    }
    return KeepLocal{rule.at("condensed"), rule.at("local")};
  }
};

inline std::string golden_root() { return std::string(KVSCOPE_SOURCE_DIR) + "/tests/golden"; }

/// var_parity from the published code, and the shapes of our own beside it.
inline std::vector<std::string> golden_folders() {
  std::vector<std::string> folders = {golden_root() + "/var_parity"};
  for (const auto& entry : std::filesystem::directory_iterator(golden_root() + "/shapes")) {
    folders.push_back(entry.path().string());
  }
  return folders;
}

}  // namespace kvscope::testing
