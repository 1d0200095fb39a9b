#include "core/base/site_track.h"

namespace kvscope {

void SiteTrack::begin_batch(std::int64_t batch, int repeat) {
  site_ = {.batch = batch, .repeat = repeat};
  for (in_batch_ = 0; in_batch_ < listeners_.size(); ++in_batch_) {
    listeners_[in_batch_]->begin_batch(batch, repeat);
  }
}

void SiteTrack::end_batch() {
  for (; in_batch_ > 0; --in_batch_) {
    listeners_[in_batch_ - 1]->end_batch(site_.batch, site_.repeat);
  }
}

void SiteTrack::abandon_batch() noexcept {
  for (; in_batch_ > 0; --in_batch_) {
    listeners_[in_batch_ - 1]->abandon_batch(site_.batch, site_.repeat);
  }
}

void SiteTrack::enter(Module module, int layer) {
  site_.module = module;
  site_.layer = layer;
  std::size_t told = 0;
  try {
    for (; told < listeners_.size(); ++told) listeners_[told]->begin(site_);
  } catch (...) {
    leave(told);
    throw;
  }
}

void SiteTrack::leave(std::size_t listeners) noexcept {
  for (; listeners > 0; --listeners) listeners_[listeners - 1]->end(site_);
}

}  // namespace kvscope
