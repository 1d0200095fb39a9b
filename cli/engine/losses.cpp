#include "cli/engine/losses.h"

#include "core/base/log.h"
#include "core/capture/capture_reader.h"

namespace kvscope::cli {

bool warn_of_losses(const std::string& path) {
  const QualityCounts quality = CaptureReader(path).quality();
  for (std::size_t i = 0; i < quality_counter_count; ++i) {
    const auto counter = static_cast<QualityCounter>(i);
    if (quality[counter] != 0) {
      log().warn("{}: {} {}: {}", path, quality[counter], name_of(counter), advice_of(counter));
    }
  }
  return quality.any();
}

}  // namespace kvscope::cli
