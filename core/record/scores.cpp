#include "core/record/scores.h"

#include <limits>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/json_fields.h"

namespace kvscope {
namespace {

std::vector<ClassScore> parse_classes(JsonFields& fields) {
  std::vector<ClassScore> classes;
  for (std::size_t i = 0; i < fields.array("classes").size(); ++i) {
    JsonFields entry = fields.element("classes", i);
    const std::int64_t label = entry.integer("class", 0);
    const bool ascends = classes.empty() || label > classes.back().label;
    if (!ascends || label > std::numeric_limits<std::int32_t>::max()) {
      entry.fail("class", "above the one before", fmt::to_string(label));
    }
    classes.push_back({.label = static_cast<std::int32_t>(label),
                       .samples = entry.integer("samples", 1),
                       .accuracy = parse_figure(entry, "accuracy", 0, 1)});
    entry.refuse_unknown();
  }
  return classes;
}

}  // namespace

std::vector<ClassScore> class_scores(const std::vector<std::int32_t>& labels,
                                     const std::vector<std::int32_t>& predicted) {
  struct Count {
    std::int64_t samples = 0;
    std::int64_t recognised = 0;
  };
  std::map<std::int32_t, Count> counts;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (predicted.at(i) == not_judged) continue;
    Count& count = counts[labels[i]];
    ++count.samples;
    count.recognised += labels[i] == predicted[i] ? 1 : 0;
  }
  std::vector<ClassScore> classes;
  classes.reserve(counts.size());
  for (const auto& [label, count] : counts) {
    classes.push_back({label, count.samples,
                       static_cast<double>(count.recognised) / static_cast<double>(count.samples)});
  }
  return classes;
}

double accuracy_of(const std::vector<ClassScore>& classes) {
  double samples = 0;
  double recognised = 0;
  for (const ClassScore& one : classes) {
    samples += static_cast<double>(one.samples);
    recognised += one.accuracy * static_cast<double>(one.samples);
  }
  return recognised / samples;
}

std::string describe_intervals(const ScorerRecord& scorer) {
  return fmt::format(
      "{:g} % intervals, of the class accuracy exact binomial (Clopper–Pearson), of the distance "
      "bootstrap over samples",
      100 * scorer.bootstrap.confidence);
}

nlohmann::json to_json(const ScorerRecord& scorer) {
  return {
      {"name", scorer.name}, {"sha256", scorer.sha256}, {"bootstrap", to_json(scorer.bootstrap)}};
}

ScorerRecord parse_scorer_record(JsonFields fields) {
  ScorerRecord scorer;
  scorer.name = fields.text("name");
  scorer.sha256 = fields.text("sha256");
  scorer.bootstrap = parse_bootstrap(fields.object("bootstrap"));
  fields.refuse_unknown();
  return scorer;
}

nlohmann::json to_json(const Scores& scores) {
  nlohmann::json classes = nlohmann::json::array();
  for (const ClassScore& one : scores.classes) {
    classes.push_back({{"class", one.label}, {"samples", one.samples}, {"accuracy", one.accuracy}});
  }
  return {{"schema", scores_schema},
          {"capture_id", scores.capture_id},
          {"model", scores.model},
          {"scorer", to_json(scores.scorer)},
          {"samples", scores.samples},
          {"unreadable_images", scores.unreadable_images},
          {"nonfinite_images", scores.nonfinite_images},
          {"class_accuracy", to_json(scores.class_accuracy)},
          {"demo_frechet_distance", to_json(scores.demo_frechet_distance)},
          {"classes", std::move(classes)}};
}

Scores load_scores(const std::string& path) {
  const nlohmann::json json = read_json_file(path, "scores");
  JsonFields fields(json, "scores", path);
  fields.check_schema(scores_schema);
  Scores scores;
  scores.capture_id = fields.text("capture_id");
  scores.model = fields.text("model");
  scores.scorer = parse_scorer_record(fields.object("scorer"));
  scores.samples = fields.integer("samples", 1);
  scores.unreadable_images = fields.integer("unreadable_images", 0);
  if (fields.has("nonfinite_images")) {
    scores.nonfinite_images = fields.integer("nonfinite_images", 0);
  }
  scores.class_accuracy = parse_estimate(fields.object("class_accuracy"), 0, 1);
  scores.demo_frechet_distance =
      parse_estimate(fields.object("demo_frechet_distance"), 0, std::numeric_limits<double>::max());
  scores.classes = parse_classes(fields);
  std::int64_t samples = 0;
  for (const ClassScore& one : scores.classes) samples += one.samples;
  if (samples != scores.samples) {
    fields.fail("classes", fmt::format("of {} samples in all", scores.samples),
                fmt::to_string(samples));
  }
  fields.refuse_unknown();
  return scores;
}

std::string scores_path(const std::string& path) { return path + ".scores.json"; }

}  // namespace kvscope
