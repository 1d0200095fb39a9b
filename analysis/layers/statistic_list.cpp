#include "analysis/layers/statistic_list.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/layers/attention_statistic.h"
#include "analysis/layers/control_statistic.h"
#include "analysis/layers/damage_statistic.h"
#include "analysis/layers/similarity_statistic.h"
#include "core/base/decimal.h"
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/capture/capture_reader.h"

namespace kvscope {
namespace {

// Raw K and V may be those of some layers or scales only; reduced statistics are always of all.
void check_kept_all(const CaptureReader& analysis) {
  const RunRecord& record = analysis.record();
  const KeptSubset& kept = record.settings.keep;
  const auto check = [&](const char* what, const std::vector<int>& indices, int count) {
    if (indices.empty() || indices.size() == static_cast<std::size_t>(count)) return;
    throw BadInput("layers", analysis.path(), fmt::format("similarity of all {} {}s", count, what),
                   fmt::format("that of {}s {} only: the capture kept no others (--keep-{}s)", what,
                               fmt::join(indices, ", "), what));
  };
  if (record.settings.store != KvStore::raw) return;
  check("layer", kept.layers, record.model.depth);
  check("scale", kept.scales, record.model.schedule().scales());
}

template <Metric metric, KvTensor tensor>
LayerStatisticValues read_similarity(const StatisticSource& source, std::uint64_t /*seed*/) {
  const CaptureReader& analysis = source.analysis(similarity_statistic_name(metric, tensor));
  const std::optional<Statistics> statistics = analysis.statistics();
  if (!statistics || !statistics->has_similarity()) {
    const bool is_run = analysis.record().kind == FileKind::run;
    throw BadInput("layers", analysis.path(), "inter-scale similarity in the file",
                   is_run ? "a run, which has none ('kvscope capture --store reduced' keeps it)"
                          : "none (make it with 'kvscope analyze' or 'capture --store reduced')");
  }
  check_kept_all(analysis);
  return similarity_statistic(*statistics, metric, tensor);
}

template <DistantAttention measure>
LayerStatisticValues read_attention(const StatisticSource& source, std::uint64_t /*seed*/) {
  const CaptureReader& analysis =
      source.analysis(measure == DistantAttention::mass ? "distant-mass" : "distant-density");
  if (!analysis.layout().has(Part::mass) || analysis.batch_samples().empty()) {
    throw BadInput("layers", analysis.path(), "attention mass in the file",
                   "none (it comes from 'kvscope capture')");
  }
  std::vector<BatchStatistics> batches;
  for (std::size_t index = 0; index < analysis.batch_samples().size(); ++index) {
    BatchRecord record = analysis.batch(static_cast<std::int64_t>(index));
    batches.push_back({.samples = record.statistics->samples,
                       .similarity_sum = {},
                       .mass_sum = std::move(record.statistics->mass_sum),
                       .norm_sum = {},
                       .layer_statistic = {}});
  }
  return attention_statistic(batches, analysis.record().model.schedule(), measure);
}

LayerStatisticValues read_damage(const StatisticSource& source, std::uint64_t /*seed*/) {
  const CaptureReader& analysis = source.analysis("damage");
  if (source.damage_file().empty()) {
    throw UsageError(
        "statistic damage: give the results.json of 'kvscope sweep --single-layers' with --damage");
  }
  const MeasuredDamage damage = load_measured_damage(source.damage_file());
  const std::string& weights = analysis.record().weights_sha256;
  if (damage.weights_sha256 != weights) {
    throw BadInput("damage", source.damage_file(),
                   fmt::format("the weights {} of {}", weights, analysis.path()),
                   damage.weights_sha256);
  }
  return damage_statistic(damage);
}

template <LayerStatisticValues (*choose)(int)>
LayerStatisticValues read_control(const StatisticSource& source, std::uint64_t /*seed*/) {
  return choose(source.model().depth);
}

LayerStatisticValues read_random(const StatisticSource& source, std::uint64_t seed) {
  return random_layers(source.model().depth, seed);
}

constexpr StatisticFamily similarity = StatisticFamily::similarity;
constexpr StatisticFamily attention = StatisticFamily::attention;
constexpr StatisticFamily control = StatisticFamily::control;

constexpr std::array list = {
    LayerStatisticKind{"cosine-key", "least cosine similarity of K to the scale before", similarity,
                       false, read_similarity<Metric::cosine, KvTensor::key>},
    LayerStatisticKind{"cosine-value", "the same of V", similarity, false,
                       read_similarity<Metric::cosine, KvTensor::value>},
    LayerStatisticKind{"neg_l2-key", "largest l2 distance of K to the scale before", similarity,
                       false, read_similarity<Metric::neg_l2, KvTensor::key>},
    LayerStatisticKind{"neg_l2-value", "the same of V", similarity, false,
                       read_similarity<Metric::neg_l2, KvTensor::value>},
    LayerStatisticKind{"distant-density",
                       "highest attention density on scales neither first nor near", attention,
                       false, read_attention<DistantAttention::density>},
    LayerStatisticKind{"distant-mass", "largest share of attention on them", attention, false,
                       read_attention<DistantAttention::mass>},
    LayerStatisticKind{"damage", "most harm when it alone is condensed (--damage FILE)",
                       StatisticFamily::damage, false, read_damage},
    LayerStatisticKind{
        "uniform",
        "control: no classes, every layer keeps the same (--fill: the rest goes to the "
        "first layers, a step each)",
        control, false, read_control<uniform_layers>},
    LayerStatisticKind{"first", "control: the first layers", control, false,
                       read_control<first_layers>},
    LayerStatisticKind{"last", "control: the last layers", control, false,
                       read_control<last_layers>},
    LayerStatisticKind{"random", "control: layers drawn from SEED", control, true, read_random},
};

}  // namespace

StatisticSource::StatisticSource(const CaptureReader& analysis, std::string damage_file)
    : model_(&analysis.record().model),
      analysis_(&analysis),
      damage_file_(std::move(damage_file)) {}

const CaptureReader& StatisticSource::analysis(std::string_view statistic) const {
  if (analysis_ != nullptr) return *analysis_;
  throw UsageError(fmt::format(
      "statistic {}: expected an analysis file that it is read from, got only a model, from which "
      "uniform, first, last and random:SEED choose",
      statistic));
}

std::span<const LayerStatisticKind> all_layer_statistics() { return list; }

bool looks_at_the_analysis(const LayerStatisticKind& statistic) {
  return statistic.family == StatisticFamily::similarity ||
         statistic.family == StatisticFamily::attention;
}

bool high_is_demanding(const LayerStatisticKind& statistic) {
  return statistic.family == StatisticFamily::attention ||
         statistic.family == StatisticFamily::damage;
}

std::vector<std::string> layer_statistic_names() {
  std::vector<std::string> names;
  names.reserve(list.size());
  for (const LayerStatisticKind& statistic : list) {
    names.push_back(fmt::format("{}{}", statistic.name, statistic.takes_seed ? ":SEED" : ""));
  }
  return names;
}

const LayerStatisticKind* find_layer_statistic(std::string_view name) {
  const auto* found =
      std::find_if(list.begin(), list.end(),
                   [name](const LayerStatisticKind& known) { return known.name == name; });
  return found == list.end() ? nullptr : found;
}

const LayerStatisticKind* find_chosen_statistic(std::string_view choice) {
  return find_layer_statistic(choice.substr(0, choice.find(':')));
}

bool chosen_at_random(std::string_view choice) {
  const LayerStatisticKind* statistic = find_chosen_statistic(choice);
  return statistic != nullptr && statistic->takes_seed;
}

StatisticChoice parse_layer_statistic(std::string_view text, std::string_view option) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const LayerStatisticKind* const statistic = find_layer_statistic(name);
  if (statistic == nullptr) check_known(option, text, layer_statistic_names());
  StatisticChoice choice{statistic, 0};
  const bool has_seed = colon != std::string_view::npos;
  if (!choice.statistic->takes_seed && !has_seed) return choice;
  const std::optional<std::uint64_t> seed =
      has_seed ? parse_decimal<std::uint64_t>(text.substr(colon + 1)) : std::nullopt;
  if (!choice.statistic->takes_seed || !seed) {
    throw UsageError(fmt::format("{}: expected {}, got '{}'", option,
                                 choice.statistic->takes_seed
                                     ? fmt::format("{0}:SEED with {1} as SEED, e.g. {0}:0", name,
                                                   name_of(NumberRange<std::uint64_t>{}))
                                     : std::string(name),
                                 text));
  }
  choice.seed = *seed;
  return choice;
}

}  // namespace kvscope
