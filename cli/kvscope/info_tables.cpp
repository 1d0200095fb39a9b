#include "cli/kvscope/info_tables.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "analysis/planner/explanation.h"
#include "core/base/json_text.h"

namespace kvscope::cli {
namespace {

using Cells = std::vector<std::pair<std::string, std::string>>;

bool is_estimate(const nlohmann::json& value) {
  return value.is_object() && value.size() == 3 && value.contains("value") &&
         value.contains("low") && value.contains("high");
}

bool is_list_of_objects(const nlohmann::json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(),
                     [](const nlohmann::json& each) { return each.is_object(); });
}

std::string text_of(const nlohmann::json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  if (!value.is_array()) return json_text(value);
  std::vector<std::string> texts;
  for (const nlohmann::json& each : value) texts.push_back(text_of(each));
  return texts.empty() ? "-" : fmt::format("{}", fmt::join(texts, ", "));
}

// Bytes as people read them; --json has them raw.
std::string text_of(std::string_view key, const nlohmann::json& value) {
  if (key.ends_with("_peak_bytes") && value.is_number()) {
    return plan_bytes(value.get<std::int64_t>());
  }
  if (!is_estimate(value)) return text_of(value);
  const std::string figure = text_of(value.at("value"));
  if (value.at("low").is_null()) return figure;
  return fmt::format("{} ({} … {})", figure, text_of(value.at("low")), text_of(value.at("high")));
}

/// Values under their names; lists of objects go to `lists`.
void flatten(const std::string& name, const nlohmann::json& value, Cells& cells,
             std::vector<std::pair<std::string, const nlohmann::json*>>* lists) {
  if (lists != nullptr && is_list_of_objects(value)) {
    lists->emplace_back(name, &value);
  } else if (value.is_object() && !is_estimate(value)) {
    for (const auto& [key, inner] : value.items()) {
      flatten(name.empty() ? key : fmt::format("{}.{}", name, key), inner, cells, lists);
    }
  } else {
    cells.emplace_back(name, text_of(name, value));
  }
}

TitledTable list_table(const std::string& name, const nlohmann::json& list) {
  TitledTable table{name, "", {{""}, {}}};
  std::vector<Cells> rows(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    flatten("", list[i], rows[i], nullptr);
    for (const auto& [key, text] : rows[i]) {
      std::vector<std::string>& columns = table.table.columns;
      if (std::find(columns.begin(), columns.end(), key) == columns.end()) columns.push_back(key);
    }
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> row(table.table.columns.size(), "-");
    row.front() = std::to_string(i);
    for (const auto& [key, text] : rows[i]) {
      const auto at = std::find(table.table.columns.begin(), table.table.columns.end(), key);
      row[static_cast<std::size_t>(at - table.table.columns.begin())] = text;
    }
    table.table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::vector<TitledTable> to_tables(const nlohmann::json& described) {
  Cells cells;
  std::vector<std::pair<std::string, const nlohmann::json*>> lists;
  flatten("", described, cells, &lists);
  std::vector<TitledTable> tables = {{"Everything", "", {{"what", "value"}, {}}}};
  for (auto& [name, text] : cells) {
    tables.front().table.rows.push_back({std::move(name), std::move(text)});
  }
  for (const auto& [name, list] : lists) tables.push_back(list_table(name, *list));
  return tables;
}

}  // namespace kvscope::cli
