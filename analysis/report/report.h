#pragma once

#include <string>
#include <vector>

namespace kvscope {

/// One self-contained HTML page, readable without script, network or colour scheme: headline,
/// comparison, similarity, attention, layer statistic, kept scales, images, settings, how to
/// reproduce.
///
/// `paths` in any order: files with statistics supply the similarity and layer charts, captures and
/// runs the comparison (a vanilla one is the baseline). Parts whose files are not given are left
/// out. Throws UsageError for no files, BadInput for files that cannot be read or differ in model.
std::string render_report(const std::vector<std::string>& paths);

}  // namespace kvscope
