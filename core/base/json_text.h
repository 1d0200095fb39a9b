#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace kvscope {

/// JSON as text: in one line, or with `indent` spaces a level. Every text of ours, on standard
/// output and in files, is made here. A file name need not be UTF-8, but JSON must be: bytes that
/// are not become U+FFFD.
std::string json_text(const nlohmann::json& json, int indent = -1);

}  // namespace kvscope
