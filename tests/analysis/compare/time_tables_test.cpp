// What a user would lose: times that stand under their file's name, and no ratio where there is
// none.

#include "analysis/compare/time_tables.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "core/base/module.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Four measurements that lie 1 µs to each side of `us`.
Spread around(double us) { return {1e3 * us, 1e3 * (us - 1), 1e3 * (us + 1), 4}; }

ModuleTime module_of(std::string name, double us) {
  return {.name = std::move(name),
          .ns = around(us),
          .by_scale_ns = {around(us / 4), around(3 * us / 4)},
          .by_layer_ns = {}};
}

ComparedFile file_with(std::string name, double ffn_us, double attention_us) {
  ComparedFile file;
  file.name = std::move(name);
  file.time.value =
      TimeFigures{.modules = {module_of("ffn", ffn_us), module_of("attention_core", attention_us),
                              module_of(std::string(self_attention), attention_us)},
                  .control_ns = around(ffn_us),
                  .image_ns = around(ffn_us + attention_us)};
  file.time.value->modules[1].by_layer_ns = {around(attention_us)};
  return file;
}

class TimeTables : public ::testing::Test {
 protected:
  TimeTables() {
    comparison_.files = {file_with("vanilla.h5", 100, 40), file_with("ams.h5", 100.5, 20)};
  }

  static std::vector<std::vector<std::string>> rows_of(const TitledTable& table) {
    return table.table.rows;
  }

  Comparison comparison_;
  FigureWriter write_{Numbers::exact};
};

TEST_F(TimeTables, PutSelfAttentionAndTheSumsBehindTheModules) {
  comparison_.files[1].time.value->modules.push_back(module_of("head", 5));
  EXPECT_THAT(timed_modules(comparison_),
              ElementsAre("ffn", "attention_core", "head", self_attention));
  const auto rows = rows_of(module_time_table(comparison_, write_));
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_THAT(rows[0], ElementsAre("ffn", "100000", "2000", "100500", "2000", "1.005", "not seen"));
  EXPECT_THAT(rows[1],
              ElementsAre("attention_core", "40000", "2000", "20000", "2000", "0.5", "seen"));
  EXPECT_THAT(rows[2], ElementsAre("head", "", "", "5000", "2000", "", "")) << "only one timed it";
  EXPECT_EQ(rows[4][0], "controls");
  EXPECT_EQ(rows[5][0], "end to end");
}

TEST_F(TimeTables, GiveNoRatioOfTimesThatCannotBeCompared) {
  comparison_.files[1].latency_reason = "different batches: 2 and 4";
  for (const auto& row : rows_of(module_time_table(comparison_, write_))) {
    EXPECT_NE(row[3], "") << "the times are there";
    EXPECT_THAT(row[5] + row[6], IsEmpty()) << row[0];
  }
}

TEST_F(TimeTables, HaveARowForEachPlaceThatWasTimed) {
  const TitledTable scales = scale_time_table(comparison_, "attention_core", write_);
  EXPECT_THAT(scales.title, HasSubstr("attention_core by scale"));
  ASSERT_EQ(rows_of(scales).size(), 2U);
  EXPECT_THAT(rows_of(scales)[1],
              ElementsAre("1", "30000", "2000", "15000", "2000", "0.5", "seen"));
  EXPECT_EQ(rows_of(layer_time_table(comparison_, "attention_core", write_)).size(), 1U);
  EXPECT_THAT(rows_of(layer_time_table(comparison_, "ffn", write_)), IsEmpty()) << "of no layer";
  for (ComparedFile& file : comparison_.files) file.time.value.reset();
  EXPECT_THAT(rows_of(module_time_table(comparison_, write_)), IsEmpty());
}

}  // namespace
}  // namespace kvscope
