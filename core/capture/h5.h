#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hdf5.h>

#include "core/base/error.h"

/// The HDF5 C API behind owning handles and one checked call.
namespace kvscope::h5 {

/// Owns an HDF5 identifier and closes it with `close`.
template <herr_t (*close)(hid_t)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = std::exchange(other.id_, H5I_INVALID_HID);
    }
    return *this;
  }

  hid_t get() const { return id_; }
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }
  void reset() {
    if (id_ >= 0) close(id_);
    id_ = H5I_INVALID_HID;
  }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

using File = Handle<H5Fclose>;
using Group = Handle<H5Gclose>;
using DatasetHandle = Handle<H5Dclose>;
using AttributeHandle = Handle<H5Aclose>;
using Space = Handle<H5Sclose>;
using Datatype = Handle<H5Tclose>;
using Properties = Handle<H5Pclose>;

/// HDF5 prints the errors of a thread on stderr until the thread asks it not to: whatever may be
/// the first of a thread to call HDF5 calls this before.
void silence_errors();

/// Why the last call of this thread failed: the innermost reason of HDF5's error stack, in words
/// for a full disk. Forgets it.
std::string last_reason();
void forget_error();

/// Checks every call on one file. Failures become `[where] path: expected to <doing>, got
/// <reason>`, with last_reason().
class Calls {
 public:
  /// `kind` is the kind of the errors: bad_input when reading, failure when writing.
  Calls(std::string path, ErrorKind kind, std::string_view where = "capture");

  const std::string& path() const { return path_; }
  const std::string& where() const { return where_; }

  /// Passes `result` through, or throws Error when it is negative.
  template <typename Result>
  Result operator()(Result result, std::string_view doing) const {
    if (result < 0) fail(doing);
    return result;
  }

  [[noreturn]] void fail(std::string_view doing) const;
  /// Throws BadInput for content that is not what it should be.
  [[noreturn]] void refuse(std::string_view expected, std::string_view got) const;

 private:
  std::string path_;
  ErrorKind kind_;
  std::string where_;
};

/// Opens the file for reading, also one that a writer has open or had when it was killed. `access`
/// are further properties of the access. Throws BadInput: no such file, no HDF5, damaged.
File open_for_reading(const Calls& calls, Properties access);

/// HDF5's name for a C++ number type in memory.
template <typename T>
hid_t native_type();
template <>
inline hid_t native_type<std::uint8_t>() {
  return H5T_NATIVE_UINT8;
}
template <>
inline hid_t native_type<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
inline hid_t native_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
inline hid_t native_type<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}
template <>
inline hid_t native_type<double>() {
  return H5T_NATIVE_DOUBLE;
}

/// IEEE 754 half precision, little endian: h5py and numpy read it as float16.
Datatype half_type(const Calls& calls);
/// UTF-8 of `bytes` bytes, null padded. Fixed length, because SWMR writes nothing else.
Datatype text_type(const Calls& calls, std::size_t bytes);

bool has_attribute(const Calls& calls, hid_t object, const std::string& name);
void create_text(const Calls& calls, hid_t object, const std::string& name, std::string_view text);
std::string read_text(const Calls& calls, hid_t object, const std::string& name);
/// The words of a text, which spaces separate.
std::vector<std::string> read_words(const Calls& calls, hid_t object, const std::string& name);
void create_integer(const Calls& calls, hid_t object, const std::string& name, std::int64_t value);
void create_unsigned(const Calls& calls, hid_t object, const std::string& name,
                     std::uint64_t value);
void write_integer(const Calls& calls, hid_t object, const std::string& name, std::int64_t value);
std::int64_t read_integer(const Calls& calls, hid_t object, const std::string& name);

DatasetHandle open_dataset(const Calls& calls, hid_t file, const std::string& path);
/// Texts filled up to the bytes of the longest, behind each other: values of text_type(bytes).
struct PackedNames {
  std::size_t bytes = 0;
  std::string text;
};
PackedNames pack_names(const std::vector<std::string_view>& names);
/// Texts of a one-dimensional dataset of text_type.
std::vector<std::string> read_names(const Calls& calls, hid_t file, const std::string& path);
/// Length of a one-dimensional dataset.
std::int64_t coordinate_length(const Calls& calls, hid_t file, const std::string& path);
std::vector<std::int64_t> shape_of(const Calls& calls, hid_t dataset, const std::string& path);

/// Writes or reads indices [first, first + count) of the leading dimension and, unless negative,
/// only index `second` of the next one. `doing` names the call in errors.
void write_slab(const Calls& calls, hid_t dataset, hid_t memory_type, std::int64_t first,
                std::int64_t count, const void* data, std::string_view doing);
void read_slab(const Calls& calls, hid_t dataset, hid_t memory_type, std::int64_t first,
               std::int64_t count, std::int64_t second, void* data, std::string_view doing);

}  // namespace kvscope::h5
