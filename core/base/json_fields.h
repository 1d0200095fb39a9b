#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace kvscope {

/// Reads one JSON object field by field and refuses what it was not asked for.
///
/// Errors are BadInput with the file and the path of the field, e.g.
/// `[budget] b.json: expected layers[3].local_scales to be a whole number, got "two"`.
class JsonFields {
 public:
  /// `field` is the path of `object` inside the file, empty for the root. Throws BadInput when
  /// `object` is no JSON object.
  JsonFields(const nlohmann::json& object, std::string where, std::string file,
             std::string field = "");

  bool has(std::string_view key) const;
  /// Whether `key` is there and null.
  bool is_null(std::string_view key);

  std::int64_t integer(std::string_view key, std::int64_t smallest);
  std::uint64_t unsigned_integer(std::string_view key);
  double number(std::string_view key);
  std::optional<double> number_or_null(std::string_view key);
  bool boolean(std::string_view key);
  std::string text(std::string_view key);
  /// The text `schema`, which must be `expected`: name and version of a format.
  void check_schema(std::string_view expected);
  std::vector<int> integers(std::string_view key, int smallest);
  std::vector<std::string> texts(std::string_view key);
  const nlohmann::json& array(std::string_view key);
  JsonFields object(std::string_view key);
  JsonFields element(std::string_view key, std::size_t index);

  /// Throws BadInput naming the first key that nothing above asked for, and the known one that it
  /// is near to.
  void refuse_unknown() const;
  /// The keys that nothing above asked for.
  std::vector<std::string> unknown() const;

  /// "; is 'capacity_token' meant for 'capacity_tokens'?" where a key that nobody looked for is
  /// near to one of `missing`, else nothing.
  std::string misspelt(const std::vector<std::string>& missing) const;

  /// Throws BadInput for `key` of this object.
  [[noreturn]] void fail(std::string_view key, std::string_view expected,
                         std::string_view got) const;

  /// Path of `key` inside the file, e.g. "layers[3].keep".
  std::string path_of(std::string_view key) const;

 private:
  const nlohmann::json& value(std::string_view key);

  const nlohmann::json* object_;
  std::string where_;
  std::string file_;
  std::string field_;
  std::set<std::string, std::less<>> asked_;
  mutable std::set<std::string, std::less<>> known_;  // looked for, there or not
};

/// A value as error messages show it: short, and a list or an object only by its kind.
std::string brief(const nlohmann::json& value);

/// null where nothing is known, as JsonFields::number_or_null reads it.
template <typename T>
nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

/// Parses the JSON text of `file`. Throws BadInput with the line of the mistake, with the path of a
/// key that its object has twice, and for lists and objects inside each other deeper than any
/// format of ours.
nlohmann::json parse_json(std::string_view text, std::string_view where, std::string_view file);

/// Reads and parses a whole JSON file. Throws BadInput when it cannot be read.
nlohmann::json read_json_file(const std::string& path, std::string_view where);

}  // namespace kvscope
