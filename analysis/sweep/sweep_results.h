#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/compare/comparison.h"
#include "analysis/layers/damage_statistic.h"
#include "analysis/layers/layer_statistic_values.h"
#include "analysis/sweep/sweep_cells.h"
#include "core/record/run_record.h"
#include "core/record/scores.h"

namespace kvscope {

/// What one cell came to.
struct CellResult {
  SweepCell cell;
  std::string file;
  std::string capture_id;
  std::int64_t logical_peak_bytes = 0;  ///< from the run's ledger
  double share_of_read = 0;
  double share_of_final = 0;
  Comparable<Scores> scores;              ///< neither value nor reason: nobody scored it
  Comparable<ForcedAgreement> forced;     ///< likewise, and of vanilla itself
  std::optional<double> token_agreement;  ///< with vanilla; nothing for vanilla itself
  std::optional<double> psnr_mean_db;     ///< likewise, over the images that are not identical
  std::optional<double> psnr_median_db;
  std::optional<double> ssim_mean;
  std::int64_t nonfinite_images = 0;  ///< left out of PSNR and SSIM: its own and vanilla's
  std::vector<DataProblem> problems;  ///< what its file lost; `file` is the cell's name

  std::vector<int> demanding_layers() const;
  /// Whose images the scorer judged; nothing when nobody scored it.
  std::optional<std::int64_t> scored_samples() const;
};

/// Mean and sample standard deviation over seeds; the latter NaN with fewer than two.
struct MeanSpread {
  double mean = 0;
  double spread = 0;
};

/// The cells of one ratio whose layers were drawn at random.
struct RandomSummary {
  double ratio = 0;
  int seeds = 0;
  double share_of_read = 0;  ///< mean
  double share_of_final = 0;
  std::optional<MeanSpread> class_accuracy;
  std::optional<MeanSpread> demo_frechet_distance;  ///< nothing for unequal numbers of samples
  std::optional<MeanSpread> token_agreement;
  std::optional<MeanSpread> psnr_mean_db;
  std::optional<MeanSpread> ssim_mean;
};

/// How well a statistic tells which layers suffer when they are condensed alone.
struct DamageCorrelation {
  std::string statistic;
  std::string measure;  ///< "accuracy_drop", "frechet_rise" or "token_disagreement"
  /// Spearman's, over all layers, of minus the statistic with the damage. It is 1 when the most
  /// demanding layers suffer most.
  double rank_correlation = 0;
  double p_value = 0;  ///< two-sided, by permutation
};

struct SweepResults {
  ModelConfig model;
  std::string weights_sha256;
  RunSettings settings;  ///< of every cell
  std::string analysis_capture_id;
  std::int64_t read_bytes = 0;  ///< of a cell's batch
  std::int64_t final_bytes = 0;
  std::vector<CellResult> cells;  ///< vanilla first
  std::vector<RandomSummary> random;
  std::vector<UnreachableCell> unreachable;
  // Of a sweep over single layers; else empty.
  std::vector<LayerDamage> damage;  ///< [layer]
  std::vector<DamageCorrelation> correlations;
};

/// One cell's run against the vanilla one's. Throws BadInput when they do not compare.
CellResult cell_result(const SweepCell& cell, const LoadedCapture& vanilla,
                       const LoadedCapture& file);

/// Of all cells.
std::vector<DataProblem> problems_of(const SweepResults& results);

/// One for each ratio with cells of several seeds.
std::vector<RandomSummary> random_summaries(const std::vector<CellResult>& cells);

/// From the cells of single layers, in their order; `cells` starts with vanilla.
std::vector<LayerDamage> layer_damage(const std::vector<CellResult>& cells);

/// Every statistic against every measure that all layers have.
std::vector<DamageCorrelation> damage_correlations(
    const std::vector<LayerStatisticValues>& statistics, const std::vector<LayerDamage>& damage);

}  // namespace kvscope
