#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/image/image.h"

namespace kvscope {

/// The PNGs beside a file. Until the file has its final name they lie in a folder of its own, so
/// that a run that breaks off leaves the images of the file it was to replace alone.
class ImageFolder {
 public:
  /// Throws Error when images are already beside `path` or beside its partial file and `force` is
  /// not set, and for the name of a partial file.
  static void check(const std::string& path, bool force);

  /// For the file `path`, whose images will carry its id. Removes what an earlier run left of its
  /// unfinished images, unless this one goes on with them.
  ImageFolder(std::string path, std::string capture_id, bool resume);

  /// Writes the PNG of the sample with the index `sample` in the run. Makes the folder. Throws
  /// Error.
  void write(std::int64_t sample, const Image& image) const;

  /// Gives the images of the finished file `path` their final name where a run was stopped while
  /// its file and its images took theirs: the new ones, or those that were not replaced after all.
  static void publish_left_behind(const std::string& path);

  /// Calls `finish_file`, which gives the file its final name, and the images theirs. Stopped at
  /// any moment, no file has the images of another one. When `finish_file` throws, the images of an
  /// earlier run are back. Throws Error.
  void publish(const std::function<void()>& finish_file) const;

 private:
  std::string path_;
  std::string capture_id_;
};

}  // namespace kvscope
