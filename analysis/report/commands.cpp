#include "analysis/report/commands.h"

#include <algorithm>
#include <map>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/report/plan_options.h"
#include "core/base/option_names.h"
#include "core/base/shell.h"

namespace kvscope {
namespace {

/// The file as the commands name it: one word of a shell.
std::string word_of(const CaptureReader& file) { return shell_quoted_file(file_name(file)); }

/// Stands before the seed where a digest of weights would be.
constexpr std::string_view random_weights = "random:";

/// What files say that were written before they kept the list that the user gave. It stands for
/// samples from 0 on, while the labels that were drawn begin at the first sample of the run.
std::string labels_as_drawn(const CaptureReader& file) {
  const RunSettings& settings = file.record().settings;
  std::vector<std::int32_t> labels = file.labels();
  const std::vector<std::int64_t> samples = file.samples();
  bool in_turn = true;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    in_turn = in_turn && labels[i] == file.record().model.labels().in_turn(samples[i]);
  }
  if (in_turn) return fmt::format("{} {}", option::samples, settings.samples);
  const auto drawn = static_cast<std::int64_t>(labels.size());
  std::rotate(labels.begin(), labels.end() - settings.first_sample % drawn, labels.end());
  return fmt::format("{} {}", option::labels, fmt::join(labels, ","));
}

/// The list that the user gave, if any, and the number of samples: of a partial file too, whose
/// labels are but those of its first samples.
std::string label_options(const CaptureReader& file) {
  const RunSettings& settings = file.record().settings;
  if (settings.labels.empty()) return labels_as_drawn(file);
  return fmt::format("{} {} {} {}", option::labels, fmt::join(settings.labels, ","),
                     option::samples, settings.samples);
}

/// An option with its value, a space before each.
template <typename T>
std::string given(const char* name, const T& value) {
  return fmt::format(" {} {}", name, value);
}

std::string given_if(bool flag, const char* name) { return flag ? fmt::format(" {}", name) : ""; }

template <typename T>
std::string option_list(const char* name, const std::vector<T>& values) {
  return values.empty() ? "" : given(name, fmt::format("{}", fmt::join(values, ",")));
}

std::string capture_options(const RunSettings& settings) {
  std::string options = given(option::store, name_of(settings.store)) +
                        given(option::compression, shell_quoted(settings.compression));
  if (settings.store == KvStore::raw) {
    options += given(option::kv_dtype, name_of(settings.kv_dtype));
  }
  std::vector<std::int64_t> kept_samples = settings.keep.samples;
  for (std::int64_t& sample : kept_samples) sample += settings.first_sample;
  return options + option_list(option::keep_layers, settings.keep.layers) +
         option_list(option::keep_heads, settings.keep.heads) +
         option_list(option::keep_scales, settings.keep.scales) +
         option_list(option::keep_samples, kept_samples) +
         given_if(settings.keep.queries, option::keep_queries);
}

/// `kvscope capture` or `run` with the settings in a file, which draws what `labels` says. All that
/// is text in the file is quoted; `output` is a word already.
std::string generation_command(const CaptureReader& file, const ReportBudget* budget,
                               const std::string& labels, const std::string& output) {
  const RunRecord& record = file.record();
  const RunSettings& settings = record.settings;
  const bool capture = settings.store != KvStore::none;
  std::string command = fmt::format("kvscope {}{} {}", capture ? "capture" : "run",
                                    given(option::model, "MODEL_DIR"), labels);
  command += given(option::batch, settings.batch) + given(option::seed, settings.seed) +
             given(option::rng, name_of(settings.rng)) + given(option::cfg, settings.cfg) +
             given(option::top_k, settings.top_k) + given(option::top_p, settings.top_p) +
             given(option::device, shell_quoted(settings.device)) +
             given(option::dtype, shell_quoted(settings.dtype)) +
             given(option::threads, settings.threads) + given(option::warmup, settings.warmup) +
             given(option::repeat, settings.repeat);
  if (settings.first_sample > 0) command += given(option::first_sample, settings.first_sample);
  if (record.weights_sha256.starts_with(random_weights)) {
    command += given(option::random_weights,
                     shell_quoted(record.weights_sha256.substr(random_weights.size())));
  }
  command += given_if(settings.more_smooth, option::more_smooth) +
             given_if(settings.scorer.has_value(), option::score);
  if (capture) command += capture_options(settings);
  if (budget) command += given(option::budget, shell_quoted_file(budget->name));
  return command + given(option::output, output);
}

using CaptureNames = std::map<std::string, std::string>;  // words of a shell, by capture_id

bool is_analysis(const CaptureReader& file) { return file.record().kind == FileKind::analysis; }

/// Captures of the report keep their names; others, of which only analyses tell, get new ones.
CaptureNames name_captures(const ReportFiles& files) {
  CaptureNames names;
  for (const CaptureReader& file : files.compared) {
    if (!is_analysis(file)) names[file.record().capture_id] = word_of(file);
  }
  std::vector<std::string> unknown;
  for (const CaptureReader* file : files.all()) {
    for (const std::string& id : captures_behind(*file)) {
      if (names.try_emplace(id).second) unknown.push_back(id);
    }
  }
  for (std::size_t i = 0; i < unknown.size(); ++i) {
    names[unknown[i]] = unknown.size() == 1 ? "capture.h5" : fmt::format("capture-{}.h5", i + 1);
  }
  return names;
}

bool is_given(const ReportFiles& files, const std::string& capture_id) {
  return std::any_of(files.compared.begin(), files.compared.end(), [&](const CaptureReader& file) {
    return !is_analysis(file) && file.record().capture_id == capture_id;
  });
}

/// The first capture behind an analysis, whose settings it holds, and the analysis itself.
void add_analysis(const ReportFiles& files, const CaptureReader& file, const CaptureNames& names,
                  std::vector<std::string>& lines) {
  const std::vector<std::string> ids = captures_behind(file);
  const bool several = ids.size() > 1;
  if (several) {
    lines.push_back(fmt::format(
        "# {} merges {} captures, {} samples in all; it keeps the settings of the first, but not "
        "its number of samples N, and none of the others.",
        word_of(file), ids.size(), file.committed_samples()));
  }
  if (!is_given(files, ids[0])) {
    const std::string capture = generation_command(
        file, files.budget_of(file),
        several ? fmt::format("{} N", option::samples) : label_options(file), names.at(ids[0]));
    // Another analysis may have it too.
    if (std::find(lines.begin(), lines.end(), capture) == lines.end()) lines.push_back(capture);
  }
  std::string command = "kvscope analyze";
  for (const std::string& id : ids) command += ' ' + names.at(id);
  lines.push_back(command + given(option::output, word_of(file)));
}

/// The file that a plan reads the statistic of the budget's rule from; nullptr when it is not
/// given.
const CaptureReader* plan_input(const ReportFiles& files, const BudgetOrigin& origin) {
  for (const CaptureReader* file : files.all()) {
    if (file->layout().has(Part::similarity) && holds_capture(*file, origin.capture_id))
      return file;
  }
  return nullptr;
}

void add_plan(const ReportFiles& files, const ReportBudget& budget,
              std::vector<std::string>& lines) {
  const std::string options = plan_options_of(budget.budget);
  if (options.empty()) {
    lines.push_back(
        fmt::format("# {}: how it was made is not known, it stands below.", budget.name));
    return;
  }
  const BudgetOrigin& origin = *budget.budget.rule;
  const CaptureReader* input = plan_input(files, origin);
  if (!input) {
    lines.push_back(fmt::format("# ANALYSIS.h5: of {}, not among these files.",
                                origin.capture_id.empty()
                                    ? "a capture that is not named"
                                    : "capture " + shell_quoted(origin.capture_id)));
  }
  lines.push_back(fmt::format("kvscope plan {} {}{}", input ? word_of(*input) : "ANALYSIS.h5",
                              options, given(option::output, shell_quoted_file(budget.name))));
}

/// The files made under a budget, or under none.
void add_files(const ReportFiles& files, const ReportBudget* budget, const CaptureNames& names,
               std::vector<std::string>& lines) {
  const auto made_under = [&](const CaptureReader& file) {
    return files.budget_of(file) == budget;
  };
  for (const CaptureReader& file : files.compared) {
    if (is_analysis(file) || !made_under(file)) continue;
    lines.push_back(generation_command(file, budget, label_options(file), word_of(file)));
  }
  for (const CaptureReader* file : files.all()) {
    if (is_analysis(*file) && made_under(*file)) add_analysis(files, *file, names, lines);
  }
}

}  // namespace

std::vector<std::string> commands_of(const ReportFiles& files) {
  const CaptureNames names = name_captures(files);
  std::vector<std::string> lines;
  add_files(files, nullptr, names, lines);
  for (const ReportBudget& budget : files.budgets) {
    add_plan(files, budget, lines);
    add_files(files, &budget, names, lines);
  }
  return lines;
}

}  // namespace kvscope
