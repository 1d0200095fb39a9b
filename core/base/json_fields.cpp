#include "core/base/json_fields.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/input_file.h"
#include "core/base/json_text.h"
#include "core/base/suggest.h"

namespace kvscope {
namespace {

using nlohmann::json;

// Follows the parser through a text and knows the path of where it is, e.g. "layers[3].keep".
class ParsedPath {
 public:
  /// Returns whether `key` is new to the object that it is in.
  bool enter_key(const std::string& key) {
    open_.back().key = key;
    return open_.back().keys.insert(key).second;
  }
  void open(bool is_array) {
    next_element();
    open_.push_back({.is_array = is_array, .index = -1, .key = {}, .keys = {}});
  }
  void close() { open_.pop_back(); }
  /// Before every value: its place in the list that it is in.
  void next_element() {
    if (!open_.empty() && open_.back().is_array) ++open_.back().index;
  }
  std::size_t depth() const { return open_.size(); }
  std::string text() const {
    std::string path;
    for (const Level& level : open_) {
      if (level.is_array) {
        path += fmt::format("[{}]", level.index);
      } else {
        path += (path.empty() ? "" : ".") + level.key;
      }
    }
    return path;
  }

 private:
  struct Level {
    bool is_array;
    std::int64_t index;
    std::string key;
    std::set<std::string> keys;
  };
  std::vector<Level> open_;
};

// Copying and printing a value recurse: a file of a million brackets would overflow the stack.
constexpr std::size_t deepest = 32;

// nlohmann-json keeps the last of equal keys in silence.
class StrictEvents {
 public:
  StrictEvents(std::string_view where, std::string_view file) : where_(where), file_(file) {}

  bool operator()(int /*depth*/, json::parse_event_t event, const json& value) {
    using Event = json::parse_event_t;
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        path_.open(event == Event::array_start);
        if (path_.depth() > deepest)
          throw BadInput(where_, file_, fmt::format("at most {} nested levels", deepest), "more");
        break;
      case Event::object_end:
      case Event::array_end:
        path_.close();
        break;
      case Event::key:
        if (!path_.enter_key(value.get_ref<const std::string&>()))
          throw BadInput(where_, file_, "every key once", fmt::format("'{}' twice", path_.text()));
        break;
      case Event::value:
        path_.next_element();
        break;
    }
    return true;
  }

 private:
  std::string_view where_;
  std::string_view file_;
  ParsedPath path_;
};

}  // namespace

JsonFields::JsonFields(const nlohmann::json& object, std::string where, std::string file,
                       std::string field)
    : object_(&object), where_(std::move(where)), file_(std::move(file)), field_(std::move(field)) {
  if (!object.is_object()) {
    const std::string name = field_.empty() ? "a JSON object" : field_ + " to be an object";
    throw BadInput(where_, file_, name, brief(object));
  }
}

bool JsonFields::has(std::string_view key) const {
  known_.emplace(key);
  return object_->contains(std::string(key));
}

bool JsonFields::is_null(std::string_view key) { return value(key).is_null(); }

const nlohmann::json& JsonFields::value(std::string_view key) {
  known_.emplace(key);
  const auto found = object_->find(std::string(key));
  if (found == object_->end()) fail(key, "a value", "nothing" + misspelt({std::string(key)}));
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
    if (asked_.contains(key)) continue;
    throw BadInput(
        where_, file_, "no unknown key",
        with_suggestion(fmt::format("'{}'", path_of(key)), key, {known_.begin(), known_.end()}));
  }
}

std::vector<std::string> JsonFields::unknown() const {
  std::vector<std::string> keys;
  for (const auto& [key, ignored] : object_->items()) {
    if (!asked_.contains(key)) keys.push_back(key);
  }
  return keys;
}

std::string JsonFields::misspelt(const std::vector<std::string>& missing) const {
  for (const auto& [key, ignored] : object_->items()) {
    // Other keys of the object may not have been looked for yet: theirs are long and alike.
    if (known_.contains(key)) continue;
    if (const std::string near = nearest(key, missing, true); !near.empty()) {
      return fmt::format("; is '{}' meant for '{}'?", key, near);
    }
  }
  return "";
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
  try {
    return json::parse(text, StrictEvents(where, file));
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
