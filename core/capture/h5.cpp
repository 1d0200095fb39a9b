#include "core/capture/h5.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "core/base/input_file.h"
#include "core/base/output_file.h"

namespace kvscope::h5 {
namespace {

struct Reason {
  std::string text;
  int system_error = 0;
};

// HDF5 walks from the innermost frame; the system's errno stands in the text of a file driver.
herr_t collect(unsigned /*depth*/, const H5E_error2_t* frame, void* out) {
  auto& reason = *static_cast<Reason*>(out);
  const std::string_view text = frame->desc == nullptr ? "" : frame->desc;
  if (reason.text.empty()) reason.text = text;
  constexpr std::string_view marker = "errno = ";
  const std::size_t found = text.find(marker);
  if (reason.system_error == 0 && found != std::string_view::npos) {
    reason.system_error = std::atoi(std::string(text.substr(found + marker.size())).c_str());
  }
  return 0;
}

std::string words_of(const Reason& reason) {
  switch (reason.system_error) {
    case 0:
      return reason.text.empty() ? "a failure without a reason" : reason.text;
    case ENOSPC:
      return "a full disk";
    case EDQUOT:
      return "an exhausted disk quota";
    case EFBIG:
      return "the file size limit of the process or the file system";
    default:
      return std::strerror(reason.system_error);
  }
}

Space slab_space(const Calls& calls, hid_t dataset, std::int64_t first, std::int64_t count,
                 std::int64_t second, std::vector<hsize_t>& extent, std::string_view doing) {
  silence_errors();
  Space space(calls(H5Dget_space(dataset), doing));
  const int rank = calls(H5Sget_simple_extent_ndims(space.get()), doing);
  extent.resize(static_cast<std::size_t>(rank));
  calls(H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr), doing);
  std::vector<hsize_t> start(extent.size(), 0);
  start.at(0) = static_cast<hsize_t>(first);
  extent.at(0) = static_cast<hsize_t>(count);
  if (second >= 0) {
    start.at(1) = static_cast<hsize_t>(second);
    extent.at(1) = 1;
  }
  calls(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(),
                            nullptr),
        doing);
  return space;
}

void create_number(const Calls& calls, hid_t object, const std::string& name, hid_t type,
                   const void* value) {
  const std::string doing = fmt::format("write attribute {}", name);
  const Space space(calls(H5Screate(H5S_SCALAR), doing));
  const AttributeHandle attribute(
      calls(H5Acreate2(object, name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT), doing));
  calls(H5Awrite(attribute.get(), type, value), doing);
}

void check_is_hdf5(const Calls& calls) {
  std::error_code failure;
  const std::string& path = calls.path();
  const std::string partial = unfinished_file(path);
  if (!std::filesystem::exists(path, failure) && std::filesystem::exists(partial, failure)) {
    calls.refuse("a file", "none (" + partial + " is there: its run did not finish)");
  }
  check_readable(path, calls.where());
  if (H5Fis_hdf5(path.c_str()) <= 0) {
    forget_error();
    calls.refuse("an HDF5 file", "something else, or one that cannot be read");
  }
}

// A writer that was killed without SWMR leaves a mark that HDF5 does not read past.
void refuse_marked_open(const Calls& calls) {
  calls.refuse("a file that no writer has open",
               fmt::format("one that is marked as open (if its writer is gone: h5clear -s {})",
                           calls.path()));
}

}  // namespace

void silence_errors() {
  thread_local const bool silent = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  (void)silent;
}

std::string last_reason() {
  Reason reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &reason);
  forget_error();
  return words_of(reason);
}

void forget_error() { H5Eclear2(H5E_DEFAULT); }

Calls::Calls(std::string path, ErrorKind kind, std::string_view where)
    : path_(std::move(path)), kind_(kind), where_(where) {
  // Without this HDF5 retries at exit what a full disk made impossible, and prints about it.
  static std::once_flag once;
  std::call_once(once, [] { H5dont_atexit(); });
  silence_errors();
}

void Calls::fail(std::string_view doing) const {
  const std::string expected = fmt::format("to {}", doing);
  if (kind_ == ErrorKind::bad_input) refuse(expected, last_reason());
  throw Error(fmt::format("[{}] {}: expected {}, got {}", where_, path_, expected, last_reason()),
              kind_);
}

void Calls::refuse(std::string_view expected, std::string_view got) const {
  throw BadInput(where_, path_, expected, got);
}

File open_for_reading(const Calls& calls, Properties access) {
  check_is_hdf5(calls);
  constexpr std::string_view doing = "open the file";
  // A lock of ours would keep a writer out, and some file systems know no locks.
  calls(H5Pset_file_locking(access.get(), false, true), doing);
  File file(H5Fopen(calls.path().c_str(), H5F_ACC_RDONLY, access.get()));
  if (file.get() >= 0) return file;
  const bool is_marked = last_reason().find("h5clear") != std::string::npos;
  // A file that a writer has open, or had when it was killed, opens only with SWMR. HDF5 doubles
  // its wait after every attempt, from 1 ns: 25 are 33 ms, the default 100 are for ever.
  calls(H5Pset_metadata_read_attempts(access.get(), 25), doing);
  file = File(H5Fopen(calls.path().c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access.get()));
  if (file.get() < 0 && is_marked) refuse_marked_open(calls);
  return File(calls(file.release(), doing));
}

Datatype half_type(const Calls& calls) {
  constexpr std::string_view doing = "make the type float16";
  Datatype type(calls(H5Tcopy(H5T_IEEE_F32LE), doing));
  // Sign in bit 15, 5 exponent bits from bit 10 with bias 15, 10 mantissa bits.
  calls(H5Tset_fields(type.get(), 15, 10, 5, 0, 10), doing);
  calls(H5Tset_size(type.get(), 2), doing);
  calls(H5Tset_ebias(type.get(), 15), doing);
  return type;
}

Datatype text_type(const Calls& calls, std::size_t bytes) {
  constexpr std::string_view doing = "make a text type";
  Datatype type(calls(H5Tcopy(H5T_C_S1), doing));
  calls(H5Tset_size(type.get(), std::max<std::size_t>(bytes, 1)), doing);
  calls(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), doing);
  calls(H5Tset_cset(type.get(), H5T_CSET_UTF8), doing);
  return type;
}

bool has_attribute(const Calls& calls, hid_t object, const std::string& name) {
  silence_errors();
  return calls(H5Aexists(object, name.c_str()), "look for attribute " + name) > 0;
}

void create_text(const Calls& calls, hid_t object, const std::string& name, std::string_view text) {
  const Datatype type = text_type(calls, text.size());
  const std::string padded = text.empty() ? std::string(1, '\0') : std::string(text);
  create_number(calls, object, name, type.get(), padded.data());
}

std::string read_text(const Calls& calls, hid_t object, const std::string& name) {
  silence_errors();
  const std::string doing = fmt::format("read attribute {}", name);
  const AttributeHandle attribute(calls(H5Aopen(object, name.c_str(), H5P_DEFAULT), doing));
  const Datatype type(calls(H5Aget_type(attribute.get()), doing));
  const Space space(calls(H5Aget_space(attribute.get()), doing));
  const bool fits = H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) == 0 &&
                    H5Sget_simple_extent_npoints(space.get()) == 1;
  if (!fits) {
    calls.refuse(fmt::format("attribute {} to be one fixed-length text", name), "another type");
  }
  std::string text(H5Tget_size(type.get()), '\0');
  calls(H5Aread(attribute.get(), type.get(), text.data()), doing);
  return text.substr(0, text.find('\0'));
}

std::vector<std::string> read_words(const Calls& calls, hid_t object, const std::string& name) {
  std::istringstream words(read_text(calls, object, name));
  return {std::istream_iterator<std::string>(words), {}};
}

void create_integer(const Calls& calls, hid_t object, const std::string& name, std::int64_t value) {
  create_number(calls, object, name, H5T_NATIVE_INT64, &value);
}

void create_unsigned(const Calls& calls, hid_t object, const std::string& name,
                     std::uint64_t value) {
  create_number(calls, object, name, H5T_NATIVE_UINT64, &value);
}

void write_integer(const Calls& calls, hid_t object, const std::string& name, std::int64_t value) {
  const std::string doing = fmt::format("write attribute {}", name);
  const AttributeHandle attribute(calls(H5Aopen(object, name.c_str(), H5P_DEFAULT), doing));
  calls(H5Awrite(attribute.get(), H5T_NATIVE_INT64, &value), doing);
}

std::int64_t read_integer(const Calls& calls, hid_t object, const std::string& name) {
  silence_errors();
  const std::string doing = fmt::format("read attribute {}", name);
  const AttributeHandle attribute(calls(H5Aopen(object, name.c_str(), H5P_DEFAULT), doing));
  const Datatype type(calls(H5Aget_type(attribute.get()), doing));
  const Space space(calls(H5Aget_space(attribute.get()), doing));
  if (H5Tget_class(type.get()) != H5T_INTEGER || H5Sget_simple_extent_npoints(space.get()) != 1) {
    calls.refuse(fmt::format("attribute {} to be one whole number", name), "another type");
  }
  std::int64_t value = 0;
  calls(H5Aread(attribute.get(), H5T_NATIVE_INT64, &value), doing);
  return value;
}

DatasetHandle open_dataset(const Calls& calls, hid_t file, const std::string& path) {
  silence_errors();
  DatasetHandle dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT));
  if (dataset.get() < 0) {
    forget_error();
    calls.refuse("dataset " + path, "none that can be read");
  }
  return dataset;
}

PackedNames pack_names(const std::vector<std::string_view>& names) {
  PackedNames packed;
  for (const std::string_view name : names) packed.bytes = std::max(packed.bytes, name.size());
  for (const std::string_view name : names) {
    packed.text += name;
    packed.text.append(packed.bytes - name.size(), '\0');
  }
  return packed;
}

std::vector<std::string> read_names(const Calls& calls, hid_t file, const std::string& path) {
  const std::string doing = "read " + path;
  const DatasetHandle dataset = open_dataset(calls, file, path);
  const Datatype type(calls(H5Dget_type(dataset.get()), doing));
  const std::vector<std::int64_t> shape = shape_of(calls, dataset.get(), path);
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 ||
      shape.size() != 1) {
    calls.refuse(path + " to be a list of fixed-length texts", "another type");
  }
  const std::size_t bytes = H5Tget_size(type.get());
  std::string packed(bytes * static_cast<std::size_t>(shape[0]), '\0');
  calls(H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data()), doing);
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < packed.size(); begin += bytes) {
    const std::string name = packed.substr(begin, bytes);
    names.push_back(name.substr(0, name.find('\0')));
  }
  return names;
}

std::int64_t coordinate_length(const Calls& calls, hid_t file, const std::string& path) {
  const DatasetHandle scale = open_dataset(calls, file, path);
  const std::vector<std::int64_t> shape = shape_of(calls, scale.get(), path);
  if (shape.size() != 1) calls.refuse(path + " to have one dimension", "another rank");
  return shape[0];
}

std::vector<std::int64_t> shape_of(const Calls& calls, hid_t dataset, const std::string& path) {
  const std::string doing = "read the shape of " + path;
  const Space space(calls(H5Dget_space(dataset), doing));
  const int rank = calls(H5Sget_simple_extent_ndims(space.get()), doing);
  std::vector<hsize_t> extent(static_cast<std::size_t>(rank));
  calls(H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr), doing);
  return {extent.begin(), extent.end()};
}

void write_slab(const Calls& calls, hid_t dataset, hid_t memory_type, std::int64_t first,
                std::int64_t count, const void* data, std::string_view doing) {
  if (count == 0) return;
  std::vector<hsize_t> extent;
  const Space file_space = slab_space(calls, dataset, first, count, -1, extent, doing);
  const Space memory_space(
      calls(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), doing));
  calls(H5Dwrite(dataset, memory_type, memory_space.get(), file_space.get(), H5P_DEFAULT, data),
        doing);
}

void read_slab(const Calls& calls, hid_t dataset, hid_t memory_type, std::int64_t first,
               std::int64_t count, std::int64_t second, void* data, std::string_view doing) {
  if (count == 0) return;
  std::vector<hsize_t> extent;
  const Space file_space = slab_space(calls, dataset, first, count, second, extent, doing);
  const Space memory_space(
      calls(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), doing));
  calls(H5Dread(dataset, memory_type, memory_space.get(), file_space.get(), H5P_DEFAULT, data),
        doing);
}

}  // namespace kvscope::h5
