#include "analysis/sweep/best_cell.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/file_scores.h"
#include "analysis/layers/statistic_list.h"
#include "core/base/error.h"
#include "core/base/json_fields.h"
#include "core/base/json_text.h"
#include "core/base/suggest.h"

namespace kvscope {
namespace {

constexpr std::string_view where = "sweep";
// Shares are quotients of the same integers on both sides, but for their way through a text file.
constexpr double rounding = 1e-9;

std::optional<double> figure(const CellFigures& cell, CellMeasure measure) {
  if (measure == CellMeasure::tokens) return cell.token_agreement;
  const double value = cell.demo_frechet_distance.value;
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

bool better(double a, double b, CellMeasure measure) {
  return measure == CellMeasure::tokens ? a > b : a < b;
}

// Leaves the distances that compare with vanilla's.
void drop_other_distances(std::vector<CellFigures>& cells,
                          std::optional<std::int64_t> vanilla_samples) {
  for (CellFigures& cell : cells) {
    if (!distances_compare(cell.scored_samples, vanilla_samples)) cell.demo_frechet_distance = {};
  }
}

std::string in_words(const CellFigures& cell, CellMeasure measure) {
  if (measure == CellMeasure::tokens) {
    return fmt::format("{:.1f} % of tokens as vanilla's", 100 * *cell.token_agreement);
  }
  const Estimate& distance = cell.demo_frechet_distance;
  return fmt::format("demo Fréchet distance {:.3f} ({:.3f} … {:.3f})", distance.value, distance.low,
                     distance.high);
}

// What the figure is one of; some images may not have been judged.
std::int64_t samples_behind(const MeasuredSweep& sweep, const CellFigures& cell,
                            CellMeasure measure) {
  return measure == CellMeasure::frechet ? cell.scored_samples.value_or(sweep.samples)
                                         : sweep.samples;
}

// Other cells that the interval of the best does not tell from it.
std::string doubt(std::span<const CellFigures> cells, const CellFigures& best,
                  CellMeasure measure) {
  if (measure == CellMeasure::tokens) return "";
  const auto alike = std::count_if(cells.begin(), cells.end(), [&](const CellFigures& cell) {
    return cell.name != best.name &&
           cell.demo_frechet_distance.low <= best.demo_frechet_distance.high;
  });
  return alike == 0 ? "" : fmt::format("; the intervals of {} others overlap its own", alike);
}

CellFigures parse_cell(JsonFields fields) {
  CellFigures cell;
  cell.name = fields.text("name");
  // Older results call it policy.
  const char* const chosen_by = fields.has("statistic") ? "statistic" : "policy";
  if (!fields.is_null(chosen_by)) cell.statistic = fields.text(chosen_by);
  cell.ratio = fields.number_or_null("ratio");
  cell.share_of_read = fields.number("share_of_read");
  cell.demanding_layers = fields.integers("demanding_layers", 0);
  cell.token_agreement = fields.number_or_null("token_agreement");
  if (fields.has("scored_samples") && !fields.is_null("scored_samples")) {
    cell.scored_samples = fields.integer("scored_samples", 0);
  }
  if (!fields.is_null("demo_frechet_distance")) {
    cell.demo_frechet_distance = parse_estimate(fields.object("demo_frechet_distance"), 0,
                                                std::numeric_limits<double>::max());
  }
  return cell;
}

std::string budget_file_of(const MeasuredSweep& sweep, const CellFigures& cell) {
  return (std::filesystem::path(sweep.file).parent_path() / (cell.name + ".json")).string();
}

Budget load_measured_budget(const MeasuredSweep& sweep, const CellFigures& cell) {
  const std::string file = budget_file_of(sweep, cell);
  Budget budget = load_budget(file);
  check_budget_fits(budget, sweep.model, file);
  std::vector<int> demanding;
  for (std::size_t layer = 0; layer < budget.layers.size(); ++layer) {
    if (budget.layers[layer].layer_class == LayerClass::demanding) {
      demanding.push_back(static_cast<int>(layer));
    }
  }
  const double share = expectation_of(budget, 1, 2, 2).ratio_of_read;
  if (std::abs(share - cell.share_of_read) > rounding || demanding != cell.demanding_layers) {
    throw BadInput(
        where, file,
        fmt::format("the budget that {} measured, {:.4f} of read", sweep.file, cell.share_of_read),
        fmt::format("another one, {:.4f} of read", share));
  }
  return budget;
}

[[noreturn]] void fail_too_small(const MeasuredSweep& sweep, double of_read, double ratio,
                                 Denominator of) {
  double smallest = std::numeric_limits<double>::infinity();
  for (const CellFigures& cell : sweep.cells) {
    smallest = std::min(smallest, cell.ratio.value_or(cell.share_of_read));
  }
  throw Error(
      fmt::format("[sweep] {}: expected a ratio of at least {:.4g} of {}, the smallest that was "
                  "measured, got {}",
                  sweep.file, smallest * ratio / of_read, name_of(of), ratio));
}

}  // namespace

const char* name_of(CellMeasure measure) {
  return measure == CellMeasure::tokens ? "tokens" : "frechet";
}

CellMeasure parse_cell_measure(std::string_view name) {
  check_known("--by", name, {name_of(CellMeasure::tokens), name_of(CellMeasure::frechet)});
  return name == name_of(CellMeasure::tokens) ? CellMeasure::tokens : CellMeasure::frechet;
}

std::vector<CellFigures> figures_of(const std::vector<CellResult>& cells) {
  std::vector<CellFigures> figures;
  std::optional<std::int64_t> vanilla_samples;
  for (const CellResult& result : cells) {
    if (!result.token_agreement) vanilla_samples = result.scored_samples();
    if (!result.token_agreement || result.cell.layer) continue;
    figures.push_back({.name = result.cell.name,
                       .statistic = result.cell.statistic,
                       .ratio = result.cell.ratio,
                       .share_of_read = result.share_of_read,
                       .demanding_layers = result.demanding_layers(),
                       .token_agreement = result.token_agreement,
                       .scored_samples = result.scored_samples(),
                       .demo_frechet_distance =
                           result.scores ? result.scores->demo_frechet_distance : Estimate{}});
  }
  drop_other_distances(figures, vanilla_samples);
  return figures;
}

std::vector<double> ratios_of(std::span<const CellFigures> cells) {
  std::set<double> ratios;
  for (const CellFigures& cell : cells) {
    if (cell.ratio) ratios.insert(*cell.ratio);
  }
  return {ratios.begin(), ratios.end()};
}

std::vector<CellFigures> cells_within(std::span<const CellFigures> cells, double ratio) {
  const std::vector<double> ratios = ratios_of(cells);
  const auto above = std::find_if(ratios.begin(), ratios.end(),
                                  [&](double asked) { return asked > ratio + rounding; });
  std::vector<CellFigures> found;
  std::copy_if(cells.begin(), cells.end(), std::back_inserter(found), [&](const CellFigures& cell) {
    return cell.ratio ? above != ratios.begin() && *cell.ratio == *std::prev(above)
                      : cell.share_of_read <= ratio + rounding;
  });
  return found;
}

const CellFigures* best_of(std::span<const CellFigures> cells, CellMeasure measure) {
  const CellFigures* best = nullptr;
  for (const CellFigures& cell : cells) {
    const std::optional<double> value = figure(cell, measure);
    if (!value) continue;
    if (best == nullptr || better(*value, *figure(*best, measure), measure)) best = &cell;
  }
  return best;
}

std::vector<BestMark> best_marks(std::span<const CellFigures> cells) {
  std::vector<BestMark> marks;
  for (const double ratio : ratios_of(cells)) {
    const std::vector<CellFigures> competing = cells_within(cells, ratio);
    for (const CellMeasure measure : all_cell_measures) {
      if (const CellFigures* best = best_of(competing, measure)) {
        marks.push_back({best->name, ratio, measure});
      }
    }
  }
  return marks;
}

MeasuredSweep load_measured_sweep(const std::string& path) {
  const nlohmann::json json = read_json_file(path, where);
  JsonFields root(json, std::string(where), path);
  root.check_schema(sweep_schema);
  if (root.has("damage")) {
    throw BadInput(where, path, "the results of a sweep over ratios", "those of single layers");
  }
  MeasuredSweep sweep;
  sweep.file = path;
  (void)root.object("model");
  sweep.model = parse_model_config(json_text(json.at("model")), path);
  sweep.weights_sha256 = root.text("weights_sha256");
  sweep.samples = root.object("settings").integer("samples", 1);
  sweep.read_bytes = root.integer("read_bytes", 1);
  sweep.final_bytes = root.integer("final_bytes", 1);
  std::optional<std::int64_t> vanilla_samples;
  for (std::size_t index = 0; index < root.array("cells").size(); ++index) {
    CellFigures cell = parse_cell(root.element("cells", index));
    if (cell.token_agreement) {
      sweep.cells.push_back(std::move(cell));
    } else {
      vanilla_samples = cell.scored_samples;
    }
  }
  drop_other_distances(sweep.cells, vanilla_samples);
  return sweep;
}

BestCell best_cell(const MeasuredSweep& sweep, double ratio, Denominator of, CellMeasure measure) {
  const double of_read = of == Denominator::read ? ratio
                                                 : ratio * static_cast<double>(sweep.final_bytes) /
                                                       static_cast<double>(sweep.read_bytes);
  const std::vector<CellFigures> cells = cells_within(sweep.cells, of_read);
  if (cells.empty()) fail_too_small(sweep, of_read, ratio, of);
  const CellFigures* best = best_of(cells, measure);
  if (best == nullptr) {
    throw Error(
        fmt::format("[sweep] {}: expected cells with a demo Fréchet distance of as many samples "
                    "as vanilla's, got none (--by tokens needs no scores)",
                    sweep.file));
  }
  BestCell result;
  result.cell = *best;
  result.budget = load_measured_budget(sweep, *best);
  result.why =
      fmt::format("{} is the best of {} cells{} by {}: {}, {} samples{}", best->name, cells.size(),
                  best->ratio ? fmt::format(" at {:.4g} of read", *best->ratio) : std::string(),
                  name_of(measure), in_words(*best, measure), samples_behind(sweep, *best, measure),
                  doubt(cells, *best, measure));
  return result;
}

std::string better_statistic(const MeasuredSweep& sweep, const std::string& statistic,
                             double share_of_read, CellMeasure measure) {
  const std::vector<double> ratios = ratios_of(sweep.cells);
  if (ratios.empty()) return fmt::format("{} measured no statistic", sweep.file);
  const double ratio = *std::min_element(ratios.begin(), ratios.end(), [&](double a, double b) {
    return std::abs(a - share_of_read) < std::abs(b - share_of_read);
  });
  std::vector<CellFigures> cells = cells_within(sweep.cells, ratio);
  std::erase_if(cells, [](const CellFigures& cell) {
    return cell.statistic.empty() || chosen_at_random(cell.statistic);
  });
  const auto own = std::find_if(cells.begin(), cells.end(), [&](const CellFigures& cell) {
    return cell.statistic == statistic && figure(cell, measure);
  });
  const CellFigures* best = best_of(cells, measure);
  const std::string scope =
      fmt::format("{} at {:.4g} of read, by {}: ", sweep.file, ratio, name_of(measure));
  if (best == nullptr) return scope + "no statistic was measured";
  const std::string own_text = own == cells.end()
                                   ? fmt::format("{} was not measured", statistic)
                                   : fmt::format("{} has {}", statistic, in_words(*own, measure));
  const bool beaten =
      own == cells.end() || better(*figure(*best, measure), *figure(*own, measure), measure);
  if (!beaten) return scope + own_text + ", no other statistic measured better";
  return scope + fmt::format("{} measured better with {}; {}", best->statistic,
                             in_words(*best, measure), own_text);
}

}  // namespace kvscope
