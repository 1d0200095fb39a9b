#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace kvscope {

/// The PNGs beside a file. Until the file has its final name they lie in X.images.partial, so that
/// a run that breaks off leaves the images of the file it was to replace alone.
class ImageFolder {
 public:
  /// Throws Error when images are already beside `path` or beside its partial file and `force` is
  /// not set.
  static void check(const std::string& path, bool force);

  /// For the file `path`. Removes what an earlier run left of its unfinished images.
  explicit ImageFolder(std::string path);

  /// Where the PNG of a sample goes. Makes the folder. Throws Error.
  std::string unfinished_image(std::int64_t sample) const;

  /// Calls `finish_file`, which gives the file its final name, and the images theirs. Stopped at
  /// any moment, no file has the images of another one. When `finish_file` throws, the images of an
  /// earlier run are back. Throws Error.
  void publish(const std::function<void()>& finish_file) const;

 private:
  std::string path_;
};

}  // namespace kvscope
