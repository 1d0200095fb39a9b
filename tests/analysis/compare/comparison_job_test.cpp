// What a user would lose: a window that stands still while files are compared, a Cancel that does
// nothing, and a line of progress in the middle of another program's output.

#include <algorithm>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <hdf5.h>

#include "analysis/compare/comparison.h"
#include "analysis/compare/loaded_capture.h"
#include "core/base/error.h"
#include "core/capture/capture_reader.h"
#include "tests/support/example_capture.h"

namespace {

std::map<std::string, int>& calls() {
  static std::map<std::string, int> counts;  // by "open" or "read " and the dataset's name
  return counts;
}

}  // namespace

// The linker prefers these to those of the shared library.
extern "C" {

hid_t H5Fopen(const char* name, unsigned flags, hid_t access) {
  static const auto real = reinterpret_cast<decltype(&H5Fopen)>(dlsym(RTLD_NEXT, "H5Fopen"));
  ++calls()["open"];
  return real(name, flags, access);
}

herr_t H5Dread(hid_t dataset, hid_t memory_type, hid_t memory_space, hid_t file_space,
               hid_t properties, void* buffer) {
  static const auto real = reinterpret_cast<decltype(&H5Dread)>(dlsym(RTLD_NEXT, "H5Dread"));
  char name[256] = "";
  H5Iget_name(dataset, name, sizeof name);
  ++calls()[std::string("read ") + name];
  return real(dataset, memory_type, memory_space, file_space, properties, buffer);
}
}

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using testing::example_run;
using testing::ExampleRun;
using ::testing::IsEmpty;

/// Writes down what it hears, and asks for a stop at the image `stop_at` of any step.
class Listener : public ProgressSink {
 public:
  void begin(const std::string& title, std::int64_t total, const std::string& unit) override {
    steps.push_back(fmt::format("{}: {} {}", title, total, unit));
    done = 0;
  }
  void advance(std::int64_t items) override {
    done += items;
    if (done == stop_at) source.request_stop();
  }
  JobControl control() { return {.progress = this, .stop = source.get_token()}; }

  std::vector<std::string> steps;
  std::int64_t done = 0;  ///< of the last step
  std::int64_t stop_at = -1;
  std::stop_source source;
};

/// Three runs of 4 samples, the first one the baseline.
class ComparisonJob : public ::testing::Test {
 protected:
  ComparisonJob() {
    const ExampleRun run = example_run({}, testing::example_budget(testing::example_model({}), {}));
    for (const char* name : {"a.h5", "b.h5", "c.h5"}) {
      testing::write_run(run, folder_ / name);
      paths_.push_back(folder_ / name);
    }
  }

  std::vector<CaptureReader> open() const { return {paths_.begin(), paths_.end()}; }

  testing::TempDir folder_;
  std::vector<std::string> paths_;
};

TEST_F(ComparisonJob, ReadsEveryFileOnce) {
  calls().clear();
  compare(open());
  EXPECT_EQ(calls().at("open"), 3);
  EXPECT_EQ(calls().at("read /samples/token_ids"), 3);
  for (const auto& [what, count] : calls()) EXPECT_LE(count, 3) << what;
}

// A viewer holds what it loaded: comparing it again with others must not wait for the disk.
TEST_F(ComparisonJob, ReadsNoFileThatIsLoaded) {
  std::vector<LoadedCapture> loaded;
  for (const std::string& path : paths_) loaded.emplace_back(CaptureReader(path));
  calls().clear();
  const Comparison comparison = compare_loaded(loaded);
  EXPECT_THAT(calls(), IsEmpty());
  EXPECT_EQ(comparison.files[2].tokens->overall, 1);
}

TEST_F(ComparisonJob, TellsWhoeverListensAndPrintsNothing) {
  Listener listener;
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  compare(open(), listener.control());
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(listener.steps,
              ElementsAre("looking for images: 4 images", "looking for images: 4 images",
                          "looking for images: 4 images", "comparing images: 4 images",
                          "comparing images: 4 images"));
  EXPECT_EQ(listener.done, 4);
}

TEST_F(ComparisonJob, StopsBetweenTwoImages) {
  const std::vector<CaptureReader> files = open();
  Listener listener;
  std::vector<LoadedCapture> loaded;
  for (const CaptureReader& file : files) loaded.emplace_back(file, listener.control());
  listener.steps.clear();
  listener.stop_at = 2;
  ::testing::internal::CaptureStderr();
  EXPECT_THROW((void)compare_loaded(loaded, listener.control()), Interrupted);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(listener.steps, ElementsAre("comparing images: 4 images"));
  EXPECT_EQ(listener.done, 2);
}

TEST_F(ComparisonJob, StopsBetweenTwoFiles) {
  Listener listener;
  listener.source.request_stop();
  calls().clear();
  EXPECT_THROW((void)compare(open(), listener.control()), Interrupted);
  EXPECT_EQ(calls().at("read /samples/token_ids"), 1) << "the other files are not even read";
  EXPECT_THAT(listener.steps, IsEmpty());
}

}  // namespace
}  // namespace kvscope
