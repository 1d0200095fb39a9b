#include <nlohmann/json.hpp>

#include "analysis/compare/file_forced.h"
#include "analysis/sweep/best_cell.h"
#include "analysis/sweep/sweep_tables.h"
#include "core/base/json_fields.h"

namespace kvscope {
namespace {

using Json = nlohmann::json;

Json mean_json(const std::optional<MeanSpread>& figure) {
  return figure ? Json{{"mean", figure->mean}, {"spread", figure->spread}} : Json();
}

Json best_json(const CellResult& result, const std::vector<BestMark>& marks) {
  Json json = Json::array();
  for (const BestMark& mark : marks) {
    if (mark.cell == result.cell.name) {
      json.push_back({{"ratio", mark.ratio}, {"by", name_of(mark.by)}});
    }
  }
  return json;
}

Json cell_json(const CellResult& result, const std::vector<BestMark>& marks) {
  Json json = {{"name", result.cell.name},
               {"statistic", result.cell.statistic.empty() ? Json() : Json(result.cell.statistic)},
               {"ratio", or_null(result.cell.ratio)},
               {"layer", or_null(result.cell.layer)},
               {"file", result.file},
               {"capture_id", result.capture_id},
               {"demanding_layers", result.demanding_layers()},
               {"logical_peak_bytes", result.logical_peak_bytes},
               {"share_of_read", result.share_of_read},
               {"share_of_final", result.share_of_final},
               {"scored_samples", or_null(result.scored_samples())},
               {"class_accuracy", Json()},
               {"demo_frechet_distance", Json()},
               {"teacher_forced", to_json(result.forced)},
               {"token_agreement", or_null(result.token_agreement)},
               {"psnr_mean_db", or_null(result.psnr_mean_db)},
               {"psnr_median_db", or_null(result.psnr_median_db)},
               {"ssim_mean", or_null(result.ssim_mean)},
               {"nonfinite_images", result.nonfinite_images},
               {"best", best_json(result, marks)}};
  if (result.scores) {
    json["class_accuracy"] = to_json(result.scores->class_accuracy);
    json["demo_frechet_distance"] = to_json(result.scores->demo_frechet_distance);
  }
  return json;
}

Json random_json(const RandomSummary& summary) {
  return {{"ratio", summary.ratio},
          {"seeds", summary.seeds},
          {"share_of_read", summary.share_of_read},
          {"share_of_final", summary.share_of_final},
          {"class_accuracy", mean_json(summary.class_accuracy)},
          {"demo_frechet_distance", mean_json(summary.demo_frechet_distance)},
          {"token_agreement", mean_json(summary.token_agreement)},
          {"psnr_mean_db", mean_json(summary.psnr_mean_db)},
          {"ssim_mean", mean_json(summary.ssim_mean)}};
}

}  // namespace

Json to_json(const SweepResults& results) {
  Json json = {{"schema", sweep_schema},
               {"model", to_json(results.model)},
               {"weights_sha256", results.weights_sha256},
               {"settings", to_json(results.settings)},
               {"analysis_capture_id", results.analysis_capture_id},
               {"read_bytes", results.read_bytes},
               {"final_bytes", results.final_bytes},
               {"cells", Json::array()},
               {"problems", Json::array()},
               {"random", Json::array()},
               {"unreachable", Json::array()}};
  const std::vector<BestMark> marks = best_marks(figures_of(results.cells));
  for (const CellResult& cell : results.cells) json["cells"].push_back(cell_json(cell, marks));
  for (const DataProblem& problem : problems_of(results)) {
    json["problems"].push_back(
        {{"cell", problem.file}, {"what", problem.what}, {"advice", problem.advice}});
  }
  for (const RandomSummary& summary : results.random) {
    json["random"].push_back(random_json(summary));
  }
  for (const UnreachableCell& cell : results.unreachable) {
    json["unreachable"].push_back({{"name", cell.name},
                                   {"statistic", cell.statistic},
                                   {"ratio", cell.ratio},
                                   {"why", cell.why}});
  }
  if (results.damage.empty()) return json;
  json["damage"] = Json::array();
  for (std::size_t layer = 0; layer < results.damage.size(); ++layer) {
    json["damage"].push_back(to_json(results.damage[layer], static_cast<int>(layer)));
  }
  json["correlations"] = Json::array();
  for (const DamageCorrelation& correlation : results.correlations) {
    json["correlations"].push_back({{"statistic", correlation.statistic},
                                    {"measure", correlation.measure},
                                    {"rank_correlation", correlation.rank_correlation},
                                    {"p_value", correlation.p_value}});
  }
  return json;
}

}  // namespace kvscope
