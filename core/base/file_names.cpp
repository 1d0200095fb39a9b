#include "core/base/file_names.h"

#include <filesystem>
#include <system_error>

namespace kvscope {
namespace {

namespace fs = std::filesystem;

// What Linux follows before it speaks of a loop.
constexpr std::size_t most_links = 40;

}  // namespace

std::vector<std::string> names_through_links(const std::string& path) {
  std::vector<std::string> names = {path};
  std::error_code ignored;
  while (names.size() <= most_links && fs::is_symlink(names.back(), ignored)) {
    const fs::path link(names.back());
    const fs::path target = fs::read_symlink(link, ignored);
    if (target.empty()) break;
    // An absolute target replaces the link's folder. `..` stays: behind a folder that is a link it
    // is not the folder before it.
    names.push_back((link.parent_path() / target).string());
  }
  return names;
}

std::string file_beside(const std::string& path, std::string (*name_beside)(const std::string&)) {
  for (const std::string& name : names_through_links(path)) {
    std::error_code ignored;
    std::string beside = name_beside(name);
    if (fs::exists(beside, ignored)) return beside;
  }
  return "";
}

}  // namespace kvscope
