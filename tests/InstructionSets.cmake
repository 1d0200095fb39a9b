# Parity on the instruction sets of other machines: ATen's, oneDNN's and MKL's kernels are held back,
# so that every machine checks what a lesser one will see. Label isa (ctest -L isa, or -LE isa).
if(NOT KVSCOPE_WITH_TORCH)
  return()
endif()

file(STRINGS /proc/cpuinfo processor_flags REGEX "^flags" LIMIT_COUNT 1)

# kvscope_parity_test(set name variables… COMMAND command…): the command under these variables.
function(kvscope_parity_test set name)
  cmake_parse_arguments(arg "" "FOLDER" "ENVIRONMENT;COMMAND" ${ARGN})
  if(NOT arg_FOLDER)
    set(arg_FOLDER ${CMAKE_CURRENT_BINARY_DIR})
  endif()
  add_test(NAME parity.${set}.${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${arg_FOLDER})
  set_tests_properties(parity.${set}.${name} PROPERTIES
    ENVIRONMENT "${KVSCOPE_TORCH_ENVIRONMENT};${arg_ENVIRONMENT}" LABELS isa TIMEOUT 600)
endfunction()

# kvscope_parity_tests(set needed variables…): what the published code drew, under these variables.
# Without the processor flag `needed` ATen would end with an illegal instruction.
function(kvscope_parity_tests set needed)
  if(needed AND NOT processor_flags MATCHES " ${needed}( |$)")
    return()
  endif()
  kvscope_parity_test(${set} generation ENVIRONMENT ${ARGN}
    COMMAND generate_test --gtest_filter=*Parity*)
  # Low precision is emulated on lesser processors: minutes, for what only has to be close.
  kvscope_parity_test(${set} vqvae ENVIRONMENT ${ARGN}
    COMMAND vqvae_test --gtest_filter=Golden*-*LowPrecision*)
  kvscope_parity_test(${set} statistics ENVIRONMENT ${ARGN}
    COMMAND collectors_test --gtest_filter=GoldenStatistics.*)
  set(python "${CMAKE_SOURCE_DIR}/.venv/bin/python")
  if(EXISTS "${python}")
    kvscope_parity_test(${set} reference ENVIRONMENT ${ARGN} PYTHONDONTWRITEBYTECODE=1
      FOLDER ${CMAKE_CURRENT_SOURCE_DIR}/scripts
      COMMAND ${python} -m unittest -v reference_var_test)
  endif()
endfunction()

kvscope_parity_tests(default "" ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41
  MKL_CBWR=COMPATIBLE)
kvscope_parity_tests(avx2 avx2 ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=AVX2)
kvscope_parity_tests(avx512 avx512f ATEN_CPU_CAPABILITY=avx512 ONEDNN_MAX_CPU_ISA=AVX512_CORE
  MKL_CBWR=AVX512)
