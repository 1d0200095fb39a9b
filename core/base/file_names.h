#pragma once

#include <string>
#include <vector>

namespace kvscope {

/// Every name of a file on the way through symbolic links: `path` itself, then what each link names
/// in turn, the last one no link. What lies beside a file may lie beside any of them.
std::vector<std::string> names_through_links(const std::string& path);

/// What lies beside a file, called as `name_beside` says (`path` + ".scores.json"): the first that
/// is there beside any of names_through_links. Empty when there is none.
std::string file_beside(const std::string& path, std::string (*name_beside)(const std::string&));

}  // namespace kvscope
