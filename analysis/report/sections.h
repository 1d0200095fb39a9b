#pragma once

#include <string>

#include "analysis/report/report_files.h"

namespace kvscope {

// Parts of the page as HTML; each is empty when its files are not there.

std::string loss_section(const ReportFiles& files);
std::string headline_section(const ReportFiles& files);
std::string comparison_section(const ReportFiles& files);
std::string memory_section(const ReportFiles& files);
std::string time_section(const ReportFiles& files);
std::string similarity_section(const ReportFiles& files);
std::string attention_section(const ReportFiles& files);
std::string layer_section(const ReportFiles& files);
std::string budget_section(const ReportFiles& files);
std::string image_section(const ReportFiles& files);
std::string settings_section(const ReportFiles& files);
std::string reproduce_section(const ReportFiles& files);

/// A section with an anchor and a heading.
std::string section(const std::string& anchor, const std::string& title, const std::string& body);

/// A paragraph of plain text.
std::string paragraph(const std::string& text, const std::string& css_class = "");

}  // namespace kvscope
