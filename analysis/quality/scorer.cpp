#include "analysis/quality/scorer.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include <ATen/ops/argmax.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linear.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/json_fields.h"
#include "core/base/log.h"
#include "core/geometry/class_labels.h"
#include "core/weights/parameters.h"
#include "core/weights/sha256.h"

namespace kvscope {
namespace {

constexpr std::string_view schema_name = "kvscope.scorer/1";
constexpr std::int64_t kernel_side = 3;

struct ScorerConfig {
  std::string name;
  std::string model;
  int image_size = 0;
  int classes = 0;
  std::vector<int> strides;
};

int small(JsonFields& fields, std::string_view key, std::int64_t smallest) {
  const std::int64_t value = fields.integer(key, smallest);
  constexpr std::int64_t largest = 16384;  // of a picture's side
  if (value > largest) fields.fail(key, fmt::format("at most {}", largest), std::to_string(value));
  return static_cast<int>(value);
}

ScorerConfig load_config(const std::string& path) {
  const nlohmann::json json = read_json_file(path, "scorer");
  JsonFields fields(json, "scorer", path);
  fields.check_schema(schema_name);
  ScorerConfig config;
  config.name = fields.text("name");
  config.model = fields.text("model");
  config.image_size = small(fields, "image_size", 1);
  config.classes = small(fields, "classes", 2);
  config.strides = fields.integers("strides", 1);
  if (config.strides.empty()) fields.fail("strides", "one for every convolution", "none");
  fields.integer("reference_pictures", 2);  // for the reader of the file
  fields.refuse_unknown();
  return config;
}

std::string convolution_name(std::size_t index) { return fmt::format("convolutions.{}", index); }

std::set<std::string> names_of(const ScorerConfig& config) {
  std::set<std::string> names = {"reference.mean", "reference.covariance"};
  std::vector<std::string> layers = {"features", "classes"};
  for (std::size_t i = 0; i < config.strides.size(); ++i) layers.push_back(convolution_name(i));
  for (const std::string& layer : layers) {
    names.insert(layer + ".weight");
    names.insert(layer + ".bias");
  }
  return names;
}

/// How many outputs the file chose for a layer.
std::int64_t outputs_of(const SafetensorsFile& file, const std::string& layer) {
  const std::vector<std::int64_t>& shape = file.tensors().find(layer + ".weight")->second.shape;
  return shape.empty() ? 1 : std::max<std::int64_t>(1, shape.front());
}

FrechetDistance reference_of(const SafetensorsFile& file, std::int64_t features) {
  const at::Tensor mean = parameter_of(file, "reference.mean", {features});
  const at::Tensor covariance = parameter_of(file, "reference.covariance", {features, features});
  const at::Tensor exact = covariance.to(at::kDouble);
  const double asymmetry = exact.sub(exact.t()).abs().max().item<double>();
  // Sums in another order differ by rounding; a spoiled value differs by more.
  if (asymmetry > 1e-6 * exact.abs().max().item<double>()) {
    throw BadInput("weights", file.path(), "reference.covariance to be symmetric",
                   fmt::format("entries that differ by {}", asymmetry));
  }
  return {mean, covariance};
}

}  // namespace

struct Scorer::Loaded {
  explicit Loaded(const std::string& folder)
      : config(load_config((std::filesystem::path(folder) / "scorer.json").string())),
        file((std::filesystem::path(folder) / "weights.safetensors").string()) {
    check_parameter_names(file, names_of(config), {}, "scorer.json");
  }

  at::Tensor parameter(const std::string& name, const std::vector<std::int64_t>& shape,
                       at::Device device) const {
    return parameter_of(file, name, shape).to(device, at::kFloat).contiguous();
  }

  Linear linear(const std::string& layer, std::int64_t outputs, std::int64_t inputs,
                at::Device device) const {
    return {parameter(layer + ".weight", {outputs, inputs}, device),
            parameter(layer + ".bias", {outputs}, device)};
  }

  std::vector<Convolution> convolutions(at::Device device) const {
    std::vector<Convolution> layers;
    std::int64_t channels = 3;
    for (std::size_t i = 0; i < config.strides.size(); ++i) {
      const std::string layer = convolution_name(i);
      const std::int64_t outputs = outputs_of(file, layer);
      layers.push_back(
          {parameter(layer + ".weight", {outputs, channels, kernel_side, kernel_side}, device),
           parameter(layer + ".bias", {outputs}, device), config.strides[i]});
      channels = outputs;
    }
    return layers;
  }

  ScorerConfig config;
  SafetensorsFile file;
};

Scorer::Scorer(const std::string& folder, at::Device device) : Scorer(Loaded(folder), device) {}

Scorer::Scorer(const Loaded& loaded, at::Device device)
    : device_(device),
      record_{loaded.config.name, sha256_hex(loaded.file.mapping()->bytes()), {}},
      model_(loaded.config.model),
      image_side_(loaded.config.image_size),
      classes_(loaded.config.classes),
      convolutions_(loaded.convolutions(device)),
      features_(loaded.linear("features", outputs_of(loaded.file, "features"),
                              convolutions_.back().bias.size(0), device)),
      logits_(loaded.linear("classes", classes_, features_.bias.size(0), device)),
      distance_(reference_of(loaded.file, features_.bias.size(0))) {}

void Scorer::check_knows(const ModelConfig& model, const std::string& path) const {
  if (model.name != model_) {
    throw BadInput(
        "score", path,
        fmt::format("images of model '{}', the only pictures that {} knows", model_, record_.name),
        fmt::format("those of model '{}' (for these, 'kvscope export FILE --npz IMAGES' and the "
                    "usual FID evaluator)",
                    model.name));
  }
  if (model.image_size != image_side_ || model.classes != classes_) {
    throw BadInput("score", path,
                   fmt::format("images of {} pixels in {} classes, as {} knows them", image_side_,
                               classes_, record_.name),
                   fmt::format("{} pixels in {} classes", model.image_size, model.classes));
  }
}

void Scorer::check_labels(std::span<const std::int32_t> labels, const std::string& path) const {
  const ClassLabels known(classes_);
  for (const std::int32_t label : labels) {
    if (known.asks_for_class(label)) continue;
    throw BadInput("score", path, fmt::format("labels from 0 to {}", known.last_class()),
                   fmt::format("{}, which asks for no class", label));
  }
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes_));
  for (const std::int32_t label : labels) ++counts[static_cast<std::size_t>(label)];
  const auto [fewest, most] = std::minmax_element(counts.begin(), counts.end());
  if (*most - *fewest <= 1) return;
  log().warn(
      "{}: {} samples of class {} and {} of class {}: the demo Fréchet distance is to pictures of "
      "all {} classes alike, and large for that reason alone",
      path, *most, most - counts.begin(), *fewest, fewest - counts.begin(), classes_);
}

Judgement Scorer::judge(std::span<const Image> images) const {
  const c10::InferenceMode no_gradients;
  at::Tensor x = pixels_of(images).to(device_).to(at::kFloat).div(255).mul(2).sub(1);
  for (const Convolution& layer : convolutions_) {
    x = at::conv2d(x, layer.weight, layer.bias, layer.stride, /*padding=*/1).relu();
  }
  const at::Tensor features = at::linear(x.mean({2, 3}), features_.weight, features_.bias).relu();
  Judgement judgement;
  judgement.logits = at::linear(features, logits_.weight, logits_.bias).cpu();
  judgement.features = features.cpu();
  if (!at::isfinite(judgement.logits).all().item<bool>()) {
    throw Error(fmt::format("[score] {}: expected finite logits, got others", record_.name));
  }
  const at::Tensor classes = at::argmax(judgement.logits, 1).to(at::kInt);
  const auto* first = classes.const_data_ptr<std::int32_t>();
  judgement.predicted.assign(first, first + classes.numel());
  return judgement;
}

at::Tensor Scorer::pixels_of(std::span<const Image> images) const {
  at::Tensor pixels =
      at::empty({static_cast<std::int64_t>(images.size()), image_side_, image_side_, 3}, at::kByte);
  auto* out = pixels.mutable_data_ptr<std::uint8_t>();
  for (const Image& image : images) {
    if (image.width != image_side_ || image.height != image_side_) {
      throw Error(fmt::format("[score] image: expected {0} × {0} pixels, got {1} × {2}",
                              image_side_, image.width, image.height));
    }
    out = std::copy(image.rgb.begin(), image.rgb.end(), out);
  }
  return pixels.permute({0, 3, 1, 2}).contiguous();
}

}  // namespace kvscope
