#include "cli/engine/sweep_job.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/sweep/sweep_cells.h"
#include "cli/engine/generation_job.h"
#include "cli/engine/losses.h"
#include "core/base/error.h"
#include "core/base/interrupt.h"
#include "core/base/log.h"
#include "core/base/output_file.h"
#include "core/base/progress.h"
#include "core/capture/capture_reader.h"

namespace kvscope::cli {
namespace {

namespace fs = std::filesystem;

void make_folder(const std::string& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (fs::is_directory(path)) return;
  throw Error(fmt::format("[sweep] {}: expected a folder, got {}", path,
                          failure ? failure.message() : "a file"));
}

std::string path_of(const SweepOptions& options, const std::string& cell, const char* ending) {
  return (fs::path(options.output) / (cell + ending)).string();
}

std::string run_path(const SweepOptions& options, const SweepCell& cell) {
  return path_of(options, cell.name, ".h5");
}

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

PlanOptions plan_options(const KvShape& shape) {
  PlanOptions options;
  options.batch = static_cast<int>(shape.rows / 2);
  options.key_element_bytes = shape.key_element_bytes;
  options.value_element_bytes = shape.value_element_bytes;
  return options;
}

SweepCells cells_of(const SweepOptions& options, const CaptureReader& analysis,
                    const std::vector<StatisticChoice>& policies, const KvShape& shape) {
  if (options.single_layers) return single_layer_cells(analysis.record().model);
  return policy_cells({analysis, options.damage}, policies, options.ratios, plan_options(shape));
}

// What the damage is held against: whatever looks at the model, the order of the layers, and damage
// that another sweep measured.
std::vector<LayerStatistics> predictors(const StatisticSource& source) {
  std::vector<LayerStatistics> statistics;
  for (const LayerStatistic& statistic : all_layer_statistics()) {
    const bool looks = statistic.family == StatisticFamily::similarity ||
                       statistic.family == StatisticFamily::attention;
    const bool measured =
        statistic.family == StatisticFamily::damage && !source.damage_file.empty();
    if (looks || measured || statistic.name == "first") {
      statistics.push_back(statistic.read(source, 0));
    }
  }
  return statistics;
}

// How the run in a finished file is another one than the cell's; empty when it is the cell's.
std::string difference_to(const RunRecord& found, const RunRecord& job, const SweepCell& cell) {
  if (found.weights_sha256 != job.weights_sha256 || found.model != job.model) {
    return "one of another model";
  }
  const nlohmann::json asked = to_json(job.settings);
  const nlohmann::json given = to_json(found.settings);
  for (const auto& [key, value] : asked.items()) {
    // What watched a run is the session's, which takes the same for all runs.
    if (key == "collectors" || (given.contains(key) && given[key] == value)) continue;
    return fmt::format("one with {} {}", key, given.contains(key) ? given[key].dump() : "unknown");
  }
  return found.kind == job.kind && found.budget == cell.budget ? "" : "one of another budget";
}

bool has_images(const CaptureReader& file) {
  const std::int64_t last = file.committed_samples() - 1;
  return last >= 0 && fs::exists(file.image_file(0)) && fs::exists(file.image_file(last));
}

// Whether the cell's run is there already. Throws Error when the file is of another run.
bool is_finished(const SweepOptions& options, const RunRecord& job, const SweepCell& cell) {
  const std::string path = run_path(options, cell);
  if (!fs::exists(path)) return false;
  std::string difference;
  try {
    const CaptureReader file(path);
    difference = difference_to(file.record(), job, cell);
    // A kill between the two renames leaves a file without its images.
    if (difference.empty()) return has_images(file);
  } catch (const BadInput& error) {
    difference = error.what();
  }
  if (options.force && !fs::is_directory(path)) return false;
  throw Error(
      fmt::format("[sweep] {}: expected the run of this cell or none, got {} (--force "
                  "replaces files)",
                  path, difference));
}

std::vector<const SweepCell*> missing_cells(const SweepOptions& options, const RunRecord& job,
                                            const std::vector<SweepCell>& cells) {
  std::vector<const SweepCell*> missing;
  for (const SweepCell& cell : cells) {
    if (!is_finished(options, job, cell)) missing.push_back(&cell);
  }
  if (missing.size() < cells.size()) {
    log().info("{} of {} cells are there already", cells.size() - missing.size(), cells.size());
  }
  return missing;
}

// Returns whether a cell lost data.
bool run_cells(const SweepOptions& options, GenerationJob& job,
               const std::vector<const SweepCell*>& cells) {
  const std::int64_t samples = job.record().settings.samples;
  Progress progress(fmt::format("sweep, {} cells", cells.size()),
                    static_cast<std::int64_t>(cells.size()) * samples, "samples");
  bool lost = false;
  for (const SweepCell* cell : cells) {
    const std::string path = run_path(options, *cell);
    write_file(path_of(options, cell->name, ".json"), to_json(cell->budget).dump(2) + '\n');
    // Whatever is there is an unfinished run of a sweep that was stopped, or may be replaced.
    (void)job.run(cell->budget, path, true, [&](std::int64_t done) { progress.advance(done); });
    lost = warn_of_losses(path) || lost;
  }
  return lost;
}

std::vector<CellResult> compare_cells(const SweepOptions& options,
                                      const std::vector<SweepCell>& cells) {
  const CaptureReader vanilla(run_path(options, cells.front()));
  Progress progress("compare", static_cast<std::int64_t>(cells.size()), "cells");
  std::vector<CellResult> results;
  results.reserve(cells.size());
  for (const SweepCell& cell : cells) {
    throw_if_interrupted();
    results.push_back(cell_result(cell, vanilla, CaptureReader(run_path(options, cell))));
    progress.advance(1);
  }
  return results;
}

}  // namespace

SweepOutcome run_sweep(const SweepOptions& options) {
  const CaptureReader analysis(options.analysis);
  const std::vector<StatisticChoice> policies = parse_policies(
      options.policies.empty() ? default_policies(!options.damage.empty()) : options.policies);
  make_folder(options.output);
  GenerationJob job(options.generation, FileKind::run, {});
  check_analysis(analysis, job.record(), options.generation.model);
  SweepCells cells = cells_of(options, analysis, policies, job.shape());
  const std::vector<LayerStatistics> statistics = options.single_layers
                                                      ? predictors({analysis, options.damage})
                                                      : std::vector<LayerStatistics>();
  if (!cells.unreachable.empty()) {
    log().warn("{} cells are out of reach, the others run; the first, {}: {}",
               cells.unreachable.size(), cells.unreachable.front().name,
               cells.unreachable.front().why);
  }

  SweepOutcome outcome;
  outcome.lost_data = run_cells(options, job, missing_cells(options, job.record(), cells.cells));
  SweepResults& results = outcome.results;
  results.model = job.record().model;
  results.weights_sha256 = job.record().weights_sha256;
  results.settings = job.record().settings;
  results.analysis_capture_id = analysis.record().capture_id;
  const auto bytes = [&](Denominator of) {
    return denominator_bytes(of, results.model.schedule(), results.model.depth, job.shape());
  };
  results.read_bytes = bytes(Denominator::read);
  results.final_bytes = bytes(Denominator::final);
  results.cells = compare_cells(options, cells.cells);
  results.random = random_summaries(results.cells);
  results.unreachable = std::move(cells.unreachable);
  if (options.single_layers) {
    results.damage = layer_damage(results.cells);
    results.correlations = damage_correlations(statistics, results.damage);
  }
  return outcome;
}

}  // namespace kvscope::cli
