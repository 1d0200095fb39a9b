#include "core/record/same_job.h"

#include <cstddef>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/json_text.h"

namespace kvscope {
namespace {

using Json = nlohmann::json;

// Null where the key is missing.
const Json* find(const Json& object, const std::string& key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string shown(const Json* value) { return value == nullptr ? "unknown" : json_text(*value); }

// Lists of objects are looked into; other lists are values.
bool has_parts(const Json& value) {
  return value.is_object() || (value.is_array() && !value.empty() && value.front().is_object());
}

std::optional<JobDifference> first_difference(const Json& given, const Json& asked,
                                              const std::string& path = "");

std::optional<JobDifference> difference_of(const Json* given, const Json* asked,
                                           const std::string& path) {
  if (given != nullptr && asked != nullptr) {
    if (*given == *asked) return std::nullopt;
    if (given->is_object() && asked->is_object()) return first_difference(*given, *asked, path);
    if (has_parts(*given) && has_parts(*asked) && given->size() == asked->size()) {
      for (std::size_t index = 0; index < asked->size(); ++index) {
        const std::string element = fmt::format("{}[{}]", path, index);
        if (auto found = difference_of(&(*given)[index], &(*asked)[index], element)) return found;
      }
    }
  }
  return JobDifference{path, shown(asked), shown(given)};
}

std::optional<JobDifference> first_difference(const Json& given, const Json& asked,
                                              const std::string& path) {
  // Both ways: a key that only one has is a difference too.
  for (const Json* keys : {&asked, &given}) {
    for (const auto& [key, ignored] : keys->items()) {
      if (key == "collectors") continue;
      const std::string field = path.empty() ? key : fmt::format("{}.{}", path, key);
      if (auto found = difference_of(find(given, key), find(asked, key), field)) return found;
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
  const Json had = to_json(given.budget);
  const Json wanted = to_json(asked.budget);
  // What a budget does comes before what it tells of itself.
  if (auto layer = difference_of(&had["layers"], &wanted["layers"], "budget.layers")) return layer;
  return first_difference(had, wanted, "budget");
}

}  // namespace kvscope
