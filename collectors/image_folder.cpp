#include "collectors/image_folder.h"

#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/capture/capture_reader.h"
#include "core/capture/image_files.h"
#include "core/image/png.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;

fs::path final_folder(const std::string& path) { return image_folder(path); }

fs::path unfinished_folder(const std::string& path) { return image_folder(partial_path(path)); }

// The images that a run replaces, while its file takes its final name.
fs::path replaced_folder(const std::string& path) {
  fs::path folder = final_folder(path);
  folder += ".replaced";
  return folder;
}

void require(const std::error_code& failure, const fs::path& folder, std::string_view expected) {
  if (!failure) return;
  throw Error(fmt::format("[capture] {}: expected {}, got '{}'", folder.string(), expected,
                          failure.message()));
}

void remove_images(const fs::path& folder) {
  std::error_code failure;
  fs::remove_all(folder, failure);
  require(failure, folder, "old images that can be removed");
}

void rename_images(const fs::path& from, const fs::path& to) {
  std::error_code failure;
  fs::rename(from, to, failure);
  require(failure, from, fmt::format("to become {}", to.string()));
}

// Images say whose they are, but for those of older versions.
bool holds_images_of(const fs::path& folder, const std::string& path) {
  std::error_code ignored;
  const fs::directory_iterator first(folder, ignored);
  if (first == fs::directory_iterator()) return false;
  try {
    const PngTexts texts = read_png_texts(first->path().string());
    const auto id = texts.find(capture_id_text);
    return id == texts.end() || id->second == CaptureReader(path).record().capture_id;
  } catch (const BadInput&) {
    return false;
  }
}

}  // namespace

void ImageFolder::check(const std::string& path, bool force) {
  // Its images would be those of the unfinished file of another one.
  if (const std::string suffix = partial_path(""); path.ends_with(suffix)) {
    throw Error(
        fmt::format("[capture] {}: expected a name without {} at its end, got one", path, suffix));
  }
  if (force) return;
  for (const fs::path& folder : {final_folder(path), unfinished_folder(path)}) {
    std::error_code ignored;
    if (!fs::exists(folder, ignored)) continue;
    throw Error(
        fmt::format("[capture] {}: expected no images there, got some (--force replaces them)",
                    folder.string()));
  }
}

ImageFolder::ImageFolder(std::string path, std::string capture_id, bool resume)
    : path_(std::move(path)), capture_id_(std::move(capture_id)) {
  if (!resume) remove_images(unfinished_folder(path_));
}

void ImageFolder::write(std::int64_t sample, const Image& image) const {
  const fs::path folder = unfinished_folder(path_);
  std::error_code failure;
  fs::create_directories(folder, failure);
  require(failure, folder, "a folder for images");
  write_png(image_path(partial_path(path_), sample), image,
            {{capture_id_text, capture_id_}, {sample_text, std::to_string(sample)}});
}

void ImageFolder::publish_left_behind(const std::string& path) {
  std::error_code ignored;
  const fs::path images = final_folder(path);
  if (!fs::exists(path, ignored) || fs::exists(images, ignored)) return;
  // While its partial file is there, `path` is the file that was to be replaced.
  const bool is_new = !fs::exists(partial_path(path), ignored);
  if (is_new && holds_images_of(unfinished_folder(path), path)) {
    rename_images(unfinished_folder(path), images);
    remove_images(replaced_folder(path));
  } else if (holds_images_of(replaced_folder(path), path)) {
    rename_images(replaced_folder(path), images);
  }
}

void ImageFolder::publish(const std::function<void()>& finish_file) const {
  const fs::path images = final_folder(path_);
  const fs::path replaced = replaced_folder(path_);
  remove_images(replaced);
  // The file changes its name while no images are there: neither the old nor the new file can be
  // seen with those of the other.
  std::error_code ignored;
  const bool replaces = fs::exists(images, ignored);
  if (replaces) rename_images(images, replaced);
  try {
    finish_file();
  } catch (...) {
    if (replaces) fs::rename(replaced, images, ignored);
    throw;
  }
  rename_images(unfinished_folder(path_), images);
  remove_images(replaced);
}

}  // namespace kvscope
