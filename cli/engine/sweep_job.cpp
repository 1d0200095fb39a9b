#include "cli/engine/sweep_job.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/file_forced.h"
#include "analysis/compare/loaded_capture.h"
#include "analysis/sweep/sweep_cells.h"
#include "analysis/sweep/sweep_folder.h"
#include "analysis/sweep/sweep_statistics.h"
#include "analysis/sweep/sweep_tables.h"
#include "cli/common/path_kind.h"
#include "cli/engine/generation_job.h"
#include "collectors/session.h"
#include "core/base/error.h"
#include "core/base/interrupt.h"
#include "core/base/json_text.h"
#include "core/base/log.h"
#include "core/base/output_file.h"
#include "core/base/progress.h"
#include "core/budget/budget_doubts.h"
#include "core/capture/capture_reader.h"

namespace kvscope::cli {
namespace {

void check_analysis(const CaptureReader& analysis, const RunRecord& job, const std::string& model) {
  if (analysis.record().weights_sha256 == job.weights_sha256 &&
      analysis.record().model == job.model) {
    return;
  }
  throw BadInput("sweep", analysis.path(),
                 fmt::format("an analysis of {} with weights {}", model, job.weights_sha256),
                 fmt::format("model '{}' with weights {}", analysis.record().model.name,
                             analysis.record().weights_sha256));
}

// The statistics of a cache that a budget had condensed already are not those of the vanilla one.
void check_vanilla(const CaptureReader& analysis) {
  const std::string& policy = analysis.record().policy;
  if (policy == vanilla_policy) return;
  throw BadInput("sweep", analysis.path(), "an analysis of the vanilla cache",
                 fmt::format("one made under a budget (policy {})", policy));
}

PlanOptions plan_options(const KvShape& shape) {
  PlanOptions options;
  options.batch = static_cast<int>(shape.samples());
  options.key_element_bytes = shape.key_element_bytes;
  options.value_element_bytes = shape.value_element_bytes;
  return options;
}

SweepStatistics statistics_of(const SweepOptions& options, const CaptureReader& analysis) {
  const StatisticSource source{analysis, options.damage};
  const bool damage_given = !options.damage.empty();
  if (!options.statistics.empty()) {
    return read_all(source, sweep_statistics(options.statistics, damage_given));
  }
  SweepStatistics statistics =
      read_available(source, options.single_layers ? damage_predictors(damage_given)
                                                   : sweep_statistics({}, damage_given));
  if (!statistics.left_out.empty()) {
    log().warn("left out, because the analysis does not give them: {}; the first: {}",
               fmt::join(statistics.left_out, ", "), statistics.why);
  }
  return statistics;
}

// Budgets of the user's own alone are all that is asked for.
bool only_budgets(const SweepOptions& options) {
  return !options.budgets.empty() && options.ratios.empty() && options.statistics.empty();
}

std::vector<double> ratios_of(const SweepOptions& options) {
  if (only_budgets(options)) return {};
  return options.ratios.empty() ? std::vector<double>{0.4, 0.25, 0.2, 0.15} : options.ratios;
}

void warn_of_analysis(const CaptureReader& analysis,
                      const std::vector<LayerStatisticValues>& statistics) {
  for (const PlanNotice& notice : sweep_notices(analysis, statistics)) {
    log().warn("{}", notice.text);
  }
}

void warn_of_doubts(const std::vector<std::string>& budgets) {
  for (const std::string& file : budgets) {
    for (const std::string& doubt : doubts_of(load_budget(file))) log().warn("{}: {}", file, doubt);
  }
}

SweepCells cells_of(const SweepOptions& options, const CaptureReader& analysis,
                    const std::vector<LayerStatisticValues>& statistics, const KvShape& shape) {
  const ModelConfig& model = analysis.record().model;
  if (options.single_layers) return single_layer_cells(model);
  PlanOptions plan = plan_options(shape);
  plan.capture_id = analysis.record().capture_id;
  SweepCells cells = statistic_cells(model, statistics, ratios_of(options), plan);
  add_budget_cells(cells, model, options.budgets);
  warn_of_doubts(options.budgets);
  if (!cells.unreachable.empty()) {
    log().warn("{} cells are out of reach, the others run; the first, {}: {}",
               cells.unreachable.size(), cells.unreachable.front().name,
               cells.unreachable.front().why);
  }
  return cells;
}

std::vector<const SweepCell*> cells_to_run(const SweepFolder& folder, bool force,
                                           const std::vector<SweepCell>& cells) {
  std::vector<const SweepCell*> missing;
  for (const SweepCell& cell : cells) {
    const CellState state = folder.state_of(cell);
    if (state == CellState::finished) continue;
    // Images without a file, for example, are nobody's that this sweep knows.
    if (state == CellState::missing) CaptureSession::check_output(folder.run_file(cell), force);
    missing.push_back(&cell);
  }
  if (missing.size() < cells.size()) {
    log().info("{} of {} cells are there already", cells.size() - missing.size(), cells.size());
  }
  return missing;
}

void run_cells(const SweepFolder& folder, GenerationJob& job,
               const std::vector<const SweepCell*>& cells) {
  const std::int64_t samples = job.record().settings.samples;
  Progress progress(fmt::format("sweep, {} cells", cells.size()),
                    static_cast<std::int64_t>(cells.size()) * samples, "samples");
  for (const SweepCell* cell : cells) {
    // Whatever is there is an unfinished run of a sweep that was stopped, or may be replaced.
    (void)job.run(cell->budget, folder.run_file(*cell), true,
                  [&](std::int64_t done) { progress.advance(done); });
  }
}

bool is_forced(const CaptureReader& vanilla, const CaptureReader& cell, std::int64_t samples) {
  const Comparable<ForcedAgreement> there = forced_against(vanilla, cell);
  return there && there->samples == samples;
}

// What an earlier sweep measured on the same runs and samples stays.
void force_cells(const SweepFolder& folder, GenerationJob& job, const std::vector<SweepCell>& cells,
                 std::int64_t samples) {
  const CaptureReader vanilla(folder.run_file(cells.front()));
  std::vector<const SweepCell*> missing;
  for (const SweepCell& cell : cells) {
    if (&cell == &cells.front()) continue;
    if (!is_forced(vanilla, CaptureReader(folder.run_file(cell)), samples)) {
      missing.push_back(&cell);
    }
  }
  Progress progress(fmt::format("teacher forcing, {} cells", missing.size()),
                    static_cast<std::int64_t>(missing.size()) * samples, "samples");
  for (const SweepCell* cell : missing) {
    const std::string run = folder.run_file(*cell);
    ForcedAgreement agreement = job.force(cell->budget, vanilla, samples,
                                          [&](std::int64_t done) { progress.advance(done); });
    agreement.capture_id = CaptureReader(run).record().capture_id;
    write_file(forced_path(run), json_text(to_json(agreement), 2) + '\n');
  }
}

std::vector<CellResult> compare_cells(const SweepFolder& folder,
                                      const std::vector<SweepCell>& cells) {
  const LoadedCapture vanilla(CaptureReader(folder.run_file(cells.front())));
  Progress progress("compare", static_cast<std::int64_t>(cells.size()), "cells");
  std::vector<CellResult> results;
  results.reserve(cells.size());
  for (const SweepCell& cell : cells) {
    throw_if_interrupted();
    const LoadedCapture file(CaptureReader(folder.run_file(cell)));
    results.push_back(cell_result(cell, vanilla, file));
    progress.advance(1);
  }
  return results;
}

SweepResults results_of(const GenerationJob& job, const CaptureReader& analysis,
                        std::vector<CellResult> cells) {
  SweepResults results;
  results.model = job.record().model;
  results.weights_sha256 = job.record().weights_sha256;
  results.settings = job.record().settings;
  results.analysis_capture_id = analysis.record().capture_id;
  const auto bytes = [&](Denominator of) {
    return denominator_bytes(of, results.model.schedule(), results.model.depth, job.shape());
  };
  results.read_bytes = bytes(Denominator::read);
  results.final_bytes = bytes(Denominator::final);
  results.cells = std::move(cells);
  results.random = random_summaries(results.cells);
  return results;
}

void check_forced_samples(const SweepOptions& options, const GenerationJob& job) {
  const std::int64_t samples = job.record().settings.samples;
  if (options.forced_samples > 0 && job.record().settings.more_smooth) {
    throw UsageError(
        "--teacher-forced: expected draws without --more-smooth, whose tokens say what the next "
        "scale reads, got it");
  }
  if (options.forced_samples <= samples) return;
  throw UsageError(
      fmt::format("--teacher-forced: expected at most the {} samples of a cell, got {}", samples,
                  options.forced_samples));
}

}  // namespace

SweepResults run_sweep(const SweepOptions& options) {
  expect_kind("sweep", options.analysis,
              "an analysis (from 'kvscope analyze' or 'capture --store reduced')",
              {PathKind::analysis, PathKind::capture, PathKind::run});
  if (!options.damage.empty()) expect_damage("sweep", options.damage);
  for (const std::string& file : options.budgets) expect_budget("sweep", file);
  const CaptureReader analysis(options.analysis);
  check_vanilla(analysis);
  const SweepStatistics statistics =
      only_budgets(options) ? SweepStatistics{} : statistics_of(options, analysis);
  warn_of_analysis(analysis, statistics.read);
  make_output_folder(options.output);
  GenerationJob job(options.generation, FileKind::run, {});
  check_analysis(analysis, job.record(), options.generation.model);
  check_forced_samples(options, job);
  SweepCells cells = cells_of(options, analysis, statistics.read, job.shape());
  const SweepFolder folder(options.output, job.record(), options.force);
  folder.check_results(analysis.record().capture_id, options.single_layers);
  const std::vector<const SweepCell*> missing = cells_to_run(folder, options.force, cells.cells);

  for (const SweepCell& cell : cells.cells) {
    write_file(folder.budget_file(cell), json_text(to_json(cell.budget), 2) + '\n');
  }
  run_cells(folder, job, missing);
  if (options.forced_samples > 0) {
    force_cells(folder, job, cells.cells, options.forced_samples);
  }
  SweepResults results = results_of(job, analysis, compare_cells(folder, cells.cells));
  results.unreachable = std::move(cells.unreachable);
  if (options.single_layers) {
    results.damage = layer_damage(results.cells);
    results.correlations = damage_correlations(statistics.read, results.damage);
  }
  for (const DataProblem& problem : problems_of(results)) {
    log().warn("{}: {}: {}", problem.file, problem.what, problem.advice);
  }
  write_file(folder.results_file(), json_text(to_json(results), 2) + '\n');
  return results;
}

}  // namespace kvscope::cli
