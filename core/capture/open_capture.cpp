#include "core/capture/open_capture.h"

#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/capture/parts/basics.h"
#include "core/capture/parts/part_row.h"

namespace kvscope {
namespace {

h5::File open_file(const h5::Calls& calls) {
  return h5::open_for_reading(calls,
                              h5::Properties(calls(H5Pcreate(H5P_FILE_ACCESS), "set up the file")));
}

FileLayout read_layout(const h5::Calls& calls, hid_t file, const std::set<Part>& parts) {
  FileLayout layout;
  layout.parts = parts;
  layout.batches = h5::coordinate_length(calls, file, schema::batch_coordinate);
  for (const Part part : parts) {
    if (row_of(part).read_layout != nullptr) row_of(part).read_layout(calls, file, layout);
  }
  return layout;
}

// Throws BadInput where the record names things that do not exist.
FileShape make_shape(const h5::Calls& calls, hid_t file, const FileHead& head) {
  const NameCounts names = {
      .modules = h5::coordinate_length(calls, file, schema::module_coordinate),
      .counters = h5::coordinate_length(calls, file, schema::counter_coordinate)};
  try {
    return FileShape(head.record, read_layout(calls, file, head.parts), names);
  } catch (const BadInput&) {
    throw;
  } catch (const Error& mistake) {
    calls.refuse("settings that fit the model", mistake.what());
  }
}

struct ExpectedType {
  H5T_class_t kind;
  std::size_t bytes;
};

ExpectedType expected_type(schema::Type type, KvDtype stored) {
  switch (type) {
    case schema::Type::uint8:
      return {H5T_INTEGER, 1};
    case schema::Type::int32:
      return {H5T_INTEGER, 4};
    case schema::Type::float64:
      return {H5T_FLOAT, 8};
    case schema::Type::stored:
      return {stored == KvDtype::bf16 ? H5T_INTEGER : H5T_FLOAT,
              static_cast<std::size_t>(element_bytes(stored))};
    case schema::Type::int64:
    case schema::Type::uint64:
    case schema::Type::text:
      break;
  }
  return {H5T_INTEGER, 8};
}

std::string list_of(std::string_view what, const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format(" {} {}", what, fmt::join(names, ", "));
}

// A command opens a file several times, and must say so once.
void say_once(const std::string& path, const FileHead& head) {
  static std::mutex mutex;
  static std::set<std::string> said;
  const std::scoped_lock lock(mutex);
  if (!said.insert(path).second) return;
  const std::string parts = list_of("parts", head.skipped.parts);
  const std::string settings = list_of("settings", head.skipped.settings);
  log().warn("{}: written as version {} of the format, read as {}: without its{}{}{}", path,
             schema::version_name(head.minor), schema::version_name(schema::minor_version), parts,
             !parts.empty() && !settings.empty() ? " and" : "", settings);
}

}  // namespace

OpenCapture::OpenCapture(std::string path)
    : calls_(std::move(path), ErrorKind::bad_input),
      file_(open_file(calls_)),
      head_(read_head(calls_, file_.get())),
      shape_(make_shape(calls_, file_.get(), head_)),
      complete_(h5::read_integer(calls_, file_.get(), schema::complete) != 0) {
  read_committed();
  for (const PartRow* part : part_rows()) {
    if (!shape_.has(part->part)) continue;
    for (const schema::Dataset& entry : part->datasets) {
      for (const std::string& name : schema::paths_of(entry, shape_.kv_layers())) {
        if (!has(name)) open_dataset(entry, name);
      }
    }
  }
  read_batch_samples();
  if (!head_.skipped.empty()) say_once(calls_.path(), head_);
}

void OpenCapture::open_dataset(const schema::Dataset& entry, const std::string& name) {
  const std::string doing = "open " + name;
  const h5::Properties access(calls_(H5Pcreate(H5P_DATASET_ACCESS), doing));
  // Chunks are read whole, straight to the caller: a chunk cache would only hold memory.
  calls_(H5Pset_chunk_cache(access.get(), 0, 0, 0), doing);
  h5::DatasetHandle dataset(H5Dopen2(file_.get(), name.c_str(), access.get()));
  if (dataset.get() < 0) {
    h5::forget_error();
    if (entry.since > head_.minor) return;
    calls_.refuse("dataset " + name, "none that can be read");
  }
  const std::vector<std::int64_t> found = h5::shape_of(calls_, dataset.get(), name);
  const std::vector<std::int64_t> expected = shape_.shape_of(entry);
  if (found != expected) {
    calls_.refuse(fmt::format("{} of shape {}", name, expected), fmt::format("{}", found));
  }
  const h5::Datatype type(calls_(H5Dget_type(dataset.get()), doing));
  const ExpectedType wanted = expected_type(entry.type, head_.record.settings.kv_dtype);
  if (H5Tget_class(type.get()) != wanted.kind || H5Tget_size(type.get()) != wanted.bytes) {
    calls_.refuse(fmt::format("{} of type {}", name, schema::name_of(entry.type)), "another type");
  }
  datasets_.emplace(name, std::move(dataset));
}

// Before any other dataset is opened: HDF5 keeps what it saw when it opened one, and where a writer
// is at work that may be a state without the samples counted here.
void OpenCapture::read_committed() {
  const std::string name = schema::path_of(schema::committed_samples);
  open_dataset(schema::committed_samples, name);
  calls_(H5Dread(dataset(name), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &committed_),
         "read " + name);
}

// A batch that was under way has its size in the file already: the count decides.
void OpenCapture::read_batch_samples() {
  const NdArray<std::int64_t> sizes =
      all<std::int64_t>(schema::batch_samples, schema::path_of(schema::batch_samples));
  std::int64_t samples = 0;
  for (const std::int64_t size : sizes.data) {
    if (samples >= committed_) break;
    if (size < 1 || size > committed_ - samples) {
      refuse_batches(fmt::format("a batch of {} after {} samples", size, samples));
    }
    batch_samples_.push_back(size);
    batch_begins_.push_back(samples);
    samples += size;
  }
  if (committed_ > head_.record.settings.samples || samples != committed_) {
    refuse_batches(fmt::format("batches of {} samples in all", samples));
  }
}

void OpenCapture::refuse_batches(const std::string& got) const {
  calls_.refuse(fmt::format("{} committed samples to be whole batches of at most {}", committed_,
                            head_.record.settings.samples),
                got);
}

hid_t OpenCapture::dataset(const std::string& name) const {
  const auto found = datasets_.find(name);
  if (found == datasets_.end()) calls_.refuse("dataset " + name, "none");
  return found->second.get();
}

std::vector<std::string> OpenCapture::words(const std::string& name,
                                            const std::string& attribute) const {
  const hid_t owner = dataset(name);
  if (!h5::has_attribute(calls_, owner, attribute)) return {};
  return h5::read_words(calls_, owner, attribute);
}

}  // namespace kvscope
