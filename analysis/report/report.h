#pragma once

#include <string>
#include <vector>

#include "core/base/job_control.h"

namespace kvscope {

/// One self-contained HTML page, readable without script, network or colour scheme: headline,
/// comparison, similarity, attention, layer statistic, kept scales, images, settings, how to
/// reproduce.
///
/// `paths` in any order: files with statistics supply the similarity and layer charts, captures and
/// runs the comparison (a vanilla one is the baseline). Parts whose files are not given are left
/// out. Nothing is printed: `control` hears of it. Throws UsageError for no files, BadInput for
/// files that cannot be read or differ in model, Interrupted when `control` says so.
std::string render_report(const std::vector<std::string>& paths, const JobControl& control = {});

}  // namespace kvscope
