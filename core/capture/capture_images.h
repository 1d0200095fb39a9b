#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/capture/capture_reader.h"
#include "core/image/image.h"

namespace kvscope {

/// Committed samples of a file whose PNG cannot be used.
struct MissingImages {
  std::int64_t absent = 0;   ///< there is none
  std::int64_t foreign = 0;  ///< it says that it is of another capture or sample
  std::string why;           ///< of the first of them

  bool any() const { return absent > 0 || foreign > 0; }
};

/// The PNGs of a file's committed samples, which are told by their position in the file. A PNG that
/// says whose it is must be of this capture and sample; those of older versions say nothing.
class CaptureImages {
 public:
  explicit CaptureImages(const CaptureReader& file);
  /// The same of a file of which these were read: `samples` as CaptureReader::samples() gives them.
  CaptureImages(const std::string& path, const RunRecord& record,
                std::vector<std::int64_t> samples);

  /// Throws BadInput: no such PNG, with the places where it was looked for; one of another capture
  /// or sample; no whole PNG (see read_png).
  Image read(std::int64_t position) const;

  /// Where that PNG is. Throws BadInput as read() does, but does not look at the pixels.
  std::string path(std::int64_t position) const;

  /// Looks for the PNGs of all committed samples, without reading their pixels. `on_image` hears of
  /// every sample, as thousands take seconds.
  MissingImages missing(const std::function<void()>& on_image = {}) const;

 private:
  struct Found {
    std::string path;      // empty: no PNG of that name
    std::string unfit_as;  // what it says it is, when that does not fit
  };
  Found find(std::int64_t position) const;
  BadInput refusal(const Found& found, std::int64_t position) const;

  std::string capture_id_;
  std::vector<std::string> folders_;
  std::vector<std::int64_t> samples_;  // indices in the run
  bool named_by_position_;
};

}  // namespace kvscope
