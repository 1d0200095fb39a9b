#include "core/capture/parts/scores.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/capture/parts/basics.h"

namespace kvscope {
namespace {

constexpr std::array datasets = {schema::predicted_class, schema::class_accuracy,
                                 schema::demo_frechet_distance};

std::vector<std::string> estimate_names(const FileLayout&) { return {"value", "low", "high"}; }

constexpr std::array dimensions = {
    PartDimension{{"estimate", schema::Type::text, "value, low and high of a figure's interval"},
                  [](const FileLayout&) { return std::int64_t{3}; },
                  estimate_names}};

void check_scores(const BatchCheck& check, const BatchRecord& batch) {
  check.row_values(batch.predicted_classes, schema::predicted_class);
}

void write_scores(const BatchWriter& out, const BatchRecord& batch) {
  out.rows(schema::predicted_class, batch.predicted_classes);
}

void read_predicted_classes(const BatchReader& in, BatchRecord& batch) {
  batch.predicted_classes = in.rows<std::int32_t>(schema::predicted_class).data;
}

Estimate read_estimate(const OpenCapture& file, const schema::Dataset& entry) {
  const NdArray<double> stored = file.all<double>(entry);
  return {stored(0), stored(1), stored(2)};
}

}  // namespace

constinit const PartRow scores_part = {
    .part = Part::scores,
    .name = "scores",
    .datasets = datasets,
    .dimensions = dimensions,
    .is_in = [](const BatchRecord& batch) { return !batch.predicted_classes.empty(); },
    .check = check_scores,
    .write = write_scores,
    .read = read_predicted_classes};

void write_estimates(WrittenFile& file, const Estimate& class_accuracy,
                     const Estimate& demo_frechet_distance) {
  const auto write = [&](const schema::Dataset& entry, const Estimate& estimate) {
    file.put(schema::path_of(entry), 0, 3,
             std::vector{estimate.value, estimate.low, estimate.high});
  };
  write(schema::class_accuracy, class_accuracy);
  write(schema::demo_frechet_distance, demo_frechet_distance);
}

Scores read_scores(const OpenCapture& file, std::int64_t nonfinite_images) {
  const std::optional<ScorerRecord>& scorer = file.record().settings.scorer;
  if (!scorer) file.calls().refuse("settings with the scorer of /scores", "none");
  Scores scores;
  scores.capture_id = file.record().capture_id;
  scores.model = file.record().model.name;
  scores.scorer = *scorer;
  scores.nonfinite_images = nonfinite_images;
  scores.samples = file.committed_samples() - nonfinite_images;
  scores.classes = class_scores(file.sample_rows<std::int32_t>(schema::label).data,
                                file.sample_rows<std::int32_t>(schema::predicted_class).data);
  scores.class_accuracy.value = accuracy_of(scores.classes);
  if (file.complete()) {
    scores.class_accuracy = read_estimate(file, schema::class_accuracy);
    scores.demo_frechet_distance = read_estimate(file, schema::demo_frechet_distance);
  }
  return scores;
}

}  // namespace kvscope
