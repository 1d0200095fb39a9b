#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/budget/budget.h"
#include "core/capture/capture_reader.h"
#include "core/geometry/model_config.h"
#include "core/record/forced_agreement.h"
#include "core/record/scores.h"
#include "core/trace/trace_reader.h"

namespace kvscope::cli {

/// A line of what a person wants to know first: "memory", "KV peak 119 MiB logical, …".
struct Fact {
  std::string name;
  std::string text;
};

/// Whether a file says something of that part, similarity or mass: not before its first batch.
bool has_statistics(const CaptureReader& file, Part part);

/// Five lines of a file or folder each: what it is, of which model, how it came to be, what it
/// comes to, what was lost. `path` stands in the first.
std::vector<Fact> facts_of(const CaptureReader& file);
std::vector<Fact> facts_of(const Budget& budget, const std::string& path);
std::vector<Fact> facts_of(const Scores& scores, const std::string& path);
std::vector<Fact> facts_of(const ForcedAgreement& agreement, const std::string& path);
/// What it is, of which capture, rows by table, tables that were skipped, what was lost.
std::vector<Fact> facts_of(const TraceReader& trace);
std::vector<Fact> facts_of(const ModelConfig& model, const std::string& path);
/// Of the results of a sweep, as 'info --json' describes them.
std::vector<Fact> facts_of_sweep(const nlohmann::json& described);

/// As lines for a terminal of `columns` columns.
std::string to_text(const std::vector<Fact>& facts, int columns);

}  // namespace kvscope::cli
