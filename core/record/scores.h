#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/base/bootstrap.h"
#include "core/record/estimate.h"

namespace kvscope {

class JsonFields;

inline constexpr std::string_view scores_schema = "kvscope.scores/1";

/// Predicted class of a sample that no scorer judged.
inline constexpr std::int32_t not_judged = -1;

/// What judged images, and how the intervals of its figures were made.
struct ScorerRecord {
  std::string name;
  std::string sha256;          ///< hex digest of its weights.safetensors
  BootstrapOptions bootstrap;  ///< of the distance; its confidence is that of the accuracy too
  bool operator==(const ScorerRecord&) const = default;
};

/// Accuracy of the samples that one class was asked for.
struct ClassScore {
  std::int32_t label = 0;
  std::int64_t samples = 0;
  double accuracy = 0;
  bool operator==(const ClassScore&) const = default;
};

/// How good the images of a capture are. The demo Fréchet distance falls as samples are added
/// (analysis/quality/frechet.h), so only figures of equally many samples compare.
struct Scores {
  std::string capture_id;
  std::string model;  ///< name in the model's config.json
  ScorerRecord scorer;
  std::int64_t samples = 0;            ///< whose images were judged
  std::int64_t unreadable_images = 0;  ///< of further samples: missing or broken
  std::int64_t nonfinite_images = 0;   ///< of further samples: NaN or infinity behind the image
  Estimate class_accuracy;             ///< share of samples whose predicted class is their label
  Estimate demo_frechet_distance;
  std::vector<ClassScore> classes;  ///< labels ascending, only those asked for
};

/// Accuracy by class, from the label and the predicted class of every sample; those not_judged are
/// left out.
std::vector<ClassScore> class_scores(const std::vector<std::int32_t>& labels,
                                     const std::vector<std::int32_t>& predicted);

/// Share of all samples behind `classes` that were recognised; NaN without samples.
double accuracy_of(const std::vector<ClassScore>& classes);

/// "95 % intervals, of the class accuracy exact binomial (Clopper–Pearson), of the distance
/// bootstrap over samples".
std::string describe_intervals(const ScorerRecord& scorer);

nlohmann::json to_json(const ScorerRecord& scorer);
/// Throws BadInput naming the field.
ScorerRecord parse_scorer_record(JsonFields fields);

/// Schema scores_schema; null where a figure is not known.
nlohmann::json to_json(const Scores& scores);

/// Throws BadInput: not JSON, another schema, a field missing, unknown or out of range.
Scores load_scores(const std::string& path);

/// Where the scores of the file `path` lie: base.h5 → base.h5.scores.json.
std::string scores_path(const std::string& path);

}  // namespace kvscope
