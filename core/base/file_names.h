#pragma once

#include <string>
#include <vector>

namespace kvscope {

/// Every name of a file on the way through symbolic links: `path` itself, then what each link names
/// in turn. The last one is no link. What lies beside a file may lie beside any of these names.
std::vector<std::string> names_through_links(const std::string& path);

/// The file that lies beside `path` and is called `name_beside(path)`, such as `path` +
/// ".scores.json". It is looked for beside each of names_through_links, and the first one that is
/// there is taken. Empty when there is none.
std::string file_beside(const std::string& path, std::string (*name_beside)(const std::string&));

}  // namespace kvscope
