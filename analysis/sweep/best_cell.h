#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/sweep/sweep_results.h"
#include "core/budget/budget.h"
#include "core/budget/kv_bytes.h"
#include "core/record/scores.h"

namespace kvscope {

/// The measure by which one cell of a ratio is better than another.
enum class CellMeasure {
  tokens,   ///< share of tokens as vanilla's: more is better
  frechet,  ///< demo Fréchet distance: less is better
};
inline constexpr CellMeasure all_cell_measures[] = {CellMeasure::tokens, CellMeasure::frechet};

/// "tokens" or "frechet".
const char* name_of(CellMeasure measure);

/// Throws UsageError for another name.
CellMeasure parse_cell_measure(std::string_view name);

/// What a cell is compared by, from a sweep or from its results file.
struct CellFigures {
  std::string name;
  std::string statistic;        ///< statistic that chose the layers; empty where none did
  std::optional<double> ratio;  ///< asked for, of `read`; nothing for a budget of the user's own
  double share_of_read = 0;
  std::vector<int> demanding_layers;
  std::optional<double> token_agreement;  ///< nothing for vanilla
  /// Whose images were judged; nothing when nobody scored them, and in older results.
  std::optional<std::int64_t> scored_samples;
  Estimate demo_frechet_distance;  ///< not known where it does not compare with vanilla's
};

/// The cells that can be the best of something, all but vanilla and single layers.
std::vector<CellFigures> figures_of(const std::vector<CellResult>& cells);

/// Ratios that were asked for, ascending.
std::vector<double> ratios_of(std::span<const CellFigures> cells);

/// The cells that compete where this share of read is allowed: those of the nearest ratio that is
/// at most `ratio`, and the user's own that need no more.
std::vector<CellFigures> cells_within(std::span<const CellFigures> cells, double ratio);

/// The best of them that was measured, the first of equal ones; null when none was.
const CellFigures* best_of(std::span<const CellFigures> cells, CellMeasure measure);

/// Where a cell is the best.
struct BestMark {
  std::string cell;
  double ratio = 0;
  CellMeasure by = CellMeasure::tokens;
};

/// For every ratio and measure.
std::vector<BestMark> best_marks(std::span<const CellFigures> cells);

/// The results file of a sweep over ratios, as plan reads it.
struct MeasuredSweep {
  std::string file;
  ModelConfig model;
  std::string weights_sha256;
  std::int64_t samples = 0;  ///< of every cell
  std::int64_t read_bytes = 0;
  std::int64_t final_bytes = 0;
  std::vector<CellFigures> cells;
};

/// Throws BadInput for another file, and for a sweep over single layers.
MeasuredSweep load_measured_sweep(const std::string& path);

/// A measured budget.
struct BestCell {
  CellFigures cell;
  Budget budget;
  std::string why;  ///< "last_0.2 is the best of 14 cells at 0.2 of read by tokens: …"
};

/// The best cell at the nearest ratio that is at most the one asked for. Its budget is read from
/// beside the results. Throws Error when no cell is that small or none was measured, and BadInput
/// when the budget is not the one that was run.
BestCell best_cell(const MeasuredSweep& sweep, double ratio, Denominator of, CellMeasure measure);

/// One line: which other statistic did better than `statistic`, at the measured ratio nearest to
/// `share_of_read`. Layers drawn at random are left out, because the best of several draws is luck.
std::string better_statistic(const MeasuredSweep& sweep, const std::string& statistic,
                             double share_of_read, CellMeasure measure);

}  // namespace kvscope
