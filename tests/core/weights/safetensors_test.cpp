// What a user would lose: a damaged or hostile weights file would be read as if it were sound, or
// end the program without a reason.

#include "core/weights/safetensors.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/weights/sha256.h"
#include "tests/core/weights/safetensors_bytes.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using kvscope::testing::safetensors_bytes;
using kvscope::testing::TempDir;
using kvscope::testing::write_bytes;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string message_of_reading(const std::string& path) {
  try {
    const SafetensorsFile file(path);
  } catch (const BadInput& error) {
    return error.what();
  }
  return "it was read";
}

struct Malformed {
  std::string name;
  std::string bytes;
  std::string reason;
};

class MalformedFile : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedFile, IsRefusedWithItsReason) {
  const TempDir folder;
  const std::string path = folder / "weights.safetensors";
  write_bytes(path, GetParam().bytes);
  const std::string message = message_of_reading(path);
  EXPECT_THAT(message, AllOf(AnyOf(StartsWith("[safetensors] " + path + ": expected "),
                                   StartsWith("[safetensors header] " + path + ": expected ")),
                             HasSubstr(GetParam().reason)));
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

std::string one(const std::string& entry, std::size_t data_bytes = 8) {
  return safetensors_bytes(R"({"a":)" + entry + "}", data_bytes);
}

std::string two(const std::string& offsets_of_a, const std::string& offsets_of_b,
                std::size_t data_bytes) {
  return safetensors_bytes(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + offsets_of_a +
                               R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" +
                               offsets_of_b + "}}",
                           data_bytes);
}

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + rest;
}

INSTANTIATE_TEST_SUITE_P(
    Safetensors, MalformedFile,
    ::testing::Values(
        Malformed{"Empty", "", "an empty file"},  //
        Malformed{"ShorterThanItsLength", "abc", "got 3 bytes"},
        Malformed{"WrongMagic", "PK\x03\x04 this is a zip of torch.save", "at most 100 MB"},
        Malformed{"HeaderOver100MB", with_length(100'000'001, "{}"), "100000001 bytes"},
        Malformed{"LengthThatWraps", with_length(~std::uint64_t{0}, "{}"), "at most 100 MB"},
        Malformed{"HeaderCutOff", with_length(50, "{}"), "ends after 10 bytes"},
        Malformed{"NoJson", safetensors_bytes("{\"a\":", 0), "valid JSON"},
        Malformed{"EmptyHeader", safetensors_bytes("", 0), "valid JSON"},
        Malformed{"NumberOutOfRange", safetensors_bytes(R"({"a":1e999})", 0), "range of a double"},
        Malformed{"NotUtf8", safetensors_bytes("{\"\xff\":1}", 0), "valid JSON"},
        Malformed{"NoObject", safetensors_bytes("[1,2]", 0), "JSON object"},
        Malformed{"EntryNoObject", one("3"), "a to be an object"},
        Malformed{"NameTwice",
                  safetensors_bytes(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                                    R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                                    8),
                  "'a' twice"},
        Malformed{"KeyTwiceInAnEntry",
                  one(R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"),
                  "'a.dtype' twice"},
        Malformed{"DtypeNoText", one(R"({"dtype":8,"shape":[8],"data_offsets":[0,8]})"), "a.dtype"},
        Malformed{
            "UnknownDtypeWithAHole",
            safetensors_bytes(R"({"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,7]}})", 8),
            "7 bytes of data, got 8"},
        Malformed{"NoDtype", one(R"({"shape":[2],"data_offsets":[0,8]})"), "a.dtype"},
        Malformed{"NoShape", one(R"({"dtype":"F32","data_offsets":[0,8]})"), "a.shape"},
        Malformed{"NoOffsets", one(R"({"dtype":"F32","shape":[2]})"), "a.data_offsets"},
        Malformed{"UnknownKey",
                  one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"stride":[1]})"),
                  "'a.stride'"},
        Malformed{"MillionBracketsForASize",
                  one(R"({"dtype":"F32","shape":[)" + std::string(1000000, '[') +
                      std::string(1000000, ']') + R"(],"data_offsets":[0,8]})"),
                  "at most 32 nested levels"},
        Malformed{"NegativeSize", one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"),
                  "a.shape"},
        Malformed{"FractionalSize", one(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"),
                  "a.shape"},
        Malformed{"SizeBeyond63Bits",
                  one(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]})"),
                  "a.shape"},
        Malformed{"ShapeThatOverflows",
                  one(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
                  "below 2^63"},
        Malformed{"ShapeThatWrapsToItsBytes",
                  one(R"({"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]})"),
                  "below 2^63"},
        Malformed{"OffsetsReversed", one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"),
                  "[begin, end]"},
        Malformed{"ThreeOffsets", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})"),
                  "[begin, end]"},
        Malformed{"ShapeOtherThanItsBytes",
                  one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"), "12 bytes apart"},
        Malformed{"Overlap", two("[0,8]", "[4,12]", 12), "'b' to begin at byte 8"},
        Malformed{"SameBytesTwice", two("[0,8]", "[0,8]", 8), "to begin at byte 8"},
        Malformed{"Hole", two("[0,8]", "[12,20]", 20), "'b' to begin at byte 8"},
        Malformed{"HoleAtTheBeginning", two("[4,12]", "[12,20]", 20), "'a' to begin at byte 0"},
        Malformed{"DataCutOff", two("[0,8]", "[8,16]", 15), "16 bytes of data, got 15"},
        Malformed{"BytesBehindTheData", two("[0,8]", "[8,16]", 17), "16 bytes of data, got 17"},
        Malformed{"MetadataNoText", safetensors_bytes(R"({"__metadata__":{"format":1}})", 0),
                  "__metadata__.format"}),
    [](const ::testing::TestParamInfo<Malformed>& info) { return info.param.name; });

TEST(Safetensors, MissingFileAndFolderAreRefused) {
  const TempDir folder;
  EXPECT_THAT(message_of_reading(folder / "no.safetensors"), HasSubstr("No such file"));
  EXPECT_THAT(message_of_reading(folder.path().string()), HasSubstr("a regular file"));
}

TEST(Safetensors, OrderInTheHeaderNeedNotBeThatOfTheData) {
  const TempDir folder;
  write_bytes(folder / "x.safetensors", two("[8,16]", "[0,8]", 16));
  const SafetensorsFile file(folder / "x.safetensors");
  EXPECT_EQ(file.tensors().at("a").bytes[0], std::byte{8});
  EXPECT_EQ(file.tensors().at("b").bytes[0], std::byte{0});
}

// Lost without it: a whole checkpoint would be refused for the type of a buffer nobody reads.
TEST(Safetensors, TypesThatAreNotUnderstoodAreCarried) {
  const TempDir folder;
  write_bytes(folder / "x.safetensors",
              safetensors_bytes(R"({"mask":{"dtype":"BOOL","shape":[2,2],"data_offsets":[0,4]},)"
                                R"("fine":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
                                R"("tiny":{"dtype":"F4_E2M1","shape":[4],"data_offsets":[8,10]}})",
                                10));
  const SafetensorsFile file(folder / "x.safetensors");
  ASSERT_EQ(file.tensors().size(), 3U);
  const TensorView& tiny = file.tensors().at("tiny");
  EXPECT_EQ(tiny.dtype, TensorDtype::other);
  EXPECT_EQ(tiny.other_dtype, "F4_E2M1");
  EXPECT_EQ(tiny.bytes.size(), 2U);
  EXPECT_EQ(file.tensors().at("fine").bytes[0], std::byte{4});
}

TEST(Safetensors, WhatIsWrittenIsReadBack) {
  const std::string bytes(48, 'x');
  const auto view = [&](TensorDtype dtype, std::vector<std::int64_t> shape, std::size_t size) {
    return TensorView{dtype, std::move(shape), std::as_bytes(std::span(bytes)).first(size)};
  };
  const TensorViews written = {
      {"empty", view(TensorDtype::f32, {0, 4}, 0)},   {"f16", view(TensorDtype::f16, {2, 3}, 12)},
      {"bf16", view(TensorDtype::bf16, {1}, 2)},      {"f32", view(TensorDtype::f32, {}, 4)},
      {"f64", view(TensorDtype::f64, {2, 1, 3}, 48)}, {"i32", view(TensorDtype::i32, {5}, 20)},
      {"i64", view(TensorDtype::i64, {1, 1}, 8)}};
  const TempDir folder;
  write_safetensors(folder / "x.safetensors", written, {{"made_by", "a \"test\""}});
  const SafetensorsFile file(folder / "x.safetensors");
  EXPECT_EQ(file.metadata().at("made_by"), "a \"test\"");
  ASSERT_EQ(file.tensors().size(), written.size());
  for (const auto& [name, expected] : written) {
    const TensorView& found = file.tensors().find(name)->second;
    EXPECT_EQ(found.dtype, expected.dtype) << name;
    EXPECT_EQ(found.shape, expected.shape) << name;
    EXPECT_TRUE(std::ranges::equal(found.bytes, expected.bytes)) << name;
  }
}

TEST(Safetensors, WriterRefusesAViewThatDoesNotFitItsShape) {
  const TempDir folder;
  const std::string bytes(8, 'x');
  const TensorViews views = {{"a", {TensorDtype::f32, {3}, std::as_bytes(std::span(bytes))}}};
  EXPECT_THROW(write_safetensors(folder / "x.safetensors", views), Error);
}

TEST(Safetensors, WriterSaysWhenTheDiskIsFullOrTheFolderMissing) {
  const std::string bytes(1 << 20, 'x');
  const TensorViews views = {{"a", {TensorDtype::f16, {1 << 19}, std::as_bytes(std::span(bytes))}}};
  EXPECT_THROW(write_safetensors("/dev/full", views), Error);
  const TempDir folder;
  EXPECT_THROW(write_safetensors(folder / "missing/x.safetensors", views), Error);
}

// FIPS 180-4 example values, as published by NIST.
TEST(Sha256, AgreesWithThePublishedExamples) {
  const std::string text = "abc";
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span(text))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace kvscope
