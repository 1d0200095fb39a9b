#pragma once

#include <cstdint>

#include "core/base/module.h"

namespace kvscope {

/// A place in a run: which module of which layer, at which scale of which pass.
struct Site {
  std::int64_t batch = 0;  ///< index of the batch in the run
  int repeat = 0;          ///< of the batch, 0 for the pass whose data is kept
  int scale = 0;           ///< 0 also before the first scale, the last one also for the decoder
  int layer = no_layer;
  Module module = Module::other;

  bool operator==(const Site&) const = default;
};

/// Follows the generating thread from site to site; calls come on that thread. A pass is
/// begin_batch, then a begin and an end for every stay at a site, then end_batch, or abandon_batch
/// when it broke off. Stays never nest or overlap, and a site can be stayed at more than once.
/// Batch, scale and layer change only between two stays, so that whoever wants ranges of scales or
/// layers derives them from the sites.
class SiteListener {
 public:
  virtual ~SiteListener() = default;

  /// Labels are known, no work of the pass is queued on the device yet.
  virtual void begin_batch(std::int64_t /*batch*/, int /*repeat*/) {}
  virtual void begin(const Site& site) = 0;
  /// The site that began last. Comes also while an exception passes.
  virtual void end(const Site& site) noexcept = 0;
  /// All work of the pass is queued; the device may still be at it.
  virtual void end_batch(std::int64_t /*batch*/, int /*repeat*/) {}
  /// In place of end_batch. Every stay that began has ended.
  virtual void abandon_batch(std::int64_t /*batch*/, int /*repeat*/) noexcept {}
};

}  // namespace kvscope
