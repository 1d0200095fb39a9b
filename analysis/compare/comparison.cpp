#include "analysis/compare/comparison.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/file_forced.h"
#include "analysis/compare/file_scores.h"
#include "analysis/compare/loaded_capture.h"
#include "analysis/compare/memory_figures.h"
#include "analysis/compare/same_draws.h"
#include "analysis/compare/time_figures.h"
#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/base/units.h"
#include "core/budget/retention_plan.h"
#include "core/capture/capture_reader.h"

namespace kvscope {
namespace {

/// File names, or paths where two files share a name.
std::vector<std::string> names_of(const std::vector<LoadedCapture>& files) {
  std::map<std::string, int> uses;
  for (const LoadedCapture& file : files) ++uses[std::filesystem::path(file.path).filename()];
  std::vector<std::string> names;
  for (const LoadedCapture& file : files) {
    const std::string name = std::filesystem::path(file.path).filename();
    names.push_back(uses[name] == 1 ? name : file.path);
  }
  return names;
}

// Without a batch there are no rows: every ratio would be 0 / 0.
void check_has_samples(const LoadedCapture& file) {
  if (file.committed_samples() > 0) return;
  throw BadInput("compare", file.path, "at least one committed sample", "none");
}

ComparedFile describe(const LoadedCapture& file, const std::string& name, const KvShape& shape) {
  const RunRecord& record = file.record;
  ComparedFile described;
  described.path = file.path;
  described.name = name;
  described.kind = name_of(record.kind);
  described.capture_id = record.capture_id;
  described.policy = record.policy;
  described.dtype = record.settings.dtype;
  described.device = record.settings.device;
  described.device_name = record.settings.device == "cpu" ? record.cpu_name : record.device_name;
  described.batch = record.settings.batch;
  described.samples = file.committed_samples();
  described.memory = memory_figures(file, shape);
  described.time = file.time;
  described.scores = file.scores;
  return described;
}

std::string pair_of(const ComparedFile& first, const ComparedFile& file) {
  return fmt::format("{} and {}", first.name, file.name);
}

void compare_with(const LoadedCapture& baseline, const ComparedFile& first,
                  const LoadedCapture& file, ComparedFile& described, const JobControl& control) {
  described.latency_reason = why_latency_differs(baseline.record, file.record);
  described.forced = forced_against(baseline, file);
  if (described.latency_reason.empty() && first.time && described.time) {
    described.controls = check_controls(*first.time, *described.time);
  }
  if (const std::string why = why_draws_differ(baseline, file); !why.empty()) {
    described.tokens.reason = why;
    described.images.reason = why;
    return;
  }
  described.tokens.value = token_agreement(baseline, file);
  control.begin("comparing images", described.tokens->samples, "images");
  ImageFidelity fidelity = image_fidelity(baseline, file, control);
  if (fidelity.images.empty()) {
    described.images.reason =
        fidelity.unreadable > 0 ? fidelity.unreadable_why
                                : fmt::format("NaN or infinity behind the images of all {} samples",
                                              fidelity.nonfinite);
  } else {
    described.images.value = std::move(fidelity);
  }
}

/// Against the first scored file, as the baseline may have no scores: the table shows all the same.
void compare_scores(std::vector<ComparedFile>& files, std::vector<NotComparable>& list) {
  const ComparedFile* first = nullptr;
  for (ComparedFile& file : files) {
    if (!file.scores.reason.empty()) list.push_back({file.name, "scores", file.scores.reason});
    if (!file.scores) continue;
    if (first == nullptr) first = &file;
    file.scores_reason = why_scores_differ(*first->scores, *file.scores);
    if (file.scores_reason.empty()) continue;
    list.push_back({pair_of(*first, file), "scores", file.scores_reason});
  }
}

std::map<std::string, std::string> settings_of(const LoadedCapture& file) {
  const RunRecord& record = file.record;
  std::map<std::string, std::string> settings = {
      {"policy", record.policy},           {"tool_version", record.tool_version},
      {"git_commit", record.git_commit},   {"torch_version", record.torch_version},
      {"device_name", record.device_name}, {"cpu_name", record.cpu_name}};
  const nlohmann::json given = to_json(record.settings);
  for (const auto& [key, value] : given.items()) {
    settings[key] = value.is_string() ? value.get<std::string>() : json_text(value);
  }
  if (const std::optional<ScorerRecord>& scorer = record.settings.scorer) {
    settings["scorer"] = fmt::format("{} ({})", scorer->name, scorer->sha256);
  }
  return settings;
}

std::string describe_budget(const Budget& budget, const KvShape& shape) {
  const auto demanding = std::count_if(
      budget.layers.begin(), budget.layers.end(),
      [](const LayerBudget& layer) { return layer.layer_class == LayerClass::demanding; });
  return fmt::format("{} of {} layers demanding, planned peak {}", demanding, budget.layers.size(),
                     format_bytes(logical_peak_bytes(RetentionPlan(budget), shape)));
}

/// Two budgets of one policy; where the policies differ, that line says it. The budgets of one
/// description are numbered, so that the line shows which files share one.
void add_budgets(const std::vector<LoadedCapture>& files,
                 std::vector<SettingDifference>& differences) {
  std::vector<const std::vector<LayerBudget>*> distinct;
  SettingDifference difference{"budget", {}};
  std::map<std::string, std::int64_t> per_policy;
  const KvShape shape = kv_shape_of(files.front());
  for (const LoadedCapture& file : files) {
    const RunRecord& record = file.record;
    const auto known = std::find_if(distinct.begin(), distinct.end(), [&](const auto* layers) {
      return *layers == record.budget.layers;
    });
    const auto number = known - distinct.begin() + 1;
    if (known == distinct.end()) {
      distinct.push_back(&record.budget.layers);
      ++per_policy[record.policy];
    }
    difference.values.push_back(
        fmt::format("no. {}: {}", number, describe_budget(record.budget, shape)));
  }
  const bool differ = std::any_of(per_policy.begin(), per_policy.end(),
                                  [](const auto& policy) { return policy.second > 1; });
  if (differ) differences.push_back(std::move(difference));
}

std::vector<SettingDifference> differing_settings(const std::vector<LoadedCapture>& files) {
  std::map<std::string, std::vector<std::string>> by_field;
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (const auto& [field, value] : settings_of(files[i])) {
      std::vector<std::string>& values = by_field[field];
      values.resize(files.size(), "");
      values[i] = value;
    }
  }
  std::vector<SettingDifference> differences;
  for (const auto& [field, values] : by_field) {
    if (std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) != values.end()) {
      differences.push_back({field, values});
    }
  }
  add_budgets(files, differences);
  return differences;
}

void add_not_comparable(const ComparedFile& baseline, const ComparedFile& file,
                        std::vector<NotComparable>& list) {
  const std::string pair = pair_of(baseline, file);
  if (!file.latency_reason.empty()) list.push_back({pair, "latency", file.latency_reason});
  if (!file.tokens) list.push_back({pair, "tokens", file.tokens.reason});
  if (!file.forced.reason.empty()) {
    list.push_back({pair, "teacher-forced agreement", file.forced.reason});
  }
  if (!file.images) {
    list.push_back({pair, "images", file.images.reason});
  } else if (file.images->unreadable > 0) {
    list.push_back(
        {pair, fmt::format("{} images", file.images->unreadable), file.images->unreadable_why});
  }
  if (file.images && file.images->nonfinite > 0) {
    list.push_back({pair, fmt::format("{} images", file.images->nonfinite),
                    "NaN or infinity behind them in one of the files"});
  }
  const KvShape& a = baseline.memory.shape;
  const KvShape& b = file.memory.shape;
  if (a.rows != b.rows || a.key_element_bytes != b.key_element_bytes ||
      a.value_element_bytes != b.value_element_bytes) {
    list.push_back(
        {pair, "measured bytes",
         fmt::format("different rows or element sizes: {} rows of K {} B + V {} B and {} of K {} B "
                     "+ V {} B; the reduction uses the first on both sides",
                     a.rows, a.key_element_bytes, a.value_element_bytes, b.rows,
                     b.key_element_bytes, b.value_element_bytes)});
  }
}

/// An analysis has no images of its own.
std::vector<DataProblem> image_problems(const LoadedCapture& file, const std::string& name) {
  if (!file.missing_images) return {};
  const MissingImages& missing = *file.missing_images;
  std::vector<DataProblem> problems;
  const auto add = [&](std::int64_t count, const char* what) {
    if (count == 0) return;
    problems.push_back({name, fmt::format("{} of {} {}", count, file.committed_samples(), what),
                        fmt::format("not shown, compared or scored; {}", missing.why)});
  };
  add(missing.absent, "images are absent");
  add(missing.foreign, "images are of another capture or sample");
  return problems;
}

}  // namespace

void check_same_model(const RunRecord& baseline, const RunRecord& file, const std::string& path) {
  const auto fail = [&](const std::string& expected, const std::string& got) {
    throw BadInput("compare", path, expected,
                   got + " (captures of different models given to compare)");
  };
  const ModelConfig& a = baseline.model;
  const ModelConfig& b = file.model;
  const nlohmann::json left = to_json(a);
  const nlohmann::json right = to_json(b);
  for (const auto& [key, value] : left.items()) {
    if (!right.contains(key) || right[key] != value) {
      fail(fmt::format("a file of model '{}' with {} {}", a.name, key, json_text(value)),
           fmt::format("model '{}' with {}", b.name,
                       right.contains(key) ? json_text(right[key]) : "none"));
    }
  }
  if (a != b) fail("a file of model '" + a.name + "'", "model '" + b.name + "'");
  if (baseline.weights_sha256 != file.weights_sha256) {
    fail("weights " + baseline.weights_sha256, file.weights_sha256);
  }
}

std::vector<DataProblem> data_problems(const LoadedCapture& file, const std::string& name) {
  std::vector<DataProblem> problems;
  if (!file.complete) {
    problems.push_back({name,
                        fmt::format("incomplete: {} of {} samples", file.committed_samples(),
                                    file.record.settings.samples),
                        "figures cover the committed samples only; run it again for all of them"});
  }
  for (const Loss& loss : file.losses) {
    if (loss.count == 0 || loss.severity < LossSeverity::warning) continue;
    problems.push_back({name, fmt::format("{} {}", loss.count, loss.name), loss.advice});
  }
  if (const Comparable<Scores>& scores = file.scores; scores && scores->unreadable_images > 0) {
    problems.push_back({name, fmt::format("{} images without scores", scores->unreadable_images),
                        "they could not be read; the scores are of the other samples"});
  }
  for (DataProblem& problem : image_problems(file, name)) problems.push_back(std::move(problem));
  if (!ledger_follows_plan(file)) {
    problems.push_back({name, "the ledger does not hold what the budget's plan says",
                        "reductions come from the plan and may not describe this run"});
  }
  return problems;
}

std::vector<DataProblem> time_problems(const Comparison& comparison) {
  std::vector<DataProblem> problems;
  for (const ComparedFile& file : comparison.files) {
    if (!file.controls || !file.controls->moved) continue;
    problems.push_back(
        {file.name,
         fmt::format("modules that no budget changes took {:.2f}× their time in {}, more than "
                     "± {:.1f} % off",
                     file.controls->ratio.value, comparison.files[0].name,
                     100 * file.controls->tolerance),
         "the machine was not equally fast for both, so no ratio of times is the budget's doing; "
         "time both again, in turn, on an idle machine"});
  }
  return problems;
}

Comparison compare(const std::vector<CaptureReader>& files, const JobControl& control) {
  std::vector<LoadedCapture> loaded;
  loaded.reserve(files.size());
  for (const CaptureReader& file : files) loaded.emplace_back(file, control);
  return compare_loaded(loaded, control);
}

Comparison compare_loaded(const std::vector<LoadedCapture>& files, const JobControl& control) {
  if (files.size() < 2) {
    throw UsageError(fmt::format("compare: expected two or more files, got {}", files.size()));
  }
  const LoadedCapture& baseline = files.front();
  for (const LoadedCapture& file : files) {
    check_same_model(baseline.record, file.record, file.path);
    check_has_samples(file);
  }

  Comparison comparison;
  comparison.model = baseline.record.model;
  comparison.shape = kv_shape_of(baseline);
  const ScaleSchedule schedule = comparison.model.schedule();
  const auto denominator = [&](Denominator of) {
    return denominator_bytes(of, schedule, comparison.model.depth, comparison.shape);
  };
  comparison.read_bytes = denominator(Denominator::read);
  comparison.final_bytes = denominator(Denominator::final);
  comparison.vanilla_change_of_final =
      static_cast<double>(comparison.read_bytes) / static_cast<double>(comparison.final_bytes) - 1;
  const std::vector<std::string> names = names_of(files);
  for (std::size_t i = 0; i < files.size(); ++i) {
    comparison.files.push_back(describe(files[i], names[i], comparison.shape));
    for (DataProblem& problem : data_problems(files[i], names[i])) {
      comparison.problems.push_back(std::move(problem));
    }
    if (i == 0) continue;
    compare_with(baseline, comparison.files[0], files[i], comparison.files[i], control);
    add_not_comparable(comparison.files[0], comparison.files[i], comparison.not_comparable);
  }
  for (const ComparedFile& file : comparison.files) {
    if (!file.time) comparison.not_comparable.push_back({file.name, "latency", file.time.reason});
  }
  for (DataProblem& problem : time_problems(comparison)) {
    comparison.problems.push_back(std::move(problem));
  }
  compare_scores(comparison.files, comparison.not_comparable);
  comparison.settings = differing_settings(files);
  return comparison;
}

}  // namespace kvscope
