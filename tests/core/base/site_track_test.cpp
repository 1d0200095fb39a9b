#include "core/base/site_track.h"

#include <stdexcept>

#include <gmock/gmock.h>

#include "tests/support/recording_listener.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using testing::RecordingListener;

class Sites : public ::testing::Test {
 protected:
  std::vector<std::string> heard_;
  RecordingListener outer_{"A", heard_};
  RecordingListener inner_{"B", heard_};
  SiteTrack track_;
};

// Ranges of one tool would cut through those of another, and the timer would time its neighbours.
TEST_F(Sites, EndsAreHeardInTheReverseOrder) {
  track_.set_listeners({&outer_, &inner_});
  track_.begin_batch(3, 1);
  track_.set_scale(2);
  { const ModuleScope scope(&track_, Module::ffn, 7); }
  track_.end_batch();
  EXPECT_THAT(heard_,
              ElementsAre("A batch 3.1", "B batch 3.1", "A> 3.1 s2 l7 ffn", "B> 3.1 s2 l7 ffn",
                          "B< 3.1 s2 l7 ffn", "A< 3.1 s2 l7 ffn", "B done", "A done"));
}

TEST_F(Sites, ABatchBeginsAtItsFirstScale) {
  track_.set_listeners({&outer_});
  track_.begin_batch(0, 0);
  track_.set_scale(4);
  track_.end_batch();
  track_.begin_batch(0, 1);
  { const ModuleScope scope(&track_, Module::adaln); }
  EXPECT_EQ(heard_.back(), "A< 0.1 s0 adaln");
}

// A range that stays open would swallow the rest of the run.
TEST_F(Sites, AModuleThatThrowsEndsBeforeItsBatchIsAbandoned) {
  track_.set_listeners({&outer_});
  track_.begin_batch(0, 0);
  const auto fail = [&] {
    const ModuleScope scope(&track_, Module::head);
    throw std::runtime_error("no");
  };
  EXPECT_THROW(fail(), std::runtime_error);
  track_.abandon_batch();
  EXPECT_THAT(heard_,
              ElementsAre("A batch 0.0", "A> 0.0 s0 head", "A< 0.0 s0 head", "A abandoned"));
  track_.abandon_batch();
  EXPECT_EQ(heard_.size(), 4U) << "outside a batch nothing is abandoned";
}

/// Throws where it is told to.
struct Failing : SiteListener {
  void begin(const Site& /*site*/) override {
    if (in_module) throw std::runtime_error("no");
  }
  void end(const Site& /*site*/) noexcept override { ++ends; }
  void end_batch(std::int64_t /*batch*/, int /*repeat*/) override {
    throw std::runtime_error("no");
  }
  void abandon_batch(std::int64_t /*batch*/, int /*repeat*/) noexcept override { ++abandoned; }

  bool in_module = true;
  int ends = 0;
  int abandoned = 0;
};

TEST_F(Sites, AListenerThatFailsLeavesTheOthersBalanced) {
  Failing failing;
  track_.set_listeners({&outer_, &failing, &inner_});
  track_.begin_batch(0, 0);
  EXPECT_THROW(ModuleScope(&track_, Module::head), std::runtime_error);
  EXPECT_THAT(heard_,
              ElementsAre("A batch 0.0", "B batch 0.0", "A> 0.0 s0 head", "A< 0.0 s0 head"));
  EXPECT_EQ(failing.ends, 0) << "it never began";
}

TEST_F(Sites, ABatchEndsOrIsAbandonedForEveryListenerButNeverBoth) {
  Failing failing;
  track_.set_listeners({&outer_, &failing, &inner_});
  track_.begin_batch(0, 0);
  heard_.clear();
  EXPECT_THROW(track_.end_batch(), std::runtime_error);
  track_.abandon_batch();
  EXPECT_THAT(heard_, ElementsAre("B done", "A abandoned"));
  EXPECT_EQ(failing.abandoned, 1);
}

/// What a tool of nested ranges makes of the sites: run, scale, layer and module, each inside the
/// one before.
class NestedRanges : public SiteListener {
 public:
  void begin_batch(std::int64_t batch, int /*repeat*/) override {
    push(fmt::format("batch {}", batch));
  }
  void begin(const Site& site) override {
    const std::string scale = fmt::format("scale {}", site.scale);
    const std::string layer = fmt::format("layer {}", site.layer);
    if (open_.size() > 1 && open_[1] != scale) pop_to(1);
    if (open_.size() > 2 && open_[2] != layer) pop_to(2);
    if (open_.size() == 1) push(scale);
    if (open_.size() == 2 && site.layer != no_layer) push(layer);
    push(std::string(name_of(site.module)));
  }
  void end(const Site& /*site*/) noexcept override { pop_to(open_.size() - 1); }
  void end_batch(std::int64_t /*batch*/, int /*repeat*/) override { pop_to(0); }
  void abandon_batch(std::int64_t /*batch*/, int /*repeat*/) noexcept override { pop_to(0); }

  std::string written;

 private:
  void push(const std::string& name) {
    written += name + "(";
    open_.push_back(name);
  }
  void pop_to(std::size_t depth) {
    for (; open_.size() > depth; open_.pop_back()) written += ")";
  }

  std::vector<std::string> open_;
};

// Site changes must be enough for tools that show ranges of scales and layers.
TEST_F(Sites, GiveNestedRanges) {
  NestedRanges ranges;
  track_.set_listeners({&ranges});
  track_.begin_batch(5, 0);
  { const ModuleScope scope(&track_, Module::adaln); }
  for (int scale = 0; scale < 2; ++scale) {
    track_.set_scale(scale);
    for (int layer = 0; layer < 2; ++layer) {
      {
        const ModuleScope scope(&track_, Module::qkv, layer);
      }
      { const ModuleScope scope(&track_, Module::ffn, layer); }
    }
    { const ModuleScope scope(&track_, Module::head); }
  }
  track_.end_batch();
  EXPECT_EQ(ranges.written,
            "batch 5(scale 0(adaln()layer 0(qkv()ffn())layer 1(qkv()ffn())head())"
            "scale 1(layer 0(qkv()ffn())layer 1(qkv()ffn())head()))");
}

}  // namespace
}  // namespace kvscope
