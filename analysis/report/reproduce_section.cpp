#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "analysis/report/commands.h"
#include "analysis/report/markup.h"
#include "analysis/report/sections.h"
#include "core/base/json_text.h"

namespace kvscope {

std::string reproduce_section(const ReportFiles& files) {
  const RunRecord& record = files.compared[0].record();
  std::string body = paragraph(fmt::format(
      "MODEL_DIR: model '{}' with weights of SHA-256 {}. kvscope {} ({}).", record.model.name,
      record.weights_sha256, record.tool_version, record.git_commit));
  body += "<pre class=\"commands\">";
  for (const std::string& line : commands_of(files)) {
    body += fmt::format("<span>{}\n</span>", escape_markup(line));
  }
  body += "</pre>\n";
  for (const ReportBudget& each : files.budgets) {
    body += fmt::format("<p class=\"pair\">{} of {}</p>\n<pre class=\"long-text\">{}</pre>\n",
                        each.name, escape_markup(fmt::format("{}", fmt::join(each.files, ", "))),
                        escape_markup(json_text(to_json(each.budget), 2)));
  }
  return section("reproduce", "How to reproduce", body);
}

}  // namespace kvscope
