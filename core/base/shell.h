#pragma once

#include <string>
#include <string_view>

namespace kvscope {

/// `word` as one word of a POSIX shell, so that a printed command can be pasted. It stays as it is
/// where nothing in it is special. Otherwise it is put in single quotes, or in $'…' (POSIX.1-2024,
/// bash, zsh) where control characters would break the line.
std::string shell_quoted(std::string_view word);

/// The name of a file as one word that no program takes for an option: "-x.h5" becomes "./-x.h5".
std::string shell_quoted_file(std::string_view name);

}  // namespace kvscope
