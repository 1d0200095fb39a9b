#include "core/capture/parts/raw.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/capture/float_convert.h"

namespace kvscope {
namespace {

constexpr std::array raw_datasets = {schema::kv};
constexpr std::array queries_datasets = {schema::query};

std::int64_t bytes_of_kept(const BatchCheck& check) {
  std::vector<std::int64_t> extent = check.shape().shape_of(schema::kv);
  extent.at(0) = check.kept_samples();
  return elements_of(extent) * check.shape().kv_element_bytes();
}

void check_raw(const BatchCheck& check, const BatchRecord& batch) {
  if (check.kept_samples() == 0) return;
  std::vector<int> layers;
  for (const RawKv& layer : batch.raw) layers.push_back(layer.layer);
  const std::vector<int>& expected = check.shape().kv_layers();
  if (layers != expected) {
    check.refuse(fmt::format("raw K and V of layers {}", expected), fmt::format("{}", layers));
  }
  const std::int64_t bytes = bytes_of_kept(check);
  for (const RawKv& layer : batch.raw) {
    check.bytes(layer.key, bytes, schema::path_of(schema::kv, layer.layer, KvTensor::key));
    check.bytes(layer.value, bytes, schema::path_of(schema::kv, layer.layer, KvTensor::value));
    if (check.shape().has(Part::queries)) continue;
    check.bytes(layer.query, 0, schema::path_of(schema::query, layer.layer));
  }
}

void write_raw(const BatchWriter& out, const BatchRecord& batch) {
  if (out.kept_samples() == 0) return;
  for (const RawKv& layer : batch.raw) {
    out.kept(schema::path_of(schema::kv, layer.layer, KvTensor::key), layer.key);
    out.kept(schema::path_of(schema::kv, layer.layer, KvTensor::value), layer.value);
  }
}

void check_queries(const BatchCheck& check, const BatchRecord& batch) {
  if (check.kept_samples() == 0) return;
  for (const RawKv& layer : batch.raw) {
    check.bytes(layer.query, bytes_of_kept(check), schema::path_of(schema::query, layer.layer));
  }
}

void write_queries(const BatchWriter& out, const BatchRecord& batch) {
  if (out.kept_samples() == 0) return;
  for (const RawKv& layer : batch.raw) {
    out.kept(schema::path_of(schema::query, layer.layer), layer.query);
  }
}

}  // namespace

constinit const PartRow raw_part = {.part = Part::raw,
                                    .name = "raw",
                                    .datasets = raw_datasets,
                                    .check = check_raw,
                                    .write = write_raw};

constinit const PartRow queries_part = {.part = Part::queries,
                                        .name = "queries",
                                        .datasets = queries_datasets,
                                        .check = check_queries,
                                        .write = write_queries};

RawReader::RawReader(const OpenCapture& file) : file_(file) {
  if (file.shape().has(Part::raw)) {
    samples_ = file.shape().kept_samples_before(file.committed_samples());
  }
}

std::string RawReader::name_of(KvTensor tensor, int layer, std::int64_t first,
                               std::int64_t count) const {
  const std::vector<int>& layers = file_.shape().kv_layers();
  if (!file_.shape().has(Part::raw) || !std::binary_search(layers.begin(), layers.end(), layer)) {
    file_.calls().refuse(fmt::format("raw K and V of layer {}", layer), "none");
  }
  if (first < 0 || count < 0 || first + count > std::ssize(samples_)) {
    file_.calls().refuse(fmt::format("raw K and V of samples {} to {}", first, first + count - 1),
                         fmt::format("those of {} samples", samples_.size()));
  }
  return schema::path_of(schema::kv, layer, tensor);
}

// Reads in the stored type, where HDF5 converts nothing, and widens here: HDF5's own half
// conversion works bit by bit.
std::vector<std::int64_t> RawReader::read(KvTensor tensor, int layer, std::int64_t first,
                                          std::int64_t count, std::int64_t row,
                                          std::vector<float>& out) {
  const std::string name = name_of(tensor, layer, first, count);
  std::vector<std::int64_t> extent = file_.shape().shape_of(schema::kv);
  extent.at(0) = count;
  if (row >= 0) extent.at(1) = 1;
  out.resize(static_cast<std::size_t>(elements_of(extent)));
  const std::string doing = "read " + name;
  const KvDtype dtype = file_.record().settings.kv_dtype;
  if (dtype == KvDtype::fp32) {
    h5::read_slab(file_.calls(), file_.dataset(name), H5T_NATIVE_FLOAT, first, count, row,
                  out.data(), doing);
    return extent;
  }
  h5::silence_errors();
  const h5::Datatype type(file_.calls()(H5Dget_type(file_.dataset(name)), doing));
  stored_.resize(2 * out.size());
  h5::read_slab(file_.calls(), file_.dataset(name), type.get(), first, count, row, stored_.data(),
                doing);
  if (dtype == KvDtype::fp16) {
    half_to_float(stored_.data(), out.size(), out.data());
  } else {
    bfloat_to_float(stored_.data(), out.size(), out.data());
  }
  return extent;
}

}  // namespace kvscope
