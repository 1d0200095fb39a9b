# Finds LibTorch inside a torch wheel and defines the imported target LibTorch::LibTorch.
#
# torch's own package file asks for a CUDA toolkit even for a CPU build, so the targets are defined
# here from the wheel's paths. The search order is KVSCOPE_TORCH_ROOT (the folder `torch` of the
# wheel), then .venv, then the python3 on PATH.
#
# Sets LibTorch_FOUND, LibTorch_ROOT_DIR, LibTorch_VERSION, LibTorch_HAS_CUDA.

function(_libtorch_root_of python out)
  execute_process(
    COMMAND "${python}" -c
      "import importlib.util as u; print(list(u.find_spec('torch').submodule_search_locations)[0])"
    OUTPUT_VARIABLE root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(failed)
    set(root "")
  endif()
  set(${out} "${root}" PARENT_SCOPE)
endfunction()

set(LibTorch_ROOT_DIR "${KVSCOPE_TORCH_ROOT}")
foreach(python "${CMAKE_SOURCE_DIR}/.venv/bin/python" python3)
  if(NOT LibTorch_ROOT_DIR)
    _libtorch_root_of("${python}" LibTorch_ROOT_DIR)
  endif()
endforeach()

if(LibTorch_ROOT_DIR AND EXISTS "${LibTorch_ROOT_DIR}/version.py")
  file(STRINGS "${LibTorch_ROOT_DIR}/version.py" _line REGEX "^__version__")
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+[^']*" LibTorch_VERSION "${_line}")
endif()

# NO_CACHE: after a change of KVSCOPE_TORCH_ROOT the old wheel must not stay.
find_library(LibTorch_LIBRARY torch PATHS "${LibTorch_ROOT_DIR}/lib" NO_DEFAULT_PATH NO_CACHE)
find_library(LibTorch_CPU_LIBRARY torch_cpu PATHS "${LibTorch_ROOT_DIR}/lib" NO_DEFAULT_PATH NO_CACHE)
find_library(LibTorch_C10_LIBRARY c10 PATHS "${LibTorch_ROOT_DIR}/lib" NO_DEFAULT_PATH NO_CACHE)
find_library(LibTorch_CUDA_LIBRARY torch_cuda PATHS "${LibTorch_ROOT_DIR}/lib" NO_DEFAULT_PATH NO_CACHE)
find_library(LibTorch_C10_CUDA_LIBRARY c10_cuda PATHS "${LibTorch_ROOT_DIR}/lib" NO_DEFAULT_PATH NO_CACHE)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_LIBRARY LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY
  VERSION_VAR LibTorch_VERSION)

if(LibTorch_CUDA_LIBRARY AND LibTorch_C10_CUDA_LIBRARY)
  set(LibTorch_HAS_CUDA TRUE)
else()
  set(LibTorch_HAS_CUDA FALSE)
endif()

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  # The wheel bundles fmt 12, which would shadow the system's fmt: include through an overlay that
  # links to every entry but fmt.
  set(_overlay "${CMAKE_BINARY_DIR}/libtorch-include")
  file(MAKE_DIRECTORY "${_overlay}")
  file(GLOB _entries "${LibTorch_ROOT_DIR}/include/*")
  foreach(_entry IN LISTS _entries)
    get_filename_component(_name "${_entry}" NAME)
    if(NOT _name STREQUAL "fmt")
      file(CREATE_LINK "${_entry}" "${_overlay}/${_name}" SYMBOLIC)
    endif()
  endforeach()

  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
    "${_overlay}" "${_overlay}/torch/csrc/api/include")
  # libtorch exports std::filesystem symbols of an older libstdc++: the system's, shared or static,
  # must come first, or std::filesystem::remove_all calls into the wrong one and crashes.
  target_link_libraries(LibTorch::LibTorch INTERFACE
    stdc++ "${LibTorch_LIBRARY}" "${LibTorch_CPU_LIBRARY}" "${LibTorch_C10_LIBRARY}")
  target_link_options(LibTorch::LibTorch INTERFACE "-Wl,-rpath,${LibTorch_ROOT_DIR}/lib")
endif()
