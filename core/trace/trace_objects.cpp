#include "core/trace/trace_objects.h"

#include <string_view>

#include <fmt/format.h>

#include "core/base/module.h"
#include "core/base/version.h"

namespace kvscope::trace {
namespace {

class Objects {
 public:
  Objects(const h5::Calls& calls, hid_t file) : calls_(calls), file_(file) {
    links_ = h5::Properties(calls_(H5Pcreate(H5P_LINK_CREATE), "create groups"));
    calls_(H5Pset_create_intermediate_group(links_.get(), 1), "create groups");
    creation_ = h5::Properties(calls_(H5Pcreate(H5P_DATASET_CREATE), "set up a dataset"));
    // Every value has its place from the start; the file stays sparse where none was written.
    calls_(H5Pset_alloc_time(creation_.get(), H5D_ALLOC_TIME_EARLY), "set up a dataset");
    calls_(H5Pset_fill_time(creation_.get(), H5D_FILL_TIME_NEVER), "set up a dataset");
  }

  h5::DatasetHandle create(const std::string& path, hid_t type, std::int64_t length) const {
    const std::string doing = "create " + path;
    const auto extent = static_cast<hsize_t>(length);
    const h5::Space space(calls_(H5Screate_simple(1, &extent, nullptr), doing));
    return dataset(path, type, space.get(), creation_.get());
  }

  void create_count(const std::string& path) const {
    const h5::Space space(calls_(H5Screate(H5S_SCALAR), "create " + path));
    const h5::DatasetHandle count = dataset(path, H5T_STD_I64LE, space.get(), creation_.get());
    const std::int64_t none = 0;
    calls_(H5Dwrite(count.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &none),
           "write " + path);
    describe(count.get(), "rows", "rows that are whole in this file; written last");
  }

  void describe(hid_t dataset, std::string_view unit, std::string_view meaning) const {
    h5::create_text(calls_, dataset, "units", unit);
    h5::create_text(calls_, dataset, "long_name", meaning);
  }

  void create_modules() const {
    const h5::PackedNames packed = h5::pack_names({module_names.begin(), module_names.end()});
    const h5::Datatype type = h5::text_type(calls_, packed.bytes);
    const auto count = static_cast<std::int64_t>(module_names.size());
    const h5::DatasetHandle names = create(modules_path, type.get(), count);
    h5::write_slab(calls_, names.get(), type.get(), 0, count, packed.text.data(), "write /module");
  }

 private:
  h5::DatasetHandle dataset(const std::string& path, hid_t type, hid_t space,
                            hid_t creation) const {
    return h5::DatasetHandle(
        calls_(H5Dcreate2(file_, path.c_str(), type, space, links_.get(), creation, H5P_DEFAULT),
               "create " + path));
  }

  const h5::Calls& calls_;
  hid_t file_;
  h5::Properties links_;
  h5::Properties creation_;
};

Growing growing(std::string path, Type type, std::int64_t length) {
  return {std::move(path), stored_type(type), memory_type(type), bytes_of(type), length};
}

void describe_table(const h5::Calls& calls, hid_t file, const Objects& objects,
                    const Table& table) {
  for (const Column& column : table.columns) {
    const h5::DatasetHandle dataset = h5::open_dataset(calls, file, column_path(table, column));
    objects.describe(dataset.get(), column.unit, column.meaning);
  }
  const std::string path = fmt::format("/{}", table.name);
  const h5::Group group(calls(H5Gopen2(file, path.c_str(), H5P_DEFAULT), "open " + path));
  h5::create_text(calls, group.get(), "long_name", table.meaning);
}

}  // namespace

bool Extent::fits_into(const Extent& room) const {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] > room.rows[i]) return false;
  }
  return texts <= room.texts && text_bytes <= room.text_bytes;
}

hid_t memory_type(Type type) {
  switch (type) {
    case Type::int32:
      return H5T_NATIVE_INT32;
    case Type::uint32:
      return H5T_NATIVE_UINT32;
    case Type::uint64:
      return H5T_NATIVE_UINT64;
    case Type::float64:
      return H5T_NATIVE_DOUBLE;
    case Type::int64:
      break;
  }
  return H5T_NATIVE_INT64;
}

hid_t stored_type(Type type) {
  switch (type) {
    case Type::int32:
      return H5T_STD_I32LE;
    case Type::uint32:
      return H5T_STD_U32LE;
    case Type::uint64:
      return H5T_STD_U64LE;
    case Type::float64:
      return H5T_IEEE_F64LE;
    case Type::int64:
      break;
  }
  return H5T_STD_I64LE;
}

std::vector<Growing> growing_datasets(const Extent& extent) {
  std::vector<Growing> all;
  for (std::size_t i = 0; i < tables().size(); ++i) {
    const Table& table = tables()[i];
    for (const Column& column : table.columns) {
      all.push_back(growing(column_path(table, column), column.type, extent.rows[i]));
    }
    const std::int64_t blocks = blocks_of(extent.rows[i]);
    all.push_back(growing(block_first_path(table), Type::int64, blocks));
    all.push_back(growing(block_last_path(table), Type::int64, blocks));
  }
  all.push_back(growing(text_end_path, Type::int64, extent.texts));
  all.push_back({text_bytes_path, H5T_STD_U8LE, H5T_NATIVE_UINT8, 1, extent.text_bytes});
  return all;
}

std::vector<std::string> count_paths() {
  std::vector<std::string> paths = {text_count_path};
  for (const Table& table : tables()) paths.push_back(count_path(table));
  return paths;
}

std::int64_t blocks_of(std::int64_t rows) { return (rows + block_rows - 1) / block_rows; }

void create_objects(const h5::Calls& calls, hid_t file, const std::string& capture_id,
                    const Extent& room) {
  h5::create_text(calls, file, schema_attribute, version);
  h5::create_integer(calls, file, minor_attribute, minor_version);
  h5::create_text(calls, file, capture_id_attribute, capture_id);
  h5::create_text(calls, file, tool_version_attribute, tool_version());
  h5::create_integer(calls, file, complete_attribute, 0);
  h5::create_integer(calls, file, block_rows_attribute, block_rows);
  const Objects objects(calls, file);
  objects.create_modules();
  for (const Growing& entry : growing_datasets(room)) {
    (void)objects.create(entry.path, entry.stored, entry.length);
  }
  for (const std::string& path : count_paths()) objects.create_count(path);
  for (const Table& table : tables()) describe_table(calls, file, objects, table);
}

}  // namespace kvscope::trace
