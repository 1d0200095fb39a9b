#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/comparison_tables.h"
#include "analysis/report/charts.h"
#include "analysis/report/markup.h"
#include "analysis/report/sections.h"
#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/base/units.h"
#include "core/capture/capture_images.h"
#include "core/image/png.h"

namespace kvscope {
namespace {

constexpr std::int64_t most_images = 16;

Table settings_table(const std::vector<const CaptureReader*>& files) {
  Table table{{"setting"}, {}};
  nlohmann::json all;
  for (const CaptureReader* file : files) {
    const RunRecord& record = file->record();
    table.columns.push_back(file_name(*file));
    nlohmann::json settings = to_json(record.settings);
    settings["kind"] = name_of(record.kind);
    settings["policy"] = record.policy;
    settings["capture_id"] = record.capture_id;
    settings["weights_sha256"] = record.weights_sha256;
    settings["tool"] = fmt::format("{} ({})", record.tool_version, record.git_commit);
    settings["torch"] = record.torch_version;
    settings["device_name"] = record.device_name;
    settings["cpu_name"] = record.cpu_name;
    settings["started"] = record.start_time;
    settings["raw_queries"] = file->has_queries();
    all.push_back(std::move(settings));
  }
  for (const auto& [field, ignored] : all[0].items()) {
    std::vector<std::string> row = {field};
    for (const nlohmann::json& settings : all) {
      const nlohmann::json value = settings.value(field, nlohmann::json());
      row.push_back(value.is_string() ? value.get<std::string>() : json_text(value));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string picture(const Image& image, const std::string& alternative) {
  return fmt::format("<img alt=\"{}\" width=\"{}\" height=\"{}\" src=\"data:image/png;base64,{}\">",
                     escape_markup(alternative), image.width, image.height,
                     base64(encode_png(image)));
}

/// One row of pictures: baseline, budget, difference. Empty when a PNG cannot be read.
std::string picture_row(const CaptureImages& baseline, const CaptureImages& other,
                        const ImageScore& score, const std::string& name) {
  try {
    const Image a = baseline.read(score.baseline_position);
    const Image b = other.read(score.file_position);
    return fmt::format(
        "<figure><div class=\"three\">{}{}{}</div><figcaption>{}</figcaption></figure>\n",
        picture(a, name + ", baseline"), picture(b, name + ", budget"),
        picture(difference(a, b), name + ", difference"), escape_markup(name));
  } catch (const Error&) {
    return "";  // the table of what is not comparable names it
  }
}

}  // namespace

std::string section(const std::string& anchor, const std::string& title, const std::string& body) {
  return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", anchor,
                     escape_markup(title), body);
}

std::string paragraph(const std::string& text, const std::string& css_class) {
  const std::string attribute = css_class.empty() ? "" : fmt::format(" class=\"{}\"", css_class);
  return fmt::format("<p{}>{}</p>\n", attribute, escape_markup(text));
}

std::string loss_section(const ReportFiles& files) {
  std::vector<DataProblem> problems;
  const auto add = [&](const LoadedCapture& file, const std::string& name) {
    for (DataProblem& problem : data_problems(file, name)) problems.push_back(std::move(problem));
  };
  for (std::size_t i = 0; i < files.loaded.size(); ++i) {
    add(files.loaded[i], file_name(files.compared[i]));
  }
  if (files.statistics) add(LoadedCapture(*files.statistics), file_name(*files.statistics));
  if (files.comparison) {
    for (DataProblem& problem : time_problems(*files.comparison)) {
      problems.push_back(std::move(problem));
    }
  }
  if (problems.empty()) return paragraph("Nothing was lost in these files.", "scope");
  const TitledTable table = problems_table(problems);
  return fmt::format("<div class=\"problems\" id=\"losses\"><h3>{}</h3>\n{}</div>\n",
                     escape_markup(table.title), html_table(table.table));
}

std::string comparison_section(const ReportFiles& files) {
  if (!files.comparison) return "";
  std::string body;
  Comparison shown = *files.comparison;
  shown.problems.clear();  // they stand on top of the page
  for (const TitledTable& table : to_tables(shown, Numbers::readable)) {
    body += fmt::format("<h3>{}</h3>\n", escape_markup(table.title));
    if (!table.scope.empty()) body += paragraph(table.scope, "scope");
    body += html_table(table.table);
  }
  return section("comparison", "Comparison", body);
}

std::string memory_section(const ReportFiles& files) {
  if (!files.comparison) return "";
  std::vector<Series> series;
  std::vector<std::string> others;
  for (const ComparedFile& file : files.comparison->files) {
    const std::vector<std::int64_t>& bytes = file.memory.logical_bytes;
    if (file.memory.shape != files.comparison->shape) {
      others.push_back(file.name);
      continue;
    }
    series.push_back({file.name, {bytes.begin(), bytes.end()}});
  }
  std::string body = paragraph(
      "Logical bytes of one batch once each scale is done: what later scales will still read. "
      "Nothing is read after the last scale.");
  body += paragraph(describe_shape(*files.comparison) + '.', "scope");
  if (!others.empty()) {
    body += paragraph(fmt::format("Not drawn, as their batches or element sizes are others: {}.",
                                  fmt::join(others, ", ")),
                      "scope");
  }
  body += "<figure>\n" +
          line_chart(
              "KV cache bytes over the scales", "scale", series,
              {[](double bytes) { return format_bytes(static_cast<std::int64_t>(bytes)); }, 1024}) +
          "</figure>\n";
  return section("memory", "Memory over the scales", body);
}

std::string budget_section(const ReportFiles& files) {
  if (files.budgets.empty()) return "";
  std::string body = paragraph(
      "The shade is the share of later target scales that read a source scale; a dot marks what "
      "the last target reads, with its tokens at the right (its own not counted).");
  for (const ReportBudget& each : files.budgets) {
    body += paragraph(fmt::format("{}: policy {} of {}", each.name, each.budget.policy,
                                  fmt::join(each.files, ", ")),
                      "pair");
    body += "<figure>\n" + kept_grid(kept_scales(each.budget)) + "</figure>\n";
  }
  return section("budget",
                 files.budgets.size() == 1 ? "What the budget keeps" : "What the budgets keep",
                 body);
}

std::string image_section(const ReportFiles& files) {
  if (!files.comparison) return "";
  std::string rows;
  for (std::size_t i = 1; i < files.compared.size(); ++i) {
    const ComparedFile& compared = files.comparison->files[i];
    if (!compared.images) continue;
    const LoadedCapture& baseline = files.loaded[0];
    rows += paragraph(
        fmt::format("{} | {} | difference × 4", files.comparison->files[0].name, compared.name),
        "pair");
    rows += "<div class=\"pictures\">\n";
    std::int64_t shown = 0;
    for (const ImageScore& score : compared.images->images) {
      if (shown++ == most_images) break;
      const std::string name =
          fmt::format("sample {}, class {}: {}", score.sample,
                      baseline.record.model.class_label(
                          baseline.labels.at(static_cast<std::size_t>(score.baseline_position))),
                      score.psnr_db ? fmt::format("{:.1f} dB", *score.psnr_db) : "identical");
      rows += picture_row(baseline.images, files.loaded[i].images, score, name);
    }
    rows += "</div>\n";
  }
  if (rows.empty()) return "";
  return section("images", "Images from the same draws", rows);
}

std::string settings_section(const ReportFiles& files) {
  return section("settings", "Settings and file ids", html_table(settings_table(files.all())));
}

}  // namespace kvscope
