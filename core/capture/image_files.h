#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/record/run_record.h"

namespace kvscope {

/// Keywords of the texts in a PNG that say whose image it is.
inline constexpr const char* capture_id_text = "kvscope capture_id";
inline constexpr const char* sample_text = "kvscope sample";

/// Folder of the PNGs of the file `path`, no other file's: base.h5 → base.images, any other name
/// with -images behind it. That of an unfinished file ends in .partial: base.h5.partial →
/// base.images.partial.
std::string image_folder(const std::string& path);

/// Name of the PNG of the sample with the index `sample` in the run: 000003.png.
std::string image_name(std::int64_t sample);

/// The PNG of that sample in the image folder of `path`.
std::string image_path(const std::string& path, std::int64_t sample);

/// Folders in which the PNGs of the file `path` may lie, the likeliest first: beside it, beside
/// what it links to, and under the name that an older version gave.
std::vector<std::string> image_folders(const std::string& path, SampleNumbering numbering);

}  // namespace kvscope
