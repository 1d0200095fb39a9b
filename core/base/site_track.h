#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/base/site.h"

namespace kvscope {

/// Where a generator is, and who hears of it. Listeners hear beginnings in their order and ends in
/// the reverse one: the last one is the innermost, and what the others do is outside its times.
class SiteTrack {
 public:
  /// Not owned. Between batches only.
  void set_listeners(std::vector<SiteListener*> listeners) { listeners_ = std::move(listeners); }
  bool is_followed() const { return !listeners_.empty(); }

  void begin_batch(std::int64_t batch, int repeat);
  void set_scale(int scale) { site_.scale = scale; }
  /// A listener that throws here, and those before it, hear of an abandoned batch next.
  void end_batch();
  /// Does nothing outside a batch.
  void abandon_batch() noexcept;

 private:
  friend class ModuleScope;
  void enter(Module module, int layer);
  void leave(std::size_t listeners) noexcept;

  std::vector<SiteListener*> listeners_;
  std::size_t in_batch_ = 0;  // so many listeners, the first ones, wait for the end of a batch
  Site site_;
};

/// Marks a module for the length of a block. Without a track it costs one branch.
class ModuleScope {
 public:
  explicit ModuleScope(SiteTrack* track, Module module, int layer = no_layer) : track_(track) {
    if (track_ != nullptr) track_->enter(module, layer);
  }
  ~ModuleScope() {
    if (track_ != nullptr) track_->leave(track_->listeners_.size());
  }
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;

 private:
  SiteTrack* track_;
};

}  // namespace kvscope
