# Settles what this build has: KVSCOPE_WITH_TORCH, KVSCOPE_WITH_CUDA, KVSCOPE_WITH_GUI, each with a
# reason, and finds the packages that every build needs.

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(CLI11 REQUIRED)

# kvscope_feature(NAME available reason): sets KVSCOPE_WITH_<NAME> from the option and what was found.
function(kvscope_feature name available reason)
  set(wanted "${KVSCOPE_${name}}")
  if(wanted STREQUAL "OFF")
    set(value OFF)
    set(reason "switched off by KVSCOPE_${name}")
  elseif(available)
    set(value ON)
  elseif(wanted STREQUAL "ON")
    message(FATAL_ERROR "KVSCOPE_${name}=ON, but ${reason}")
  else()
    set(value OFF)
  endif()
  set(KVSCOPE_WITH_${name} ${value} PARENT_SCOPE)
  set(KVSCOPE_WITH_${name}_REASON "${reason}" PARENT_SCOPE)
endfunction()

if(KVSCOPE_TORCH STREQUAL "OFF")
  kvscope_feature(TORCH OFF "")
else()
  find_package(LibTorch QUIET)
  if(LibTorch_FOUND)
    kvscope_feature(TORCH ON "LibTorch ${LibTorch_VERSION} in ${LibTorch_ROOT_DIR}")
  else()
    kvscope_feature(TORCH OFF "no torch wheel was found (run scripts/setup.sh, or set KVSCOPE_TORCH_ROOT)")
  endif()
endif()

if(KVSCOPE_WITH_TORCH AND LibTorch_HAS_CUDA)
  kvscope_feature(CUDA ON "CUDA devices through LibTorch")
elseif(KVSCOPE_WITH_TORCH)
  kvscope_feature(CUDA OFF "this LibTorch has no CUDA libraries")
else()
  kvscope_feature(CUDA OFF "it comes through LibTorch, which is off")
endif()
kvscope_feature(GUI OFF "this version has no viewer yet")

if(KVSCOPE_WITH_CUDA)
  # Nothing names a symbol of torch_cuda: without --no-as-needed the linker would drop it and
  # LibTorch would find no CUDA backend.
  target_link_options(LibTorch::LibTorch INTERFACE
    "-Wl,--no-as-needed,${LibTorch_CUDA_LIBRARY},${LibTorch_C10_CUDA_LIBRARY},--as-needed")
endif()

function(kvscope_print_features)
  message(STATUS "kvscope ${PROJECT_VERSION}, ${CMAKE_BUILD_TYPE}")
  message(STATUS "  HDF5  ${HDF5_VERSION}, fmt ${fmt_VERSION}, spdlog ${spdlog_VERSION}")
  foreach(name TORCH CUDA GUI)
    message(STATUS "  ${name}  ${KVSCOPE_WITH_${name}}: ${KVSCOPE_WITH_${name}_REASON}")
  endforeach()
endfunction()

# kvscope_library(name SOURCES … [DEPENDS …] [TORCH] [CLI]): one static library for one folder, with
# the shared precompiled header of its kind.
function(kvscope_library name)
  cmake_parse_arguments(arg "TORCH;CLI" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_DEPENDS} PRIVATE kvscope_warnings)
  if(arg_TORCH)
    target_link_libraries(${name} PUBLIC LibTorch::LibTorch)
    target_precompile_headers(${name} REUSE_FROM kvscope_precompiled_torch)
  elseif(arg_CLI)
    target_precompile_headers(${name} REUSE_FROM kvscope_precompiled_cli)
  else()
    target_precompile_headers(${name} REUSE_FROM kvscope_precompiled)
  endif()
endfunction()
