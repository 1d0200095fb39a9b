#include "analysis/compare/time_tables.h"

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/module.h"

namespace kvscope {
namespace {

using Cells = std::vector<std::string>;

/// A spread of one file; nullptr where it has none.
using Pick = std::function<const Spread*(const ComparedFile&)>;

void add_time_columns(TitledTable& table, const Comparison& comparison, const FigureWriter& write) {
  for (std::size_t i = 0; i < comparison.files.size(); ++i) {
    const std::string& name = comparison.files[i].name;
    table.add_column(write.column(name + " median", "ns"), name, "median");
    table.add_column(write.column(name + " IQR", "ns"), name, "IQR");
    if (i == 0) continue;
    for (std::string& column : write.ratio_columns(name + " / baseline")) {
      table.add_column(std::move(column), name, "/ baseline");
    }
  }
}

std::string iqr_of(const FigureWriter& write, const Spread& ns) {
  return ns.count < 2 ? write.none() : write.ns(ns.interquartile_range());
}

Cells time_row(const std::string& name, const Comparison& comparison, const FigureWriter& write,
               const Pick& pick) {
  Cells row = {name};
  const Spread* baseline = pick(comparison.files.front());
  for (std::size_t i = 0; i < comparison.files.size(); ++i) {
    const ComparedFile& file = comparison.files[i];
    const Spread* ns = pick(file);
    row.push_back(ns ? write.ns(ns->median) : write.none());
    row.push_back(ns ? iqr_of(write, *ns) : write.none());
    if (i == 0) continue;
    const bool comparable = ns && baseline && file.latency_reason.empty();
    append(row, write.ratio_cells(comparable ? ratio_of(*baseline, *ns) : std::nullopt));
  }
  return row;
}

Pick module_time(const std::string& module) {
  return [module](const ComparedFile& file) -> const Spread* {
    const ModuleTime* time = file.time ? file.time->find(module) : nullptr;
    return time ? &time->ns : nullptr;
  };
}

std::string runs_of(const Comparison& comparison) {
  std::string text;
  bool one_run = false;
  for (const ComparedFile& file : comparison.files) {
    if (!file.time) continue;
    const std::int64_t runs = file.time->image_ns.count;
    one_run = one_run || runs == 1;
    text += fmt::format(" {}: {}, {}, batch {}, {} {}{}.", file.name, file.device, file.dtype,
                        file.batch, runs, runs == 1 ? "run" : "runs",
                        file.time->first_pass_excluded ? ", one before them left out" : "");
  }
  if (one_run) text += " One run says little: give more batches or --repeat.";
  return text;
}

/// Times of one module at every place, [scale] or [layer].
using Places = std::vector<Spread> ModuleTime::*;

TitledTable place_table(const Comparison& comparison, const FigureWriter& write,
                        const std::string& module, const std::string& place, Places places) {
  TitledTable table{fmt::format("Time of {} by {}, an image", module, place),
                    "Median and interquartile range.",
                    {{place}, {}}};
  add_time_columns(table, comparison, write);
  std::size_t count = 0;
  for (const ComparedFile& file : comparison.files) {
    const ModuleTime* time = file.time ? file.time->find(module) : nullptr;
    if (time) count = std::max(count, (time->*places).size());
  }
  for (std::size_t i = 0; i < count; ++i) {
    table.table.rows.push_back(time_row(
        std::to_string(i), comparison, write, [&](const ComparedFile& file) -> const Spread* {
          const ModuleTime* time = file.time ? file.time->find(module) : nullptr;
          return time && i < (time->*places).size() ? &(time->*places)[i] : nullptr;
        }));
  }
  return table;
}

std::string sums_of_modules() {
  std::vector<std::string_view> attention;
  for (const Module module : self_attention_modules) attention.push_back(name_of(module));
  std::vector<std::string_view> changed;
  for (std::size_t i = 0; i < module_count; ++i) {
    if (budget_changes(static_cast<Module>(i))) changed.push_back(module_names[i]);
  }
  return fmt::format("{} = {}; controls = all that no budget changes, that is without {}",
                     self_attention, fmt::join(attention, " + "), fmt::join(changed, " and "));
}

}  // namespace

std::vector<std::string> timed_modules(const Comparison& comparison) {
  std::vector<std::string> names;
  bool attention = false;
  for (const ComparedFile& file : comparison.files) {
    if (!file.time) continue;
    for (const ModuleTime& module : file.time->modules) {
      if (module.name == self_attention) {
        attention = true;
      } else if (std::find(names.begin(), names.end(), module.name) == names.end()) {
        names.push_back(module.name);
      }
    }
  }
  if (attention) names.emplace_back(self_attention);
  return names;
}

TitledTable module_time_table(const Comparison& comparison, const FigureWriter& write) {
  TitledTable table{"Time by module, an image: median and interquartile range",
                    "Wall time an image: that of a batch, modules summed over layers and scales, "
                    "divided by its images; " +
                        sums_of_modules() +
                        ": their ratio should be 1. No difference seen: the interquartile ranges "
                        "overlap." +
                        runs_of(comparison),
                    {{"module"}, {}}};
  add_time_columns(table, comparison, write);
  const bool timed = std::any_of(comparison.files.begin(), comparison.files.end(),
                                 [](const ComparedFile& file) { return bool(file.time); });
  if (!timed) return table;
  const auto add = [&](const std::string& name, const Pick& pick) {
    table.table.rows.push_back(time_row(name, comparison, write, pick));
  };
  for (const std::string& module : timed_modules(comparison)) add(module, module_time(module));
  add("controls", [](const ComparedFile& file) -> const Spread* {
    return file.time && file.time->control_ns ? &*file.time->control_ns : nullptr;
  });
  add("end to end", [](const ComparedFile& file) -> const Spread* {
    return file.time ? &file.time->image_ns : nullptr;
  });
  return table;
}

TitledTable scale_time_table(const Comparison& comparison, const std::string& module,
                             const FigureWriter& write) {
  return place_table(comparison, write, module, "scale", &ModuleTime::by_scale_ns);
}

TitledTable layer_time_table(const Comparison& comparison, const std::string& module,
                             const FigureWriter& write) {
  return place_table(comparison, write, module, "layer", &ModuleTime::by_layer_ns);
}

}  // namespace kvscope
