#include "analysis/sweep/sweep_folder.h"

#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/layers/damage_statistic.h"
#include "core/base/error.h"
#include "core/base/json_fields.h"
#include "core/base/output_file.h"
#include "core/capture/capture_images.h"
#include "core/capture/capture_reader.h"
#include "core/record/same_job.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* another_model = "one of another model";

bool has(const Json& object, const char* key, const Json& value) {
  const auto found = object.find(key);
  return found != object.end() && *found == value;
}

std::string unlike_setting(const Json& given, const RunSettings& asked) {
  const std::optional<JobDifference> difference = different_setting(given, asked);
  return difference ? fmt::format("one with {} {}", difference->field, difference->given) : "";
}

std::string different_run(const RunRecord& found, const RunRecord& job, const SweepCell& cell) {
  if (found.weights_sha256 != job.weights_sha256 || found.model != job.model) return another_model;
  std::string setting = unlike_setting(to_json(found.settings), job.settings);
  if (!setting.empty()) return setting;
  return found.kind == job.kind && runs_alike(found.budget, cell.budget) ? ""
                                                                         : "one of another budget";
}

std::string different_results(const Json& found, const RunRecord& job,
                              const std::string& analysis_capture_id, bool single_layers) {
  if (!has(found, "schema", sweep_schema)) return "another file";
  if (!has(found, "weights_sha256", job.weights_sha256) ||
      !has(found, "model", to_json(job.model))) {
    return another_model;
  }
  if (found.contains("damage") != single_layers) {
    return single_layers ? "those of ratios" : "those of single layers";
  }
  if (!has(found, "analysis_capture_id", analysis_capture_id)) return "those of another analysis";
  return unlike_setting(found.value("settings", Json::object()), job.settings);
}

bool has_images(const CaptureReader& file) {
  return file.committed_samples() > 0 && !CaptureImages(file).missing().any();
}

}  // namespace

SweepFolder::SweepFolder(std::string path, RunRecord job, bool force)
    : path_(std::move(path)), job_(std::move(job)), force_(force) {}

std::string SweepFolder::budget_file(const SweepCell& cell) const {
  return (fs::path(path_) / (cell.name + ".json")).string();
}

std::string SweepFolder::run_file(const SweepCell& cell) const {
  return (fs::path(path_) / (cell.name + ".h5")).string();
}

std::string SweepFolder::results_file() const {
  return (fs::path(path_) / "results.json").string();
}

void SweepFolder::check_results(const std::string& analysis_capture_id, bool single_layers) const {
  const std::string file = results_file();
  if (!fs::exists(file)) return;
  std::string difference;
  try {
    difference =
        different_results(read_json_file(file, "sweep"), job_, analysis_capture_id, single_layers);
  } catch (const BadInput& error) {
    difference = error.what();
  }
  if (!difference.empty()) refuse_unless_forced(file, "the results of this sweep", difference);
}

CellState SweepFolder::state_of(const SweepCell& cell) const {
  const std::string file = run_file(cell);
  check_budget(cell);
  const bool there = is_run(file, cell);
  // A kill between the two renames leaves a file without its images.
  if (there && has_images(CaptureReader(file))) return CellState::finished;
  const bool begun = is_run(unfinished_file(file), cell);
  return there || begun ? CellState::unfinished : CellState::missing;
}

void SweepFolder::check_budget(const SweepCell& cell) const {
  const std::string file = budget_file(cell);
  if (!fs::exists(file)) return;
  std::string difference;
  try {
    if (!runs_alike(load_budget(file), cell.budget)) difference = "another one";
  } catch (const BadInput& error) {
    difference = error.what();
  }
  if (!difference.empty()) refuse_unless_forced(file, "the budget of this cell", difference);
}

bool SweepFolder::is_run(const std::string& file, const SweepCell& cell) const {
  if (!fs::exists(file)) return false;
  std::string difference;
  try {
    difference = different_run(CaptureReader(file).record(), job_, cell);
  } catch (const BadInput& error) {
    difference = error.what();
  }
  if (!difference.empty()) refuse_unless_forced(file, "the run of this cell", difference);
  return difference.empty();
}

void SweepFolder::refuse_unless_forced(const std::string& file, const std::string& expected,
                                       const std::string& difference) const {
  if (force_ && !fs::is_directory(file)) return;
  throw Error(fmt::format("[sweep] {}: expected {} or none, got {} (--force replaces files)", file,
                          expected, difference));
}

}  // namespace kvscope
