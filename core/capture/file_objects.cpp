#include "core/capture/file_objects.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hdf5_hl.h>

#include "core/base/losses.h"
#include "core/base/module.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/record_attributes.h"
#include "core/capture/schema.h"

namespace kvscope {
namespace {

class Objects {
 public:
  Objects(const h5::Calls& calls, hid_t file, const RunRecord& record, const FileShape& shape)
      : calls_(calls), file_(file), record_(record), shape_(shape) {
    links_ = h5::Properties(calls_(H5Pcreate(H5P_LINK_CREATE), "create groups"));
    calls_(H5Pset_create_intermediate_group(links_.get(), 1), "create groups");
  }

  void create_scales() const {
    for (const schema::Dimension& dimension : schema::dimensions) {
      const bool kv_only = dimension.name == "row" || dimension.name == "channel";
      if (kv_only) continue;
      create_coordinate(dimension, "/", false);
    }
    for (const PartRow* part : part_rows()) {
      if (!shape_.has(part->part)) continue;
      for (const PartDimension& own : part->dimensions) create_own_coordinate(own);
    }
    if (!shape_.has(Part::raw)) return;
    for (const schema::Dimension& dimension : schema::dimensions) {
      const auto& names = schema::kv_dimensions;
      if (std::find(names.begin(), names.end(), dimension.name) != names.end()) {
        create_coordinate(dimension, "/kv/", true);
      }
    }
  }

  void create_datasets() const {
    for (const PartRow* part : part_rows()) {
      if (!shape_.has(part->part)) continue;
      for (const schema::Dataset& entry : part->datasets) {
        for (const std::string& path : schema::paths_of(entry, shape_.kv_layers())) {
          create_dataset(entry, path);
        }
      }
    }
  }

 private:
  h5::DatasetHandle create(const std::string& path, hid_t type,
                           const std::vector<std::int64_t>& shape, hid_t properties) const {
    const std::string doing = "create " + path;
    const std::vector<hsize_t> extent(shape.begin(), shape.end());
    const h5::Space space(calls_(
        shape.empty() ? H5Screate(H5S_SCALAR)
                      : H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr),
        doing));
    return h5::DatasetHandle(calls_(
        H5Dcreate2(file_, path.c_str(), type, space.get(), links_.get(), properties, H5P_DEFAULT),
        doing));
  }

  static std::vector<std::string_view> names_along(const schema::Dimension& dimension) {
    if (dimension.name == "module") return {module_names.begin(), module_names.end()};
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < loss_counter_count; ++i) {
      names.push_back(name_of(static_cast<LossCounter>(i)));
    }
    return names;
  }

  // Names in one fixed-length text type, as SWMR and every reader take them.
  void write_names(const schema::Dimension& dimension, const std::string& path,
                   const std::vector<std::string_view>& names) const {
    const h5::PackedNames packed = h5::pack_names(names);
    const h5::Datatype type = h5::text_type(calls_, packed.bytes);
    const h5::DatasetHandle scale = create(path, type.get(), {std::ssize(names)}, H5P_DEFAULT);
    h5::write_slab(calls_, scale.get(), type.get(), 0, std::ssize(names), packed.text.data(),
                   "write " + path);
    name_coordinate(dimension, scale.get(), path);
  }

  void create_own_coordinate(const PartDimension& own) const {
    if (own.names == nullptr) return create_coordinate(own.dimension, "/", false);
    const std::vector<std::string> names = own.names(shape_.layout());
    write_names(own.dimension, fmt::format("/{}", own.dimension.name),
                {names.begin(), names.end()});
  }

  void create_coordinate(const schema::Dimension& dimension, const std::string& group,
                         bool in_kv) const {
    const std::string path = group + std::string(dimension.name);
    if (dimension.type == schema::Type::text) {
      return write_names(dimension, path, names_along(dimension));
    }
    const std::vector<std::int64_t> values = shape_.coordinates(dimension.name, in_kv);
    const auto count = static_cast<std::int64_t>(values.size());
    const h5::DatasetHandle scale = create(path, H5T_STD_I64LE, {count}, H5P_DEFAULT);
    h5::write_slab(calls_, scale.get(), H5T_NATIVE_INT64, 0, count, values.data(), "write " + path);
    name_coordinate(dimension, scale.get(), path);
  }

  void name_coordinate(const schema::Dimension& dimension, hid_t scale,
                       const std::string& path) const {
    calls_(H5DSset_scale(scale, std::string(dimension.name).c_str()), "name dimension " + path);
    h5::create_text(calls_, scale, "long_name", dimension.meaning);
  }

  h5::Datatype stored_type(schema::Type type) const {
    const auto copy = [&](hid_t id) { return h5::Datatype(calls_(H5Tcopy(id), "copy a type")); };
    switch (type) {
      case schema::Type::uint8:
        return copy(H5T_STD_U8LE);
      case schema::Type::int32:
        return copy(H5T_STD_I32LE);
      case schema::Type::uint64:
        return copy(H5T_STD_U64LE);
      case schema::Type::float64:
        return copy(H5T_IEEE_F64LE);
      case schema::Type::stored:
        if (record_.settings.kv_dtype == KvDtype::fp16) return h5::half_type(calls_);
        if (record_.settings.kv_dtype == KvDtype::bf16) return copy(H5T_STD_U16LE);
        return copy(H5T_IEEE_F32LE);
      case schema::Type::int64:
      case schema::Type::text:
        break;
    }
    return copy(H5T_STD_I64LE);
  }

  // Without compression a chunk has its place before SWMR mode begins, and a commit writes nothing
  // but data: a kill in the middle of one leaves no torn chunk index. Compressed chunks need an
  // index that grows, and get a checksum.
  h5::Properties creation_properties(const schema::Dataset& entry,
                                     const std::vector<std::int64_t>& shape) const {
    constexpr std::string_view doing = "set up a dataset";
    h5::Properties properties(calls_(H5Pcreate(H5P_DATASET_CREATE), doing));
    if (entry.type == schema::Type::float64) {
      const double nothing = std::numeric_limits<double>::quiet_NaN();
      calls_(H5Pset_fill_value(properties.get(), H5T_NATIVE_DOUBLE, &nothing), doing);
    }
    if (entry.chunked_dims == 0) {
      calls_(H5Pset_alloc_time(properties.get(), H5D_ALLOC_TIME_EARLY), doing);
      return properties;
    }
    std::vector<hsize_t> chunk(shape.begin(), shape.end());
    std::fill_n(chunk.begin(), entry.chunked_dims, hsize_t{1});
    calls_(H5Pset_chunk(properties.get(), static_cast<int>(chunk.size()), chunk.data()), doing);
    const int level = deflate_level(record_.settings.compression);
    if (level == 0) {
      calls_(H5Pset_alloc_time(properties.get(), H5D_ALLOC_TIME_EARLY), doing);
      // The file stays sparse where nothing was written.
      calls_(H5Pset_fill_time(properties.get(), H5D_FILL_TIME_NEVER), doing);
      return properties;
    }
    calls_(H5Pset_shuffle(properties.get()), doing);
    calls_(H5Pset_deflate(properties.get(), static_cast<unsigned>(level)), doing);
    calls_(H5Pset_fletcher32(properties.get()), doing);
    return properties;
  }

  void create_dataset(const schema::Dataset& entry, const std::string& path) const {
    const std::vector<std::int64_t> shape = shape_.shape_of(entry);
    const h5::Datatype type = stored_type(entry.type);
    const h5::Properties properties = creation_properties(entry, shape);
    const h5::DatasetHandle dataset = create(path, type.get(), shape, properties.get());
    h5::create_text(calls_, dataset.get(), "units", entry.unit);
    h5::create_text(calls_, dataset.get(), "long_name", entry.meaning);
    attach_scales(entry, dataset.get(), path);
    create_attributes(entry, dataset.get());
  }

  void attach_scales(const schema::Dataset& entry, hid_t dataset, const std::string& path) const {
    unsigned axis = 0;
    for (const std::string_view name : schema::dims_of(entry)) {
      const std::string scale_path = fmt::format("{}{}", in_kv(entry.path) ? "/kv/" : "/", name);
      const h5::DatasetHandle scale = h5::open_dataset(calls_, file_, scale_path);
      calls_(H5DSattach_scale(dataset, scale.get(), axis++), "name the dimensions of " + path);
    }
  }

  void create_attributes(const schema::Dataset& entry, hid_t dataset) const {
    for (const schema::Attribute& attribute : schema::attributes) {
      if (attribute.owner != entry.path) continue;
      const std::string name(attribute.name);
      if (attribute.type == schema::Type::int64) {
        h5::create_integer(calls_, dataset, name, 0);
      } else {
        h5::create_text(calls_, dataset, name, text_of(attribute));
      }
    }
  }

  std::string text_of(const schema::Attribute& attribute) const {
    if (attribute.name == schema::severity) {
      return counter_words([](LossCounter counter) { return name_of(severity_of(counter)); });
    }
    if (attribute.name == schema::source) return counter_words(source_of);
    switch (record_.settings.kv_dtype) {
      case KvDtype::fp16:
        return "float16";
      case KvDtype::bf16:
        return "bfloat16";
      case KvDtype::fp32:
        break;
    }
    return "float32";
  }

  template <typename WordOf>
  static std::string counter_words(WordOf word_of) {
    std::vector<std::string_view> words;
    for (std::size_t i = 0; i < loss_counter_count; ++i) {
      words.push_back(word_of(static_cast<LossCounter>(i)));
    }
    return fmt::format("{}", fmt::join(words, " "));
  }

  const h5::Calls& calls_;
  hid_t file_;
  const RunRecord& record_;
  const FileShape& shape_;
  h5::Properties links_;
};

}  // namespace

void create_objects(const h5::Calls& calls, hid_t file, const RunRecord& record,
                    const FileShape& shape) {
  create_record(calls, file, record, shape);
  const Objects objects(calls, file, record, shape);
  objects.create_scales();
  objects.create_datasets();
}

}  // namespace kvscope
