#include "collectors/collector_list.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>

#include "tests/collectors/fake_generation.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

RunRecord capture_of(KvStore store) {
  RunRecord record = testing::tiny_record(2, 0);
  record.settings.store = store;
  return record;
}

/// Records that between them have every collector take part.
std::vector<RunRecord> all_kinds() {
  RunRecord run = capture_of(KvStore::none);
  run.kind = FileKind::run;
  run.settings.scorer.emplace();
  RunRecord on_device = run;
  on_device.settings.device = "cuda:0";
  return {capture_of(KvStore::raw), capture_of(KvStore::reduced), on_device, run};
}

// The list prints itself wherever a user chooses from it, and files carry the names.
TEST(CollectorList, EveryCollectorDescribesItself) {
  std::set<std::string_view> names;
  std::set<std::string_view> options;
  const auto expect_phrase = [](std::string_view text) {
    EXPECT_FALSE(text.empty());
    EXPECT_THAT(text, Not(HasSubstr("\n")));
    EXPECT_FALSE(text.ends_with("."));
  };
  for (const CollectorEntry& collector : all_collectors()) {
    EXPECT_TRUE(names.insert(collector.name).second) << collector.name;
    expect_phrase(collector.help);
    for (const CollectorOption& option : collector.options) {
      EXPECT_TRUE(options.insert(option.name).second) << option.name;
      EXPECT_FALSE(option.default_value.empty()) << option.name;
      expect_phrase(option.help);
    }
  }
}

TEST(CollectorList, EveryCollectorTakesPartInSomeRun) {
  for (const CollectorEntry& collector : all_collectors()) {
    const std::vector<RunRecord> kinds = all_kinds();
    EXPECT_TRUE(std::any_of(kinds.begin(), kinds.end(), collector.takes_part)) << collector.name;
  }
}

// Times compare only between files of equal collectors: what takes part hangs on the record alone.
TEST(CollectorList, TheRecordSaysWhoTakesPart) {
  EXPECT_THAT(collector_names(all_collectors(), capture_of(KvStore::raw)),
              ElementsAre("attention_mass", "ledger", "memory", "raw_kv", "timing"));
  EXPECT_THAT(collector_names(all_collectors(), capture_of(KvStore::reduced)),
              ElementsAre("attention_mass", "kv_statistics", "ledger", "memory", "timing"));
  EXPECT_THAT(collector_names(all_collectors(), all_kinds()[2]),
              ElementsAre("clocks", "ledger", "memory", "scores", "timing"));
  EXPECT_THAT(collector_names(all_collectors(), all_kinds().back()),
              ElementsAre("ledger", "memory", "scores", "timing"));
}

// A graph that is captured with a pass and replayed for it must not count the pass three times.
TEST(CollectorList, CollectorsWithoutHostDataGiveOnePassWhenItsWorkIsReplayed) {
  const RunRecord record = capture_of(KvStore::reduced);
  const RetentionPlan plan(record.budget);
  const auto batch_after = [&](int replays) {
    testing::FakeGenerator generator;
    generator.replays = replays;
    BatchRecord batch;
    for (const auto& collector :
         make_collectors(all_collectors(), {record, plan, at::kCPU, nullptr})) {
      if (collector->needs().host_data) continue;
      collector->start(generator);
      generator.set_observers({collector.get()});
      generator.generate({0, 0, 0, {3, 7}, 2});
      collector->flush(batch);
      collector->stop();
    }
    return batch;
  };
  const BatchRecord once = batch_after(0);
  const BatchRecord thrice = batch_after(2);
  EXPECT_EQ(thrice.statistics->mass_sum, once.statistics->mass_sum);
  EXPECT_EQ(thrice.ledger.resident_bytes, once.ledger.resident_bytes);
  EXPECT_EQ(thrice.ledger.logical_bytes, once.ledger.logical_bytes);
}

}  // namespace
}  // namespace kvscope
