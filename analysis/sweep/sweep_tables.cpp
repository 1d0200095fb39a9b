#include "analysis/sweep/sweep_tables.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/compare/comparison_tables.h"
#include "analysis/compare/figure_writer.h"
#include "analysis/compare/forced_cells.h"
#include "analysis/sweep/best_cell.h"

namespace kvscope {
namespace {

using Row = std::vector<std::string>;

std::string layers_of(const CellResult& result) {
  const std::vector<int> layers = result.demanding_layers();
  if (layers.size() == result.cell.budget.layers.size()) return "all";
  return layers.empty() ? "none" : fmt::format("{}", fmt::join(layers, " "));
}

std::string scope_of(const SweepResults& results) {
  std::string scope = fmt::format(
      "{}, {} samples a cell, batch {}, {} on {}, {} draws of seed {}; bytes of one batch, all "
      "layers; vanilla's own peak is {} of `final`.",
      results.model.name, results.settings.samples, results.settings.batch, results.settings.dtype,
      results.settings.device, name_of(results.settings.rng), results.settings.seed,
      FigureWriter(Numbers::readable)
          .share(static_cast<double>(results.read_bytes) /
                 static_cast<double>(results.final_bytes)));
  for (const CellResult& cell : results.cells) {
    if (!cell.scores) continue;
    scope += ' ' + describe_scores(*cell.scores);
    break;
  }
  return scope;
}

Row figures_of(const CellResult& result, const FigureWriter& write) {
  const Scores scores = result.scores ? *result.scores : Scores{};
  Row row;
  append(row, write.estimate(scores.class_accuracy, [&](double v) { return write.share(v); }));
  append(row, write.estimate(scores.demo_frechet_distance,
                             [&](double v) { return write.number(v, 3); }));
  row.push_back(result.token_agreement ? write.share(*result.token_agreement) : write.none());
  row.push_back(write.number(result.psnr_mean_db, 2));
  row.push_back(write.number(result.ssim_mean, 4));
  return row;
}

Row figure_columns(const FigureWriter& write) {
  Row columns;
  append(columns, write.estimate_columns("class accuracy", "fraction"));
  append(columns, write.estimate_columns("demo Fréchet distance", "1"));
  append(columns, {write.column("tokens as vanilla", "fraction"), write.column("PSNR mean", "dB"),
                   write.column("SSIM mean", "1")});
  return columns;
}

TitledTable forced_table(const SweepResults& results, const FigureWriter& write) {
  TitledTable table{"Cells, teacher-forced on vanilla's tokens", "", {{"cell", "ratio"}, {}}};
  append(table.table.columns, forced_columns(write));
  // The last figure with its interval, for terminals too narrow for all columns.
  table.table.groups.push_back({table.table.columns.size() - 2, ""});
  for (const CellResult& result : results.cells) {
    if (!result.forced) continue;
    if (table.scope.empty()) table.scope = describe_forced(*result.forced);
    Row row = {result.cell.name, write.number(result.cell.ratio, 2)};
    append(row, forced_cells(*result.forced, write));
    table.table.rows.push_back(std::move(row));
  }
  return table;
}

// "tokens, frechet"; a budget of the user's own has no ratio and says at which: "0.2 tokens".
std::string best_at(const CellResult& result, const std::vector<BestMark>& marks) {
  std::vector<std::string> measures;
  for (const BestMark& mark : marks) {
    if (mark.cell != result.cell.name) continue;
    measures.push_back(result.cell.ratio ? std::string(name_of(mark.by))
                                         : fmt::format("{} {}", mark.ratio, name_of(mark.by)));
  }
  return fmt::format("{}", fmt::join(measures, ", "));
}

TitledTable cells_table(const SweepResults& results, const FigureWriter& write) {
  const std::vector<BestMark> marks = best_marks(figures_of(results.cells));
  TitledTable table{"Cells", scope_of(results), {}};
  if (!marks.empty()) {
    table.scope += " best: of its ratio, by tokens as vanilla or by demo Fréchet distance.";
  }
  table.table.columns = {"cell",
                         "ratio",
                         "best",
                         "demanding layers",
                         write.column("logical peak", "bytes"),
                         write.column("of read", "fraction"),
                         write.column("of final", "fraction")};
  // Where a terminal is too narrow for all columns, what a cell is stands apart from what it draws.
  table.table.groups.push_back({table.table.columns.size(), ""});
  append(table.table.columns, figure_columns(write));
  for (const CellResult& result : results.cells) {
    Row row = {result.cell.name,
               write.number(result.cell.ratio, 2),
               best_at(result, marks),
               layers_of(result),
               write.bytes(result.logical_peak_bytes),
               write.share(result.share_of_read),
               write.share(result.share_of_final)};
    append(row, figures_of(result, write));
    table.table.rows.push_back(std::move(row));
  }
  return table;
}

// One column for people, two for scripts.
Row spread_columns(const FigureWriter& write, Numbers numbers, const std::string& name,
                   const char* unit) {
  if (numbers == Numbers::readable) return {name};
  return {write.column(name + " mean", unit), write.column(name + " spread", unit)};
}

template <typename Format>
Row spread_of(const FigureWriter& write, Numbers numbers, const std::optional<MeanSpread>& figure,
              Format format) {
  if (numbers == Numbers::readable) {
    return {figure ? fmt::format("{} ± {}", format(figure->mean), format(figure->spread))
                   : write.none()};
  }
  if (!figure) return {write.none(), write.none()};
  return {format(figure->mean), format(figure->spread)};
}

TitledTable random_table(const SweepResults& results, const FigureWriter& write, Numbers numbers) {
  TitledTable table{"Layers at random", "Mean ± standard deviation over the seeds' cells.", {}};
  table.table.columns = {"ratio", "seeds", write.column("of read", "fraction"),
                         write.column("of final", "fraction")};
  append(table.table.columns, spread_columns(write, numbers, "class accuracy", "fraction"));
  append(table.table.columns, spread_columns(write, numbers, "demo Fréchet distance", "1"));
  append(table.table.columns, spread_columns(write, numbers, "tokens as vanilla", "fraction"));
  append(table.table.columns, spread_columns(write, numbers, "PSNR mean", "dB"));
  append(table.table.columns, spread_columns(write, numbers, "SSIM mean", "1"));
  const auto share = [&](double value) { return write.share(value); };
  const auto decimals = [&](int count) {
    return [&write, count](double value) { return write.number(value, count); };
  };
  for (const RandomSummary& summary : results.random) {
    Row row = {write.number(summary.ratio, 2), std::to_string(summary.seeds),
               write.share(summary.share_of_read), write.share(summary.share_of_final)};
    append(row, spread_of(write, numbers, summary.class_accuracy, share));
    append(row, spread_of(write, numbers, summary.demo_frechet_distance, decimals(3)));
    append(row, spread_of(write, numbers, summary.token_agreement, share));
    append(row, spread_of(write, numbers, summary.psnr_mean_db, decimals(2)));
    append(row, spread_of(write, numbers, summary.ssim_mean, decimals(4)));
    table.table.rows.push_back(std::move(row));
  }
  return table;
}

TitledTable damage_table(const SweepResults& results, const FigureWriter& write) {
  TitledTable table{"Damage of condensing one layer alone",
                    "Against vanilla: what class accuracy loses, what the demo Fréchet distance "
                    "gains, and the share of tokens that change.",
                    {}};
  table.table.columns = {"layer", write.column("accuracy drop", "fraction"),
                         write.column("Fréchet rise", "1"),
                         write.column("token disagreement", "fraction")};
  for (std::size_t layer = 0; layer < results.damage.size(); ++layer) {
    const LayerDamage& damage = results.damage[layer];
    table.table.rows.push_back(
        {std::to_string(layer),
         damage.accuracy_drop ? write.change(*damage.accuracy_drop) : write.none(),
         write.number(damage.frechet_rise, 3), write.share(damage.token_disagreement)});
  }
  return table;
}

TitledTable correlation_table(const SweepResults& results, const FigureWriter& write) {
  TitledTable table{
      "What predicts the damage",
      "Spearman's rank correlation over all layers of the demand that a statistic "
      "tells with damage: 1 when the most demanding layers suffer most. p: two-sided, by "
      "permutation.",
      {{"statistic", "measure", "rank correlation", "p"}, {}}};
  const auto known = [](double value) {
    return std::isnan(value) ? std::optional<double>() : std::optional(value);
  };
  for (const DamageCorrelation& correlation : results.correlations) {
    table.table.rows.push_back({correlation.statistic, correlation.measure,
                                write.number(known(correlation.rank_correlation), 3),
                                write.number(known(correlation.p_value), 4)});
  }
  return table;
}

TitledTable unreachable_table(const SweepResults& results) {
  TitledTable table{"Out of reach", "", {{"cell", "why"}, {}}, Rows::notes};
  for (const UnreachableCell& cell : results.unreachable) {
    table.table.rows.push_back({cell.name, cell.why});
  }
  return table;
}

}  // namespace

std::vector<TitledTable> to_tables(const SweepResults& results, Numbers numbers) {
  const FigureWriter write(numbers);
  std::vector<TitledTable> tables = {problems_table(problems_of(results)),
                                     cells_table(results, write),
                                     forced_table(results, write),
                                     random_table(results, write, numbers),
                                     damage_table(results, write),
                                     correlation_table(results, write),
                                     unreachable_table(results)};
  std::erase_if(tables, [](const TitledTable& table) { return table.table.rows.empty(); });
  return tables;
}

}  // namespace kvscope
