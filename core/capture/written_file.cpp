#include "core/capture/written_file.h"

#include <utility>

namespace kvscope {

// The marks that a killed writer left keep every other one out, unless they are cleared, with the
// property that HDF5's own h5clear sets.
h5::Properties writing_access(const h5::Calls& calls, bool clear_marks) {
  constexpr std::string_view doing = "set up the file";
  h5::Properties access(calls(H5Pcreate(H5P_FILE_ACCESS), doing));
  calls(H5Pset_libver_bounds(access.get(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST), doing);
  // As the reader has it: one process may read what it writes only under the same setting.
  calls(H5Pset_file_locking(access.get(), false, true), doing);
  const hbool_t clear = true;
  if (clear_marks) calls(H5Pset(access.get(), "clear_status_flags", &clear), doing);
  return access;
}

WrittenFile::~WrittenFile() {
  h5::silence_errors();
  if (!broken_) return;
  for (auto& [name, handle] : datasets_) (void)handle.release();
  (void)file_.release();
}

void WrittenFile::open(const std::string& name, bool clear_marks) {
  const h5::Properties access = writing_access(calls_, clear_marks);
  file_ = h5::File(calls_(H5Fopen(name.c_str(), H5F_ACC_RDWR | H5F_ACC_SWMR_WRITE, access.get()),
                          "open the file for writing"));
}

hid_t WrittenFile::dataset(const std::string& name) {
  const auto found = datasets_.find(name);
  if (found != datasets_.end()) return found->second.get();
  const std::string doing = "open " + name;
  // Chunks are written whole: a chunk cache would only hold memory.
  const h5::Properties access(calls_(H5Pcreate(H5P_DATASET_ACCESS), doing));
  calls_(H5Pset_chunk_cache(access.get(), 0, 0, 0), doing);
  h5::DatasetHandle opened(calls_(H5Dopen2(file_.get(), name.c_str(), access.get()), doing));
  return datasets_.emplace(name, std::move(opened)).first->second.get();
}

void WrittenFile::put_stored(const std::string& name, std::int64_t first, std::int64_t count,
                             const std::vector<std::byte>& bytes) {
  const hid_t target = dataset(name);
  const h5::Datatype type(calls_(H5Dget_type(target), "open " + name));
  h5::write_slab(calls_, target, type.get(), first, count, bytes.data(), "write " + name);
}

void WrittenFile::put_scalar(const std::string& name, std::int64_t value) {
  calls_(H5Dwrite(dataset(name), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value),
         "write " + name);
}

void WrittenFile::put_attribute(const std::string& name, std::int64_t value) {
  h5::write_integer(calls_, file_.get(), name, value);
}

void WrittenFile::flush() { calls_(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), "flush the file"); }

// What fails, fails in the flush: HDF5 can still let go of the file without a write then.
void WrittenFile::close() {
  flush();
  datasets_.clear();
  calls_(H5Fclose(file_.release()), "close the file");
}

}  // namespace kvscope
