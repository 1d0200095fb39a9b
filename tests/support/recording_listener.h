#pragma once

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/base/site.h"

namespace kvscope::testing {

/// Writes down what it hears, e.g. "A batch 3.0", "A> 3.0 s1 l0 ffn", "A< 3.0 s1 l0 ffn", "A done",
/// into a list that several may share.
class RecordingListener : public SiteListener {
 public:
  RecordingListener(std::string name, std::vector<std::string>& heard)
      : name_(std::move(name)), heard_(&heard) {}

  void begin_batch(std::int64_t batch, int repeat) override {
    heard_->push_back(fmt::format("{} batch {}.{}", name_, batch, repeat));
  }
  void begin(const Site& site) override { heard_->push_back(name_ + "> " + written(site)); }
  void end(const Site& site) noexcept override { heard_->push_back(name_ + "< " + written(site)); }
  void end_batch(std::int64_t /*batch*/, int /*repeat*/) override {
    heard_->push_back(name_ + " done");
  }
  void abandon_batch(std::int64_t /*batch*/, int /*repeat*/) noexcept override {
    heard_->push_back(name_ + " abandoned");
  }

  /// "batch.repeat sSCALE lLAYER module", without the layer where there is none.
  static std::string written(const Site& site) {
    const std::string layer = site.layer == no_layer ? "" : fmt::format(" l{}", site.layer);
    return fmt::format("{}.{} s{}{} {}", site.batch, site.repeat, site.scale, layer,
                       name_of(site.module));
  }

 private:
  std::string name_;
  std::vector<std::string>* heard_;
};

}  // namespace kvscope::testing
