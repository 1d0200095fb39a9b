#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/layers/layer_statistic_values.h"

namespace kvscope {

class CaptureReader;
struct ModelConfig;

/// What layer statistics are read from: an analysis, or no more than the model's geometry.
class StatisticSource {
 public:
  /// `damage_file`: results of a sweep over single layers; empty: none. Both must outlive this.
  StatisticSource(const CaptureReader& analysis, std::string damage_file);
  explicit StatisticSource(const ModelConfig& model) : model_(&model) {}

  const ModelConfig& model() const { return *model_; }
  /// Throws UsageError, for the statistic that wants it, when there is none.
  const CaptureReader& analysis(std::string_view statistic) const;
  const std::string& damage_file() const { return damage_file_; }

 private:
  const ModelConfig* model_;
  const CaptureReader* analysis_ = nullptr;
  std::string damage_file_;
};

/// What a statistic looks at.
enum class StatisticFamily {
  similarity,  ///< K and V of the analysis
  attention,   ///< attention mass of the analysis
  damage,      ///< a sweep over single layers
  control,     ///< nothing: what the others must beat
};

/// One way to tell demanding layers from efficient ones.
struct LayerStatisticKind {
  std::string_view name;
  std::string_view help;  ///< which layers it calls demanding
  StatisticFamily family = StatisticFamily::control;
  bool takes_seed = false;
  LayerStatisticValues (*read)(const StatisticSource& source, std::uint64_t seed);
};

/// All of them; a new one is a line here and a file of its own.
std::span<const LayerStatisticKind> all_layer_statistics();

/// Whether it is read from what the analysis shows of the cache, not only from its model.
bool looks_at_the_analysis(const LayerStatisticKind& statistic);

/// Whether people see it grow with demand, see LayerStatisticValues.
bool high_is_demanding(const LayerStatisticKind& statistic);

/// Their names, with ":SEED" after those that take one.
std::vector<std::string> layer_statistic_names();

/// The statistic of that name, without a seed; nullptr when there is none.
const LayerStatisticKind* find_layer_statistic(std::string_view name);

/// The statistic of a choice as budgets and cells keep it, "cosine-key" or "random:3"; nullptr when
/// there is none.
const LayerStatisticKind* find_chosen_statistic(std::string_view choice);

/// Whether that is one which draws the layers at random.
bool chosen_at_random(std::string_view choice);

/// A statistic with the seed it was asked for.
struct StatisticChoice {
  const LayerStatisticKind* statistic = nullptr;
  std::uint64_t seed = 0;

  LayerStatisticValues read(const StatisticSource& source) const {
    return statistic->read(source, seed);
  }
};

/// "cosine-key" or "random:3". Throws UsageError naming the `option` for another name, with the
/// nearest one, and for a seed that is missing or too much.
StatisticChoice parse_layer_statistic(std::string_view text, std::string_view option);

}  // namespace kvscope
