#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <hdf5.h>

/// Changes a finished file behind kvscope's back: damage, or what another version would have
/// written.
namespace kvscope::testing {

/// Opens `path`, lets `change` at it and closes it. Throws std::runtime_error when it cannot.
void edit_file(const std::string& path, const std::function<void(hid_t)>& change);

/// Sets an attribute of a file's root or of a dataset, new or not.
void set_text(hid_t object, const char* name, const std::string& text);
void set_integer(hid_t object, const char* name, std::int64_t value);
std::string text_of(hid_t object, const char* name);

/// Puts an empty dataset in the place of one, or where none was.
void replace_dataset(hid_t file, const char* path, hid_t type, std::vector<hsize_t> shape);

/// Puts `names`, filled up with zeros, in the place of the names of a dimension.
void replace_names(hid_t file, const char* path, const std::vector<std::string>& names);

}  // namespace kvscope::testing
