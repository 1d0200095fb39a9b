// What a user would lose: a trace of the device that lies beside the host's work, not hours off.

#include "collectors/timing/clock_collector.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "collectors/session.h"
#include "core/capture/capture_reader.h"
#include "core/generate/eager_generator.h"
#include "tests/collectors/fake_generation.h"
#include "tests/core/generate/golden.h"
#include "tests/support/example_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A host and a device whose clock runs 20 ppm too fast. To know of an event takes 10 µs, unless
/// something else has the processor, and the device passes it early on.
class MadeUpClocks {
 public:
  std::int64_t host_ns() { return std::exchange(now_, now_ + 20); }
  void pass_time(std::int64_t ns) { now_ += ns; }

  std::unique_ptr<EventPair> events(std::vector<std::string>& log) {
    return std::make_unique<Events>(*this, log);
  }

  /// What brings a time of the device, 0 at its first event, to the host's at `host_ns`.
  std::int64_t offset_at(std::int64_t host_ns) const {
    return host_ns - std::llround(1.00002 * static_cast<double>(host_ns - first_event_ns_));
  }

 private:
  class Events final : public EventPair {
   public:
    Events(MadeUpClocks& clocks, std::vector<std::string>& log) : clocks_(&clocks), log_(&log) {}

    void record(std::size_t event) override {
      clocks_->pass_time(3'000);
      passed_ns_[event] = clocks_->now_;
      if (records_ == 0) clocks_->first_event_ns_ = clocks_->now_;
      clocks_->pass_time(records_++ % 3 == 0 ? 400'000 : 7'000);
      log_->emplace_back("event");
    }
    double elapsed_ms(std::size_t from, std::size_t to) override {
      const auto ns = static_cast<double>(passed_ns_[to] - passed_ns_[from]);
      return static_cast<float>(1e-6 * 1.00002 * ns);  // as CUDA gives it
    }

   private:
    MadeUpClocks* clocks_;
    std::vector<std::string>* log_;
    std::array<std::int64_t, 2> passed_ns_ = {};
    int records_ = 0;
  };

  std::int64_t now_ = 77'000'000'000;
  std::int64_t first_event_ns_ = 0;
};

class Clocks : public ::testing::Test {
 protected:
  Clocks() { collector_.start(testing::FakeGenerator()); }

  /// The clock of a batch of about a second.
  BatchClock after_batch() {
    BatchRecord record;
    collector_.on_batch_begin({});
    clocks_.pass_time(999'000'000);
    collector_.on_batch_end({}, {});
    collector_.flush(record);
    return record.clocks.at(0);
  }

  MadeUpClocks clocks_;
  std::vector<std::string> log_;
  ClockCollector collector_{clocks_.events(log_), [this] { return clocks_.host_ns(); }};
};

TEST_F(Clocks, AreBroughtTogetherFromTheStartOfTheCollector) {
  const BatchClock clock = after_batch();
  EXPECT_GE(clock.end.host_ns - clock.begin.host_ns, 999'000'000);
  for (const ClockOffset& edge : {clock.begin, clock.end}) {
    EXPECT_LE(edge.residual_ns, 5'020) << "a reading that was interrupted was taken";
    EXPECT_LE(std::abs(edge.offset_ns - clocks_.offset_at(edge.host_ns)), edge.residual_ns);
  }
}

// A float holds an hour of milliseconds to a quarter of one: kernels would jump within a batch.
TEST_F(Clocks, KeepTheirResidualAfterAnHour) {
  for (int batch = 0; batch < 3600; ++batch) {
    const BatchClock clock = after_batch();
    const std::int64_t found = clock.end.offset_ns - clock.begin.offset_ns;
    const std::int64_t drift =
        clocks_.offset_at(clock.end.host_ns) - clocks_.offset_at(clock.begin.host_ns);
    // 31 ns: what a float of a second, in milliseconds, is wrong by. 8 ns: readings are whole ns.
    ASSERT_LE(std::abs(found - drift), clock.begin.residual_ns + clock.end.residual_ns + 31 + 8)
        << batch;
  }
}

/// Writes down when the passes begin and end that the listeners inside of it follow.
class PassLog final : public Collector, public SiteListener {
 public:
  explicit PassLog(std::vector<std::string>& log) : log_(&log) {}

  SiteListener* listener() override { return this; }
  void begin_batch(std::int64_t /*batch*/, int /*repeat*/) override { log_->emplace_back("begin"); }
  void end_batch(std::int64_t /*batch*/, int /*repeat*/) override { log_->emplace_back("end"); }
  void begin(const Site& /*site*/) override {}
  void end(const Site& /*site*/) noexcept override {}
  void flush(BatchRecord& /*record*/) override {}

 private:
  std::vector<std::string>* log_;
};

class ClocksInASession : public ::testing::Test {
 protected:
  CollectorEntry entry(std::string_view name, std::function<std::unique_ptr<Collector>()> make) {
    return {.name = name,
            .help = "Stands in",
            .takes_part = [](const RunRecord&) { return true; },
            .make = [make = std::move(make)](const CollectorSetup&) { return make(); }};
  }

  /// The collectors of a device's run with made-up clocks, around the timer a log of passes.
  CollectorList with_clocks() {
    CollectorList list = {entry("clocks",
                                [this] {
                                  return std::make_unique<ClockCollector>(
                                      clocks_.events(log_), [this] { return clocks_.host_ns(); });
                                }),
                          entry("log", [this] { return std::make_unique<PassLog>(log_); })};
    list.front().lay_out = clock_collector().lay_out;
    for (const CollectorEntry& other : all_collectors()) {
      if (other.name != "clocks") list.push_back(other);
    }
    return list;
  }

  CaptureReader capture(const std::string& name, const CollectorList& list) {
    RunRecord record = testing::tiny_record(2, 0);
    record.model = golden_.model.config;
    record.budget = golden_.vanilla();
    record.settings.store = KvStore::reduced;
    record.settings.repeat = 2;
    EagerGenerator generator(golden_.model, {at::kCPU, at::kFloat, golden_.sampling()},
                             record.budget);
    CaptureSession session(folder_ / name, record, at::kCPU, false, nullptr, list);
    session.attach(generator);
    session.run_batch(golden_.request());
    session.finish();
    return CaptureReader(folder_ / name);
  }

  testing::TempDir folder_;
  testing::Golden golden_{testing::golden_root() + "/var_parity"};
  MadeUpClocks clocks_;
  std::vector<std::string> log_;
};

TEST_F(ClocksInASession, AreReadAroundTheObservedPassAndOutsideItsTimer) {
  (void)capture("a.h5", with_clocks());
  std::vector<std::string> expected(1, "event");  // the device's zero
  const auto edge = [&] { expected.insert(expected.end(), 8, "event"); };
  edge();
  expected.insert(expected.end(), {"begin", "end"});
  edge();
  expected.insert(expected.end(), {"begin", "end"});  // the repeat
  EXPECT_EQ(log_, expected);
}

TEST_F(ClocksInASession, AreInTheFileAndLeaveTheTokensAlone) {
  const CaptureReader with = capture("with.h5", with_clocks());
  EXPECT_THAT(with.layout().clocks, ElementsAre("device_events"));
  const BatchClock clock = with.batch(0).clocks.at(0);
  EXPECT_GT(clock.begin.residual_ns, 0);
  EXPECT_GT(clock.end.host_ns, clock.begin.host_ns);
  const CaptureReader without = capture("without.h5", all_collectors());
  EXPECT_THAT(without.layout().clocks, IsEmpty()) << "a CPU has one clock";
  EXPECT_EQ(with.batch(0).token_ids, without.batch(0).token_ids);
  EXPECT_EQ(with.statistics()->mass, without.statistics()->mass);
}

}  // namespace
}  // namespace kvscope
