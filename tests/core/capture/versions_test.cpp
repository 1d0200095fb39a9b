#include <filesystem>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/module.h"
#include "core/capture/capture_reader.h"
#include "core/capture/schema.h"
#include "tests/core/capture/edit_file.h"
#include "tests/core/capture/example_capture.h"
#include "tests/core/capture/expect_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

constexpr int next_minor = schema::minor_version + 1;

/// Files that another version of the same major one would write.
class OtherVersion : public ::testing::Test {
 protected:
  OtherVersion() { testing::write_example(path_, record_, testing::example_layout(record_)); }

  void edit(const std::function<void(hid_t)>& change) { testing::edit_file(path_, change); }
  void make_newer(const std::function<void(hid_t)>& change) {
    edit([&](hid_t file) {
      testing::set_integer(file, schema::schema_minor, next_minor);
      change(file);
    });
  }

  std::string refusal() const {
    try {
      const CaptureReader reader(path_);
    } catch (const BadInput& mistake) {
      return mistake.what();
    }
    return "no refusal";
  }

  /// Everything that this version knows is there, whatever stands beside it.
  void expect_whole() const {
    const CaptureReader reader(path_);
    EXPECT_EQ(reader.record().settings, record_.settings);
    testing::expect_committed_samples(reader);
    EXPECT_EQ(reader.losses()[LossCounter::overflowed_values], 3);
    EXPECT_EQ(reader.ledger().logical_bytes(1, 2), 205);
    EXPECT_EQ(reader.statistics()->mass, testing::means_of_batches(reader).mass);
  }

  testing::TempDir folder_;
  std::string path_ = folder_ / "a.h5";
  RunRecord record_ = testing::example_record(5);
};

// Every root attribute that came after 1.0 is missing there.
TEST_F(OtherVersion, AFileOfTheFirstVersionOpens) {
  edit([](hid_t file) {
    for (const schema::Attribute& attribute : schema::attributes) {
      if (attribute.owner == "/" && attribute.since > 0) {
        ASSERT_GE(H5Adelete(file, std::string(attribute.name).c_str()), 0) << attribute.name;
      }
    }
  });
  expect_whole();
}

// The same hole in a file of today is damage.
TEST_F(OtherVersion, AFileOfThisVersionHasEverythingOfIt) {
  edit([](hid_t file) { H5Adelete(file, schema::optional_contents); });
  EXPECT_THAT(refusal(), HasSubstr("expected attribute optional_contents, got none"));
  edit([](hid_t file) { testing::set_integer(file, schema::schema_minor, -1); });
  EXPECT_THAT(refusal(), HasSubstr("schema_minor to be a minor version, got -1"));
}

TEST_F(OtherVersion, ANewerFileOpensWithoutItsOptionalParts) {
  make_newer([](hid_t file) {
    testing::set_text(file, schema::optional_contents, "dreams colours");
    testing::replace_dataset(file, "/dreams", H5T_STD_I64LE, {7});
    testing::replace_dataset(file, "/samples/mood", H5T_STD_I64LE, {5});
  });
  CaptureStderr();
  expect_whole();
  (void)CaptureReader(path_);
  const std::string said = GetCapturedStderr();
  EXPECT_THAT(said, AllOf(HasSubstr(path_), HasSubstr("parts dreams, colours"),
                          HasSubstr(schema::version_name(next_minor))));
  EXPECT_EQ(said.find(path_), said.rfind(path_)) << "a notice for every reader of the file";
}

// What it stands for is unknown, and all the rest may have another meaning because of it.
TEST_F(OtherVersion, ANewerFileWithAPartThatMustBeKnownIsRefusedByName) {
  make_newer([](hid_t file) {
    testing::set_text(file, schema::contents, testing::text_of(file, schema::contents) + " dreams");
  });
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_), HasSubstr("contents to name parts"),
                               HasSubstr("got dreams (a newer kvscope reads it)")));
}

TEST_F(OtherVersion, ANewerFileMayHaveMoreCountersAndModules) {
  make_newer([](hid_t file) {
    std::vector<std::string> counters;
    for (std::size_t i = 0; i < loss_counter_count; ++i) {
      counters.emplace_back(name_of(static_cast<LossCounter>(i)));
    }
    counters.emplace_back("lost_dreams");
    testing::replace_names(file, "/counter", counters);
    testing::replace_dataset(file, "/quality", H5T_STD_I64LE, {counters.size()});
    std::vector<std::string> modules(module_names.begin(), module_names.end());
    modules.emplace_back("dreamer");
    testing::replace_names(file, "/module", modules);
    testing::replace_dataset(file, "/timing/layer_ns", H5T_STD_I64LE, {3, 2, 2, 3, modules.size()});
    testing::replace_dataset(file, "/timing/model_ns", H5T_STD_I64LE, {3, 2, 3, modules.size()});
  });
  const CaptureReader reader(path_);
  testing::expect_committed_samples(reader);
  EXPECT_FALSE(reader.losses().any()) << "the known ones of a dataset of zeros";
  EXPECT_EQ(reader.timings()->modules.back(), "dreamer");
  EXPECT_EQ(reader.timings()->layer_ns.shape.back(), module_count + 1);
}

TEST_F(OtherVersion, ANewerFileMayHaveMoreSettings) {
  nlohmann::json settings = to_json(record_.settings);
  settings["min_p"] = 0.1;
  edit([&](hid_t file) { testing::set_text(file, "settings", settings.dump()); });
  EXPECT_THAT(refusal(), HasSubstr("got 'min_p'")) << "in a file of today it is damage";
  make_newer([](hid_t) {});
  CaptureStderr();
  expect_whole();
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("without its settings min_p"));
}

// /kv would be read with the wrong coordinates.
TEST_F(OtherVersion, WhatIsKeptMustBeKnown) {
  nlohmann::json settings = to_json(record_.settings);
  settings["keep"]["moons"] = {1};
  make_newer([&](hid_t file) { testing::set_text(file, "settings", settings.dump()); });
  EXPECT_THAT(refusal(), HasSubstr("keep.moons"));
}

}  // namespace
}  // namespace kvscope
