#include "analysis/report/report_files.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

bool has_statistics(const CaptureReader& file) {
  const std::optional<Statistics> statistics = file.statistics();
  return statistics && statistics->has_similarity();
}

bool is_vanilla(const CaptureReader& file) { return file.record().policy == vanilla_policy; }

std::vector<ReportBudget> budgets_of(const ReportFiles& files) {
  std::vector<ReportBudget> budgets;
  for (const CaptureReader* file : files.all()) {
    if (is_vanilla(*file)) continue;
    const Budget& budget = file->record().budget;
    auto known = std::find_if(budgets.begin(), budgets.end(),
                              [&](const ReportBudget& other) { return other.budget == budget; });
    if (known == budgets.end()) known = budgets.insert(known, ReportBudget{"", budget, {}});
    known->files.push_back(file_name(*file));
  }
  for (std::size_t i = 0; i < budgets.size(); ++i) {
    budgets[i].name = budgets.size() == 1 ? "budget.json" : fmt::format("budget-{}.json", i + 1);
  }
  return budgets;
}

}  // namespace

const CaptureReader* ReportFiles::statistics_file() const {
  if (statistics) return &*statistics;
  for (const CaptureReader& file : compared) {
    if (has_statistics(file)) return &file;
  }
  return nullptr;
}

std::vector<const CaptureReader*> ReportFiles::all() const {
  std::vector<const CaptureReader*> files;
  files.reserve(compared.size() + 1);
  for (const CaptureReader& file : compared) files.push_back(&file);
  if (statistics) files.push_back(&*statistics);
  return files;
}

const ReportBudget* ReportFiles::budget_of(const CaptureReader& file) const {
  if (is_vanilla(file)) return nullptr;
  for (const ReportBudget& known : budgets) {
    if (known.budget == file.record().budget) return &known;
  }
  return nullptr;
}

ReportFiles open_report_files(const std::vector<std::string>& paths, const JobControl& control) {
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
  if (files.statistics) {
    check_same_model(files.compared[0].record(), files.statistics->record(),
                     files.statistics->path());
  }
  for (const CaptureReader& file : files.compared) files.loaded.emplace_back(file, control);
  if (files.loaded.size() > 1) files.comparison = compare_loaded(files.loaded, control);
  files.budgets = budgets_of(files);
  return files;
}

std::string file_name(const CaptureReader& file) {
  return std::filesystem::path(file.path()).filename();
}

std::vector<std::string> captures_behind(const CaptureReader& file) {
  const RunRecord& record = file.record();
  return record.source_ids.empty() ? std::vector{record.capture_id} : record.source_ids;
}

bool holds_capture(const CaptureReader& file, const std::string& capture_id) {
  const std::vector<std::string> ids = captures_behind(file);
  return file.record().capture_id == capture_id ||
         std::find(ids.begin(), ids.end(), capture_id) != ids.end();
}

}  // namespace kvscope
