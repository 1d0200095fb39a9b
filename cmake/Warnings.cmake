# Our own code compiles without a warning; third-party headers come in as SYSTEM.
add_library(kvscope_warnings INTERFACE)
target_compile_options(kvscope_warnings INTERFACE -Wall -Wextra -Wpedantic -Werror)
