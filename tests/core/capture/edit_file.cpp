#include "tests/core/capture/edit_file.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace kvscope::testing {
namespace {

void set_attribute(hid_t object, const char* name, hid_t type, const void* value) {
  if (H5Aexists(object, name) > 0) H5Adelete(object, name);
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, value);
  H5Aclose(attribute);
  H5Sclose(space);
}

hid_t text_type(std::size_t bytes) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, std::max<std::size_t>(bytes, 1));
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  return type;
}

}  // namespace

void edit_file(const std::string& path, const std::function<void(hid_t)>& change) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  if (file < 0) throw std::runtime_error("cannot open " + path);
  change(file);
  H5Fclose(file);
}

void set_text(hid_t object, const char* name, const std::string& text) {
  const hid_t type = text_type(text.size());
  set_attribute(object, name, type, text.c_str());
  H5Tclose(type);
}

std::string text_of(hid_t object, const char* name) {
  const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  const hid_t type = H5Aget_type(attribute);
  std::string text(H5Tget_size(type), '\0');
  H5Aread(attribute, type, text.data());
  H5Tclose(type);
  H5Aclose(attribute);
  return text.substr(0, text.find('\0'));
}

void set_integer(hid_t object, const char* name, std::int64_t value) {
  set_attribute(object, name, H5T_NATIVE_INT64, &value);
}

void replace_dataset(hid_t file, const char* path, hid_t type, std::vector<hsize_t> shape) {
  if (H5Lexists(file, path, H5P_DEFAULT) > 0) H5Ldelete(file, path, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  H5Dclose(H5Dcreate2(file, path, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
}

void replace_names(hid_t file, const char* path, const std::vector<std::string>& names) {
  std::size_t longest = 0;
  for (const std::string& name : names) longest = std::max(longest, name.size());
  std::string packed(longest * names.size(), '\0');
  for (std::size_t i = 0; i < names.size(); ++i) names[i].copy(&packed[i * longest], longest);
  const hid_t type = text_type(longest);
  replace_dataset(file, path, type, {names.size()});
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data());
  H5Dclose(dataset);
  H5Tclose(type);
}

}  // namespace kvscope::testing
