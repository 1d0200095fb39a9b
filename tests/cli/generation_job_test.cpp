#include "cli/engine/generation_job.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/capture/capture_images.h"
#include "tests/collectors/fake_generation.h"
#include "tests/support/temp_dir.h"

namespace kvscope::cli {
namespace {

using ::testing::ElementsAre;

/// A job whose generator is not of this program: every runtime must do for every command.
class JobOnAnotherGenerator : public ::testing::Test {
 protected:
  JobOnAnotherGenerator() {
    const std::string model = folder_ / "model";
    std::filesystem::create_directory(model);
    std::ofstream(model + "/config.json") << to_json(testing::tiny_model());
    options_.model = model;
    options_.random_weights = 1;
    options_.labels = {3, 7};
    options_.samples = 4;
    options_.batch = 2;
    options_.dtype = "fp16";
  }

  GenerationJob make(FileKind kind) {
    return {options_,
            kind,
            {},
            [this](const LoadedModel& model, const GeneratorSettings& settings, const Budget&) {
              EXPECT_EQ(model.config, testing::tiny_model());
              EXPECT_EQ(settings.dtype, "fp16");
              auto generator = std::make_unique<testing::FakeGenerator>();
              generator_ = generator.get();
              return generator;
            }};
  }

  std::int64_t told_ = 0;
  GenerationJob::OnSamples on_samples_ = [this](std::int64_t samples) { told_ += samples; };
  testing::TempDir folder_;
  GenerationOptions options_;
  testing::FakeGenerator* generator_ = nullptr;  // of the job
};

TEST_F(JobOnAnotherGenerator, WritesTheFileOfARun) {
  options_.repeat = 2;
  GenerationJob job = make(FileKind::run);
  job.warm_up(1, false);
  job.run(job.record().budget, folder_ / "a.h5", false, on_samples_);
  EXPECT_EQ(told_, 4);
  EXPECT_EQ(generator_->passes, 1 + 2 * 2);
  const CaptureReader file(folder_ / "a.h5");
  EXPECT_TRUE(file.complete());
  EXPECT_EQ(file.token_ids()(3, 0), 1) << "the fake draws the index of the batch";
  EXPECT_EQ(file.ledger().key_element_bytes, 4) << "as the generator says";
  EXPECT_FALSE(CaptureImages(file).missing().any());
}

// The tables and the warnings of a job speak of the cache that runs.
TEST_F(JobOnAnotherGenerator, CountsInTheBytesOfItsGenerator) {
  GenerationJob job = make(FileKind::run);
  EXPECT_EQ(job.shape(), generator_->kv_shape(2));
}

TEST_F(JobOnAnotherGenerator, RunsBudgetsInTurn) {
  GenerationJob job = make(FileKind::run);
  job.run_in_turn(folder_ / "a.h5", folder_ / "vanilla.h5", false, on_samples_);
  EXPECT_EQ(generator_->caches_kept, 2U);
  EXPECT_THAT(generator_->policies, ElementsAre("vanilla", "vanilla", "vanilla", "vanilla"));
  EXPECT_TRUE(CaptureReader(folder_ / "vanilla.h5").complete());
}

}  // namespace
}  // namespace kvscope::cli
