#include "analysis/layers/statistic_list.h"

#include <cmath>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/layers/damage_statistic.h"
#include "core/base/error.h"
#include "core/capture/capture_reader.h"
#include "tests/support/example_files.h"

namespace kvscope {
namespace {

using testing::ExampleRun;
using ::testing::HasSubstr;

class StatisticList : public testing::ExampleFiles {
 protected:
  StatisticList() : ExampleFiles({4, {1, 2, 3, 4, 5}, 5, 2, 1}) {}

  CaptureReader file(bool with_statistics) {
    ExampleRun run = run_under({});
    if (with_statistics) add_statistics(run);
    write_run(run, folder_ / "base.h5");
    return CaptureReader(folder_ / "base.h5");
  }
  std::string damage_file(const std::string& weights) {
    std::ofstream stream(folder_ / "results.json");
    stream << R"({"schema": "kvscope.sweep/1", "model": {"depth": 4}, "weights_sha256": ")"
           << weights << R"(", "damage": [)";
    for (int layer = 0; layer < 4; ++layer) {
      stream << (layer > 0 ? ", " : "") << R"({"layer": )" << layer
             << R"(, "accuracy_drop": null, "frechet_rise": null, "token_disagreement": 0.)"
             << layer << "}";
    }
    stream << "]}";
    return folder_ / "results.json";
  }
};

// Every name that --help lists must give a value a layer, under the name that the budget records.
TEST_F(StatisticList, EveryOneReadsUnderItsName) {
  const CaptureReader analysis = file(true);
  const std::string damage = damage_file(analysis.record().weights_sha256);
  std::set<std::string> names;
  for (const LayerStatisticKind& statistic : all_layer_statistics()) {
    const std::string name = std::string(statistic.name) + (statistic.takes_seed ? ":3" : "");
    const LayerStatisticValues layers =
        parse_layer_statistic(name, "--statistic").read({analysis, damage});
    EXPECT_EQ(layers.name, name);
    EXPECT_NE(layers.meaning, "") << name;
    ASSERT_EQ(layers.layers(), 4) << name;
    EXPECT_EQ(layers.demand == LayerDemand::none, name == "uniform");
    EXPECT_EQ(layers.demand == LayerDemand::measured, statistic.family != StatisticFamily::control)
        << name;
    EXPECT_EQ(layers.negated, high_is_demanding(statistic)) << name;
    names.insert(name);
  }
  EXPECT_EQ(names.size(), all_layer_statistics().size());
}

// A plan for a model that nobody has run yet.
// The best of several draws is luck: a cell must be known for one by what it says of itself.
TEST_F(StatisticList, KnowsAChoiceMadeAtRandom) {
  EXPECT_EQ(find_chosen_statistic("cosine-key"), find_layer_statistic("cosine-key"));
  EXPECT_EQ(find_chosen_statistic("random:3"), find_layer_statistic("random"));
  EXPECT_TRUE(chosen_at_random("random:3"));
  for (const char* other : {"cosine-key", "of-tomorrow:3", ""}) {
    EXPECT_FALSE(chosen_at_random(other)) << other;
  }
}

TEST_F(StatisticList, ControlsNeedNoFile) {
  const ModelConfig model = named_model_config("d30");
  const StatisticSource source(model);
  for (const char* name : {"uniform", "first", "last", "random:3"}) {
    EXPECT_EQ(parse_layer_statistic(name, "--statistic").read(source).layers(), 30) << name;
  }
  for (const char* name : {"cosine-key", "distant-mass", "damage"}) {
    EXPECT_THROW((void)parse_layer_statistic(name, "--statistic").read(source), UsageError) << name;
  }
}

TEST_F(StatisticList, ControlsNeedNoStatistics) {
  const CaptureReader run = file(false);
  EXPECT_EQ(parse_layer_statistic("last", "--statistic").read({run, ""}).mean[3], 0);
  EXPECT_THROW((void)parse_layer_statistic("cosine-key", "--statistic").read({run, ""}), BadInput);
  EXPECT_THROW((void)parse_layer_statistic("distant-mass", "--statistic").read({run, ""}),
               BadInput);
}

// A plan for twelve layers cannot come from K and V of three; the file is what the user must mend.
TEST_F(StatisticList, SimilarityOfSomeLayersOrScalesIsRefused) {
  ExampleRun run = run_under({});
  add_statistics(run);
  KeptSubset& keep = run.record.settings.keep;
  const auto read = [&](KvStore store) {
    run.record.settings.store = store;
    write_run(run, folder_ / "base.h5");
    const CaptureReader analysis(folder_ / "base.h5");
    (void)parse_layer_statistic("distant-mass", "--statistic").read({analysis, ""});
    (void)parse_layer_statistic("cosine-key", "--statistic").read({analysis, ""});
  };
  const auto refuses = [](const std::string& expected) {
    return ::testing::ThrowsMessage<BadInput>(HasSubstr(expected));
  };
  keep.layers = {0, 2};
  EXPECT_THAT([&] { read(KvStore::raw); },
              refuses("base.h5: expected similarity of all 4 layers, got that of layers 0, 2 only: "
                      "the capture kept no others (--keep-layers)"));
  read(KvStore::reduced);
  keep.layers = {0, 1, 2, 3};
  read(KvStore::raw);
  keep.scales = {0, 1, 3};
  EXPECT_THAT([&] { read(KvStore::raw); }, refuses("(--keep-scales)"));
}

TEST_F(StatisticList, DamageIsOfTheSameWeights) {
  const CaptureReader analysis = file(true);
  const StatisticChoice damage = parse_layer_statistic("damage", "--statistic");
  EXPECT_THROW((void)damage.read({analysis, ""}), UsageError);
  EXPECT_THROW((void)damage.read({analysis, damage_file("another")}), BadInput);
}

std::string error_of(const std::string& text) {
  try {
    (void)parse_layer_statistic(text, "--statistic");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(StatisticList, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(error_of("cosine"), HasSubstr("--statistic: expected one of cosine-key, "));
  EXPECT_THAT(error_of("cosine"), HasSubstr("did you mean 'cosine-key' or 'cosine-value'?"));
  EXPECT_THAT(error_of("cosine"), HasSubstr("last, random:SEED, got"));
  EXPECT_THAT(error_of("unifrom"), HasSubstr("did you mean 'uniform'?"));
  EXPECT_THAT(error_of("random"), HasSubstr("random:SEED"));
  EXPECT_THAT(error_of("random:"), HasSubstr("random:SEED"));
  EXPECT_THAT(error_of("random:3x"), HasSubstr("random:SEED"));
  EXPECT_THAT(error_of("random:-3"), HasSubstr("random:SEED"));
  EXPECT_THAT(error_of("first:1"), HasSubstr("expected first, got 'first:1'"));
}

}  // namespace
}  // namespace kvscope
