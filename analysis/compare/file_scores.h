#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "analysis/compare/comparison.h"
#include "core/capture/capture_reader.h"

namespace kvscope {

/// The scores in a file, or those beside it (see scores_path) when they are of this capture. With
/// neither there is no reason: nobody scored it.
Comparable<Scores> scores_of(const CaptureReader& file);

/// The scores as the JSON of a scores file, or why there are none; null when nobody scored it.
nlohmann::json to_json(const Comparable<Scores>& scores);

/// Whether demo Fréchet distances of so many judged samples compare: the distance falls as samples
/// are added. Nothing stands for a number that is not known, and compares with its like.
bool distances_compare(std::optional<std::int64_t> samples, std::optional<std::int64_t> others);

/// Why the scores of two files cannot be compared: other scorers, or numbers of samples. Empty when
/// they can.
std::string why_scores_differ(const Scores& first, const Scores& scores);

}  // namespace kvscope
