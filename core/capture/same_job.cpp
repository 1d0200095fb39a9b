#include "core/capture/same_job.h"

#include <nlohmann/json.hpp>

#include "core/base/json_fields.h"

namespace kvscope {
namespace {

using Json = nlohmann::json;

std::string shown(const Json& object, const std::string& key) {
  const auto found = object.find(key);
  if (found == object.end()) return "unknown";
  return found->is_array() ? found->dump() : brief(*found);
}

std::optional<JobDifference> first_difference(const Json& given, const Json& asked) {
  // Both ways: a key that only one has is a difference too.
  for (const Json* keys : {&asked, &given}) {
    for (const auto& [key, ignored] : keys->items()) {
      if (key == "collectors") continue;
      const bool same = given.contains(key) && asked.contains(key) && given[key] == asked[key];
      if (!same) return JobDifference{key, shown(asked, key), shown(given, key)};
    }
  }
  return std::nullopt;
}

Json origin_of(const RunRecord& record) {
  return {{"weights_sha256", record.weights_sha256},
          {"kind", name_of(record.kind)},
          {"policy", record.policy},
          {"tool_version", record.tool_version},
          {"git_commit", record.git_commit},
          {"torch_version", record.torch_version},
          {"device_name", record.device_name},
          {"cpu_name", record.cpu_name}};
}

}  // namespace

std::optional<JobDifference> different_setting(const Json& given, const RunSettings& asked) {
  return first_difference(given.is_object() ? given : Json::object(), to_json(asked));
}

std::optional<JobDifference> different_job(const RunRecord& given, const RunRecord& asked) {
  if (auto model = first_difference(to_json(given.model), to_json(asked.model))) return model;
  if (auto setting = different_setting(to_json(given.settings), asked.settings)) return setting;
  if (auto origin = first_difference(origin_of(given), origin_of(asked))) return origin;
  if (given.budget != asked.budget) return JobDifference{"budget", "this one", "another"};
  return std::nullopt;
}

}  // namespace kvscope
