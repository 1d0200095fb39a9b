# Headers that most sources of a kind include, compiled once for all targets that reuse them. Every
# such target links kvscope_base, so that the definitions of fmt and spdlog are the same.

# Compilers take a precompiled header only under the code model it was made with.
set(CMAKE_CXX_COMPILE_OPTIONS_PIE ${CMAKE_CXX_COMPILE_OPTIONS_PIC})

# kvscope_precompiled_headers(name HEADERS … [DEPENDS …])
function(kvscope_precompiled_headers name)
  cmake_parse_arguments(arg "" "" "HEADERS;DEPENDS" ${ARGN})
  add_library(${name} OBJECT "${CMAKE_SOURCE_DIR}/cmake/precompiled_headers.cpp")
  target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} kvscope_warnings
    fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json)
endfunction()

set(common_headers <fmt/format.h> <fmt/ranges.h> <nlohmann/json.hpp>)
kvscope_precompiled_headers(kvscope_precompiled HEADERS ${common_headers})
kvscope_precompiled_headers(kvscope_precompiled_cli
  HEADERS ${common_headers} <CLI/CLI.hpp> DEPENDS CLI11::CLI11)
if(KVSCOPE_WITH_TORCH)
  kvscope_precompiled_headers(kvscope_precompiled_torch
    HEADERS ${common_headers} <ATen/ATen.h> DEPENDS LibTorch::LibTorch)
endif()
if(KVSCOPE_TESTS)
  find_package(GTest REQUIRED)
  kvscope_precompiled_headers(kvscope_precompiled_tests
    HEADERS ${common_headers} <gmock/gmock.h> DEPENDS GTest::gmock)
  if(KVSCOPE_WITH_TORCH)
    kvscope_precompiled_headers(kvscope_precompiled_torch_tests
      HEADERS ${common_headers} <ATen/ATen.h> <gmock/gmock.h>
      DEPENDS LibTorch::LibTorch GTest::gmock)
  endif()
endif()
