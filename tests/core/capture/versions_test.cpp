#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/module.h"
#include "core/capture/capture_reader.h"
#include "core/capture/capture_writer.h"
#include "core/capture/schema.h"
#include "tests/core/capture/edit_file.h"
#include "tests/core/capture/expect_capture.h"
#include "tests/support/example_capture.h"
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

// A part may gain a dataset: files from before do not have it.
TEST_F(OtherVersion, AnOlderFileMayLackANewerDataset) {
  FileLayout layout = testing::example_layout(record_);
  layout.clocks = {"device_events"};
  path_ = folder_ / "b.h5";
  CaptureWriter writer(path_, record_, layout, false);
  for (const std::int64_t first : {0, 2, 4}) {
    BatchRecord batch = testing::example_batch(record_, first, first == 4 ? 1 : 2);
    batch.clocks.resize(1);
    writer.commit(batch);
  }
  writer.finish();
  edit([](hid_t file) { H5Ldelete(file, "/clocks/host_ns", H5P_DEFAULT); });
  EXPECT_THAT(refusal(), HasSubstr("expected dataset /clocks/host_ns, got none"));
  edit([](hid_t file) { testing::set_integer(file, schema::schema_minor, 0); });
  EXPECT_EQ(refusal(), "no refusal");
  EXPECT_EQ(CaptureReader(path_).labels().size(), 5U);
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

std::vector<std::string> known_counters() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < loss_counter_count; ++i) {
    names.emplace_back(name_of(static_cast<LossCounter>(i)));
  }
  return names;
}

void set_losses(hid_t file, const std::vector<std::string>& names,
                const std::vector<std::int64_t>& counts) {
  testing::replace_names(file, "/counter", names);
  testing::replace_dataset(file, "/quality", H5T_STD_I64LE, {counts.size()});
  const hid_t dataset = H5Dopen2(file, "/quality", H5P_DEFAULT);
  H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, counts.data());
  H5Dclose(dataset);
}

void set_quality_text(hid_t file, const char* name, const std::string& text) {
  const hid_t dataset = H5Dopen2(file, "/quality", H5P_DEFAULT);
  testing::set_text(dataset, name, text);
  H5Dclose(dataset);
}

// What a tool warns of, and its exit code, follow from the file where it is the newer one.
TEST_F(OtherVersion, ANewerFileSaysHowMuchItsCountersMatter) {
  std::vector<std::string> names = known_counters();
  std::vector<std::int64_t> counts(names.size(), 0);
  std::string severities;
  std::string sources;
  for (std::size_t i = 0; i < names.size(); ++i) {
    severities += "data_loss ";
    sources += "kv ";
  }
  names.insert(names.end(), {"dreamt_kernels", "unread_dreams", "mixed_dreams"});
  counts.insert(counts.end(), {1, 2, 3});
  make_newer([&](hid_t file) {
    set_losses(file, names, counts);
    set_quality_text(file, schema::severity, severities + "info warning calamity");
    set_quality_text(file, schema::source, sources + "cupti dreamer dreamer");
  });
  const std::vector<Loss> losses = CaptureReader(path_).all_losses();
  ASSERT_EQ(losses.size(), names.size());
  const std::size_t first = loss_counter_count;
  EXPECT_EQ(losses[first].name, "dreamt_kernels");
  EXPECT_EQ(losses[first].count, 1);
  EXPECT_EQ(losses[first].severity, LossSeverity::info);
  EXPECT_EQ(losses[first].source, "cupti");
  EXPECT_EQ(losses[first + 1].severity, LossSeverity::warning);
  EXPECT_EQ(losses[first + 2].severity, LossSeverity::data_loss) << "a word of a later version";
}

TEST_F(OtherVersion, ACounterWithoutASeverityCountsAsDataLoss) {
  std::vector<std::string> names = known_counters();
  names.emplace_back("lost_dreams");
  std::vector<std::int64_t> counts(names.size(), 0);
  counts.back() = 4;
  make_newer([&](hid_t file) { set_losses(file, names, counts); });
  const std::vector<Loss> losses = CaptureReader(path_).all_losses();
  EXPECT_EQ(losses.back().name, "lost_dreams");
  EXPECT_EQ(losses.back().count, 4);
  EXPECT_EQ(losses.back().source, "unknown");
  EXPECT_TRUE(any_loss(losses, LossSeverity::data_loss));
  EXPECT_EQ(losses.front().severity, LossSeverity::data_loss);
}

// Scripts and older versions read it beside the counts.
TEST_F(OtherVersion, AFileSaysWhoCountsAndHowMuchItMatters) {
  std::vector<std::string_view> severities;
  std::vector<std::string_view> sources;
  for (std::size_t i = 0; i < loss_counter_count; ++i) {
    severities.push_back(name_of(severity_of(static_cast<LossCounter>(i))));
    sources.push_back(source_of(static_cast<LossCounter>(i)));
  }
  edit([&](hid_t file) {
    const hid_t dataset = H5Dopen2(file, "/quality", H5P_DEFAULT);
    EXPECT_EQ(testing::text_of(dataset, schema::severity),
              fmt::to_string(fmt::join(severities, " ")));
    EXPECT_EQ(testing::text_of(dataset, schema::source), fmt::to_string(fmt::join(sources, " ")));
    H5Dclose(dataset);
  });
}

// A counter without a place would be lost, and its file would look whole.
TEST_F(OtherVersion, AnUnfinishedFileWithFewerCountersIsNotGoneOnWith) {
  const FileLayout layout = testing::example_layout(record_);
  path_ = folder_ / "b.h5";
  { CaptureWriter(path_, record_, layout, false).commit(testing::example_batch(record_, 0, 2)); }
  std::vector<std::string> names = known_counters();
  names.pop_back();
  testing::edit_file(path_ + ".partial", [&](hid_t file) {
    set_losses(file, names, std::vector<std::int64_t>(names.size(), 0));
  });
  EXPECT_THAT([&] { CaptureWriter(path_, record_, layout, CaptureWriter::Resume{}); },
              ::testing::ThrowsMessage<BadInput>(
                  AllOf(HasSubstr(fmt::format("{} loss counters", names.size() + 1)),
                        HasSubstr(fmt::format("got one with {}", names.size())))));
  EXPECT_EQ(CaptureReader(path_ + ".partial").committed_samples(), 2) << "it stays as it was";
}

TEST_F(OtherVersion, ANewerFileMayHaveMoreModules) {
  make_newer([](hid_t file) {
    std::vector<std::string> modules(module_names.begin(), module_names.end());
    modules.emplace_back("dreamer");
    testing::replace_names(file, "/module", modules);
    testing::replace_dataset(file, "/timing/layer_ns", H5T_STD_I64LE, {3, 2, 2, 3, modules.size()});
    testing::replace_dataset(file, "/timing/model_ns", H5T_STD_I64LE, {3, 2, 3, modules.size()});
  });
  const CaptureReader reader(path_);
  testing::expect_committed_samples(reader);
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
