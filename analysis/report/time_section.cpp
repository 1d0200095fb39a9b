#include <fmt/format.h>

#include "analysis/compare/figure_writer.h"
#include "analysis/compare/time_tables.h"
#include "analysis/report/charts.h"
#include "analysis/report/markup.h"
#include "analysis/report/sections.h"
#include "core/base/module.h"

namespace kvscope {
namespace {

const std::string& shown_module() {
  static const std::string module(name_of(Module::attention_core));
  return module;
}

/// Medians of every file whose times compare with the baseline's.
std::vector<Series> medians(const Comparison& comparison, std::vector<Spread> ModuleTime::*places) {
  std::vector<Series> series;
  for (const ComparedFile& file : comparison.files) {
    const ModuleTime* time = file.time ? file.time->find(shown_module()) : nullptr;
    if (time == nullptr || !file.latency_reason.empty()) continue;
    Series each{file.name, {}};
    for (const Spread& ns : time->*places) each.values.push_back(ns.median);
    series.push_back(std::move(each));
  }
  return series;
}

std::string part(const TitledTable& table, const std::string& axis,
                 const std::vector<Series>& series) {
  if (series.empty() || table.table.rows.empty()) return "";
  const Quantity time{[](double ns) { return format_ns(ns); }, 1000};
  return fmt::format("<h3>{}</h3>\n<figure>\n{}</figure>\n", escape_markup(table.title),
                     line_chart(table.title, axis, series, time)) +
         html_table(table.table);
}

}  // namespace

std::string time_section(const ReportFiles& files) {
  if (!files.comparison) return "";
  const Comparison& comparison = *files.comparison;
  const FigureWriter write(Numbers::readable);
  const std::string parts = part(scale_time_table(comparison, shown_module(), write), "scale",
                                 medians(comparison, &ModuleTime::by_scale_ns)) +
                            part(layer_time_table(comparison, shown_module(), write), "layer",
                                 medians(comparison, &ModuleTime::by_layer_ns));
  if (parts.empty()) return "";
  return section("time", "Where the attention takes its time",
                 paragraph("The attention core, softmax(QKᵀ)V, is what a budget spares. Medians; "
                           "layers added up by scale, scales by layer.") +
                     parts);
}

}  // namespace kvscope
