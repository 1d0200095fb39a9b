#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace kvscope::cli {

/// What a path is to kvscope.
enum class PathKind {
  missing,
  model_size,  ///< nothing there, but the name of a published size: "d30"
  folder,      ///< none of the following
  model_folder,
  scorer_folder,
  images_folder,
  sweep_folder,
  hdf5,  ///< HDF5 that opens as none of the following
  capture,
  run,
  analysis,
  trace,
  json,  ///< JSON, or what begins like it, of none of the following schemas
  budget,
  sweep_results,
  plan,  ///< what 'plan --json' prints
  scores,
  forced_agreement,
  png,
  safetensors,
  zip,
  git_lfs_pointer,
  html,
  text,
  empty,
  other,
};

/// Told by content, not by name. Never throws for what it finds.
PathKind kind_of(const std::string& path);

/// With its article, for messages: "a capture", "the images folder of a capture or run".
std::string_view name_of(PathKind kind);

/// Throws BadInput that says what `path` is and that `wanted` is expected, unless it is one of
/// `kinds`. What cannot be told apart from these (damaged, unreadable, not there) passes: its
/// reader says what is wrong with it.
void expect_kind(std::string_view command, const std::string& path, std::string_view wanted,
                 std::initializer_list<PathKind> kinds);

/// The --budget of commands that take one: JSON from 'kvscope plan'.
void expect_budget(std::string_view command, const std::string& path);

/// The results.json of a sweep.
void expect_sweep_results(std::string_view command, const std::string& path);

/// The --scorer of commands that take one.
void expect_scorer_folder(std::string_view command, const std::string& path);

/// The --damage of commands that take one.
void expect_damage(std::string_view command, const std::string& path);

}  // namespace kvscope::cli
