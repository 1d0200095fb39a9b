#include "core/base/json_fields.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/input_file.h"
#include "core/base/json_text.h"

namespace kvscope {

JsonFields::JsonFields(const nlohmann::json& object, std::string where, std::string file,
                       std::string field)
    : object_(&object), where_(std::move(where)), file_(std::move(file)), field_(std::move(field)) {
  if (!object.is_object()) {
    const std::string name = field_.empty() ? "a JSON object" : field_ + " to be an object";
    throw BadInput(where_, file_, name, brief(object));
  }
}

bool JsonFields::has(std::string_view key) const { return object_->contains(std::string(key)); }

bool JsonFields::is_null(std::string_view key) { return value(key).is_null(); }

const nlohmann::json& JsonFields::value(std::string_view key) {
  const auto found = object_->find(std::string(key));
  if (found == object_->end()) fail(key, "a value", "nothing");
  asked_.emplace(key);
  return *found;
}

std::int64_t JsonFields::integer(std::string_view key, std::int64_t smallest) {
  const nlohmann::json& found = value(key);
  const bool fits = found.is_number_integer() &&
                    (!found.is_number_unsigned() ||
                     found.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max()) &&
                    found.get<std::int64_t>() >= smallest;
  if (!fits) fail(key, fmt::format("a whole number ≥ {}", smallest), brief(found));
  return found.get<std::int64_t>();
}

std::uint64_t JsonFields::unsigned_integer(std::string_view key) {
  const nlohmann::json& found = value(key);
  if (!found.is_number_unsigned()) fail(key, "a whole number ≥ 0", brief(found));
  return found.get<std::uint64_t>();
}

double JsonFields::number(std::string_view key) {
  const nlohmann::json& found = value(key);
  if (!found.is_number()) fail(key, "a number", brief(found));
  return found.get<double>();
}

std::optional<double> JsonFields::number_or_null(std::string_view key) {
  if (is_null(key)) return std::nullopt;
  return number(key);
}

bool JsonFields::boolean(std::string_view key) {
  const nlohmann::json& found = value(key);
  if (!found.is_boolean()) fail(key, "true or false", brief(found));
  return found.get<bool>();
}

std::string JsonFields::text(std::string_view key) {
  const nlohmann::json& found = value(key);
  if (!found.is_string()) fail(key, "a string", brief(found));
  return found.get<std::string>();
}

void JsonFields::check_schema(std::string_view expected) {
  if (const std::string found = text("schema"); found != expected) {
    fail("schema", fmt::format("\"{}\"", expected), fmt::format("\"{}\"", found));
  }
}

std::vector<int> JsonFields::integers(std::string_view key, int smallest) {
  std::vector<int> result;
  for (const nlohmann::json& item : array(key)) {
    const bool fits = item.is_number_integer() && item.get<std::int64_t>() >= smallest &&
                      item.get<std::int64_t>() <= std::numeric_limits<int>::max();
    if (!fits) fail(key, fmt::format("whole numbers ≥ {}", smallest), brief(item));
    result.push_back(item.get<int>());
  }
  return result;
}

std::vector<std::string> JsonFields::texts(std::string_view key) {
  std::vector<std::string> result;
  for (const nlohmann::json& item : array(key)) {
    if (!item.is_string()) fail(key, "strings", brief(item));
    result.push_back(item.get<std::string>());
  }
  return result;
}

const nlohmann::json& JsonFields::array(std::string_view key) {
  const nlohmann::json& found = value(key);
  if (!found.is_array()) fail(key, "a list", brief(found));
  return found;
}

JsonFields JsonFields::object(std::string_view key) {
  return JsonFields(value(key), where_, file_, path_of(key));
}

JsonFields JsonFields::element(std::string_view key, std::size_t index) {
  return JsonFields(array(key).at(index), where_, file_,
                    fmt::format("{}[{}]", path_of(key), index));
}

void JsonFields::refuse_unknown() const {
  for (const auto& [key, ignored] : object_->items()) {
    if (!asked_.contains(key)) {
      throw BadInput(where_, file_, "no unknown key", fmt::format("'{}'", path_of(key)));
    }
  }
}

void JsonFields::fail(std::string_view key, std::string_view expected, std::string_view got) const {
  throw BadInput(where_, file_, fmt::format("{} to be {}", path_of(key), expected), got);
}

std::string JsonFields::path_of(std::string_view key) const {
  return field_.empty() ? std::string(key) : fmt::format("{}.{}", field_, key);
}

std::string brief(const nlohmann::json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  std::string text = json_text(value);
  constexpr std::size_t longest = 60;  // more would bury the message
  if (text.size() > longest) text = text.substr(0, longest) + "…";
  return text;
}

nlohmann::json parse_json(std::string_view text, std::string_view where, std::string_view file) {
  // Copying and printing a value recurse: a file of a million brackets would overflow the stack.
  constexpr int deepest = 32;
  const auto refuse_deep = [&](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
    if (depth > deepest)
      throw BadInput(where, file, fmt::format("at most {} nested levels", deepest), "more");
    return true;
  };
  try {
    return nlohmann::json::parse(text, refuse_deep);
  } catch (const nlohmann::json::parse_error& mistake) {
    const std::size_t before = std::min(mistake.byte, text.size());
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(before), '\n');
    throw BadInput(where, file, "valid JSON", fmt::format("a syntax error in line {}", line));
  } catch (const nlohmann::json::out_of_range&) {
    throw BadInput(where, file, "numbers within the range of a double", "a larger one");
  }
}

nlohmann::json read_json_file(const std::string& path, std::string_view where) {
  return parse_json(read_input(path, where), where, path);
}

}  // namespace kvscope
