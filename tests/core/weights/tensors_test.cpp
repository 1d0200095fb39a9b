// What a user would lose: weights that change on the way into a tensor, or vanish with the file.

#include "core/weights/tensors.h"

#include <memory>

#include <ATen/ops/arange.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/core/weights/safetensors_bytes.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using kvscope::testing::safetensors_bytes;
using kvscope::testing::TempDir;
using kvscope::testing::write_bytes;

TEST(Tensors, EveryDtypeComesBackEqual) {
  const TempDir folder;
  std::map<std::string, at::Tensor, std::less<>> tensors;
  for (const auto type : {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble, at::kInt, at::kLong}) {
    tensors[c10::toString(type)] = at::arange(12, at::kFloat).to(type).view({3, 4});
  }
  tensors["scalar"] = at::ones({});
  tensors["empty"] = at::zeros({0, 3});
  tensors["transposed"] = at::arange(6, at::kFloat).view({2, 3}).t();
  write_safetensors(folder / "x.safetensors", tensors);
  const SafetensorsFile file(folder / "x.safetensors");
  for (const auto& [name, expected] : tensors) {
    const at::Tensor found = tensor_of(file, file.tensors().find(name)->second);
    EXPECT_EQ(found.scalar_type(), expected.scalar_type()) << name;
    EXPECT_TRUE(found.equal(expected)) << name;
  }
}

TEST(Tensors, OutliveTheFileObjectWithoutACopy) {
  const TempDir folder;
  write_safetensors(folder / "x.safetensors", {{"a", at::arange(1000, at::kFloat)}});
  auto file = std::make_unique<SafetensorsFile>(folder / "x.safetensors");
  const TensorView view = file->tensors().at("a");
  const at::Tensor tensor = tensor_of(*file, view);
  EXPECT_EQ(tensor.const_data_ptr(), static_cast<const void*>(view.bytes.data()));
  file.reset();
  EXPECT_TRUE(tensor.equal(at::arange(1000, at::kFloat)));
}

TEST(Tensors, ChangingOneInPlaceLeavesTheFileAlone) {
  const TempDir folder;
  write_safetensors(folder / "x.safetensors", {{"a", at::ones({4})}});
  {
    const SafetensorsFile file(folder / "x.safetensors");
    at::Tensor tensor = tensor_of(file, file.tensors().at("a"));
    tensor.zero_();
  }
  const SafetensorsFile file(folder / "x.safetensors");
  EXPECT_TRUE(tensor_of(file, file.tensors().at("a")).equal(at::ones({4})));
}

TEST(Tensors, UnalignedDataIsCopiedIntoPlace) {
  const TempDir folder;
  // One byte of padding in the header moves the data off the multiples of eight.
  std::string header = R"({"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}})";
  if (header.size() % 8 == 0) header += ' ';
  write_bytes(folder / "x.safetensors", safetensors_bytes(header, 16));
  const SafetensorsFile file(folder / "x.safetensors");
  const at::Tensor tensor = tensor_of(file, file.tensors().at("a"));
  EXPECT_EQ(tensor[0].item<std::int64_t>(), 0x0706050403020100);
}

TEST(Tensors, ElementTypesWithoutANameAreRefused) {
  const TempDir folder;
  EXPECT_THROW(write_safetensors(folder / "x.safetensors",
                                 {{"a", at::zeros({2}, at::TensorOptions(at::kBool))}}),
               Error);
}

}  // namespace
}  // namespace kvscope
