#include "core/capture/image_files.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

#include "core/base/file_names.h"
#include "core/base/output_file.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;

const std::string partial_suffix = partial_path("");
constexpr std::string_view usual_suffix = ".h5";

/// The folder that `name_of` calls, beside the file `path`, or beside its unfinished file.
template <typename NameOf>
std::string folder_beside(const std::string& path, NameOf name_of) {
  const bool partial = path.ends_with(partial_suffix);
  const fs::path file(partial ? path.substr(0, path.size() - partial_suffix.size()) : path);
  const std::string folder = name_of(file.filename()) + (partial ? partial_suffix : "");
  return (file.parent_path() / folder).string();
}

// The second form never ends as the first one does: no two names share a folder.
std::string folder_name(const fs::path& name) {
  if (name.extension() == usual_suffix) return name.stem().string() + ".images";
  return name.string() + "-images";
}

std::string older_folder_name(const fs::path& name) { return name.stem().string() + ".images"; }

}  // namespace

std::string image_folder(const std::string& path) { return folder_beside(path, folder_name); }

std::string image_name(std::int64_t sample) { return fmt::format("{:06}.png", sample); }

std::string image_path(const std::string& path, std::int64_t sample) {
  return (fs::path(image_folder(path)) / image_name(sample)).string();
}

std::vector<std::string> image_folders(const std::string& path, SampleNumbering numbering) {
  std::vector<std::string> folders;
  const auto add = [&](std::string folder) {
    if (std::find(folders.begin(), folders.end(), folder) == folders.end()) {
      folders.push_back(std::move(folder));
    }
  };
  const std::vector<std::string> names = names_through_links(path);
  for (const std::string& name : names) add(image_folder(name));
  if (numbering == SampleNumbering::run) return folders;
  for (const std::string& name : names) add(folder_beside(name, older_folder_name));
  return folders;
}

}  // namespace kvscope
