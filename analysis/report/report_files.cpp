#include "analysis/report/report_files.h"

#include <filesystem>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

/// Stands before the seed where a digest of weights would be.
constexpr std::string_view random_weights = "random:";

bool has_statistics(const CaptureReader& file) {
  const std::optional<Statistics> statistics = file.statistics();
  return statistics && statistics->has_similarity();
}

bool is_vanilla(const CaptureReader& file) { return file.record().policy == vanilla_policy; }

/// "--samples N" when the classes come in turn, else the list.
std::string label_options(const CaptureReader& file) {
  const RunRecord& record = file.record();
  const std::vector<std::int32_t> labels = file.labels();
  bool in_turn = true;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::int64_t number = record.settings.first_sample + static_cast<std::int64_t>(i);
    in_turn = in_turn && labels[i] == number % record.model.classes;
  }
  if (in_turn) return fmt::format("--samples {}", record.settings.samples);
  return fmt::format("--labels {}", fmt::join(labels, ","));
}

template <typename T>
std::string option_list(const char* name, const std::vector<T>& values) {
  return values.empty() ? "" : fmt::format(" {} {}", name, fmt::join(values, ","));
}

std::string capture_options(const RunSettings& settings) {
  std::string options =
      fmt::format(" --store {} --compression {}", name_of(settings.store), settings.compression);
  if (settings.store == KvStore::raw) {
    options += fmt::format(" --kv-dtype {}", name_of(settings.kv_dtype));
  }
  return options + option_list("--keep-layers", settings.keep.layers) +
         option_list("--keep-heads", settings.keep.heads) +
         option_list("--keep-scales", settings.keep.scales) +
         option_list("--keep-samples", settings.keep.samples);
}

std::string run_command(const CaptureReader& file) {
  const RunRecord& record = file.record();
  const RunSettings& settings = record.settings;
  const bool capture = settings.store != KvStore::none;
  std::string command = fmt::format(
      "kvscope {} --model MODEL_DIR {} --batch {} --seed {} --rng {} --cfg {} --top-k {} --top-p "
      "{} "
      "--device {} --dtype {} --threads {} --warmup {} --repeat {}",
      capture ? "capture" : "run", label_options(file), settings.batch, settings.seed,
      name_of(settings.rng), settings.cfg, settings.top_k, settings.top_p, settings.device,
      settings.dtype, settings.threads, settings.warmup, settings.repeat);
  if (settings.first_sample > 0) {
    command += fmt::format(" --first-sample {}", settings.first_sample);
  }
  if (record.weights_sha256.starts_with(random_weights)) {
    command += " --random-weights " + record.weights_sha256.substr(random_weights.size());
  }
  if (settings.more_smooth) command += " --more-smooth";
  if (settings.scorer) command += " --score";
  if (capture) command += capture_options(settings);
  if (!is_vanilla(file)) command += " --budget budget.json";
  return command;
}

}  // namespace

const CaptureReader* ReportFiles::statistics_file() const {
  if (statistics) return &*statistics;
  for (const CaptureReader& file : compared) {
    if (has_statistics(file)) return &file;
  }
  return nullptr;
}

const CaptureReader* ReportFiles::budget_file() const {
  for (const CaptureReader& file : compared) {
    if (!is_vanilla(file)) return &file;
  }
  return nullptr;
}

ReportFiles open_report_files(const std::vector<std::string>& paths) {
  if (paths.empty()) throw UsageError("report: expected one or more files, got none");
  ReportFiles files;
  std::vector<CaptureReader> vanilla;
  std::vector<CaptureReader> budgeted;
  std::vector<CaptureReader> analyses;
  for (const std::string& path : paths) {
    CaptureReader file(path);
    const bool analysis = file.record().kind == FileKind::analysis;
    (analysis ? analyses : is_vanilla(file) ? vanilla : budgeted).push_back(std::move(file));
  }
  files.compared = std::move(vanilla);
  for (CaptureReader& file : budgeted) files.compared.push_back(std::move(file));
  if (files.compared.empty()) files.compared.swap(analyses);
  for (CaptureReader& file : analyses) {
    if (!files.statistics && has_statistics(file)) files.statistics.emplace(std::move(file));
  }
  if (files.statistics) check_same_model(files.compared[0], *files.statistics);
  if (files.compared.size() > 1) files.comparison = compare(files.compared);
  return files;
}

std::string command_of(const CaptureReader& file) {
  const std::string name = std::filesystem::path(file.path()).filename();
  if (file.record().kind == FileKind::analysis) {
    std::string sources;
    for (const std::string& id : file.record().source_ids) sources += " " + id + ".h5";
    return fmt::format("kvscope analyze{} -o {}", sources.empty() ? " CAPTURE.h5" : sources, name);
  }
  return fmt::format("{} -o {}", run_command(file), name);
}

}  // namespace kvscope
