#include "cli/kvscope/info_tables.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace kvscope::cli {
namespace {

using ::testing::ElementsAre;

const nlohmann::json described = {
    {"complete", true},
    {"scores", nullptr},
    {"logical_peak_bytes", 1517568},
    {"model", {{"name", "demo"}, {"patch_nums", {1, 2, 3}}, {"sampling", {{"cfg", 2.0}}}}},
    {"overall", {{"value", 0.9921875}, {"low", 0.957241}, {"high", 0.999802}}},
    {"scales",
     {{{"kl", {{"value", 0.25}, {"low", nullptr}, {"high", nullptr}}}}, {{"tokens", 4}}}}};

TEST(InfoTables, NameEveryValueAndKeepAnEstimateTogether) {
  const TitledTable all = to_tables(described).front();
  EXPECT_THAT(
      all.table.rows,
      ElementsAre(ElementsAre("complete", "yes"), ElementsAre("logical_peak_bytes", "1.447 MiB"),
                  ElementsAre("model.name", "demo"), ElementsAre("model.patch_nums", "1, 2, 3"),
                  ElementsAre("model.sampling.cfg", "2"),
                  ElementsAre("overall", "0.992188 (0.957241 … 0.999802)"),
                  ElementsAre("scores", "-")));
}

// In one cell, ten scales of figures are a line of JSON that nobody reads.
TEST(InfoTables, AListOfObjectsIsATableOfItsOwn) {
  const std::vector<TitledTable> tables = to_tables(described);
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[1].title, "scales");
  EXPECT_THAT(tables[1].table.columns, ElementsAre("", "kl", "tokens"));
  EXPECT_THAT(tables[1].table.rows,
              ElementsAre(ElementsAre("0", "0.25", "-"), ElementsAre("1", "-", "4")));
}

}  // namespace
}  // namespace kvscope::cli
