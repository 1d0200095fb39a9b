#include "analysis/compare/brief_table.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/compare/comparison_tables.h"
#include "analysis/compare/figure_writer.h"
#include "core/base/module.h"

namespace kvscope {
namespace {

/// A figure of each file; write.none() where a file lacks it.
using Figure = std::function<std::vector<std::string>(const ComparedFile&)>;

class BriefTable {
 public:
  explicit BriefTable(const Comparison& comparison) : comparison_(comparison) {
    table_.table.columns = {"file"};
    for (const ComparedFile& file : comparison.files) table_.table.rows.push_back({file.name});
  }

  /// Leaves out what no file has.
  void add(const std::vector<std::string>& names, const Figure& figure) {
    std::vector<std::vector<std::string>> cells;
    for (const ComparedFile& file : comparison_.files) cells.push_back(figure(file));
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (std::all_of(cells.begin(), cells.end(),
                      [&](const auto& each) { return each.at(i) == write_.none(); })) {
        continue;
      }
      table_.table.columns.push_back(names[i]);
      for (std::size_t file = 0; file < cells.size(); ++file) {
        table_.table.rows[file].push_back(cells[file][i]);
      }
    }
  }

  void add_time(const std::string& name,
                const std::function<const Spread*(const TimeFigures&)>& pick) {
    const auto spread_of = [&](const ComparedFile& file) {
      return file.time ? pick(*file.time) : nullptr;
    };
    const Spread* baseline = spread_of(comparison_.files.front());
    add({name + ", an image", name + ", against baseline"}, [&](const ComparedFile& file) {
      const Spread* ns = spread_of(file);
      const std::string median = ns != nullptr ? write_.ns(ns->median) : write_.none();
      const bool comparable = &file != &comparison_.files.front() && ns != nullptr &&
                              baseline != nullptr && file.latency_reason.empty();
      if (!comparable) return std::vector{median, write_.none()};
      return std::vector{median, write_.ratio_cells(ratio_of(*baseline, *ns)).front()};
    });
  }

  void add_score(const std::string& name, Estimate Scores::*score,
                 const std::function<std::string(double)>& format) {
    add(write_.estimate_columns(name, ""), [&](const ComparedFile& file) {
      return file.scores ? write_.estimate((*file.scores).*score, format)
                         : std::vector{write_.none(), write_.none()};
    });
  }

  const FigureWriter& write() const { return write_; }
  TitledTable& table() { return table_; }

 private:
  const Comparison& comparison_;
  FigureWriter write_{Numbers::readable};
  TitledTable table_{"In brief", "", {}, Rows::files};
};

}  // namespace

TitledTable brief_table(const Comparison& comparison) {
  BriefTable brief(comparison);
  const FigureWriter& write = brief.write();
  brief.table().scope = fmt::format("Bytes of {}; read: what the vanilla cache must hold.",
                                    describe_shape(comparison));
  brief.add({"KV cache at its peak", "KV cache, against read"}, [&](const ComparedFile& file) {
    return std::vector{write.bytes(file.memory.planned_peak_bytes),
                       write.change(file.memory.change_of_read)};
  });
  brief.add({"KV buffers, measured"}, [&](const ComparedFile& file) {
    return std::vector{write.bytes(file.memory.resident_peak_bytes)};
  });
  const std::string attention(name_of(Module::attention_core));
  brief.add_time(attention, [&](const TimeFigures& time) -> const Spread* {
    const ModuleTime* module = time.find(attention);
    return module != nullptr ? &module->ns : nullptr;
  });
  brief.add_time("end to end", [](const TimeFigures& time) { return &time.image_ns; });
  brief.add({"tokens as the baseline's"}, [&](const ComparedFile& file) {
    return std::vector{file.tokens ? write.share(file.tokens->overall) : write.none()};
  });
  brief.add_score("class accuracy", &Scores::class_accuracy,
                  [&](double value) { return write.share(value); });
  brief.add_score("demo Fréchet distance", &Scores::demo_frechet_distance,
                  [&](double value) { return write.number(value, 3); });
  return std::move(brief.table());
}

}  // namespace kvscope
