# flyt_folder(NAME [USE folder...] [LINK library...]): all sources under NAME become flyt_NAME.
# A folder that has no source yet is a library of headers.
function(flyt_folder name)
  cmake_parse_arguments(ARG "" "" "USE;LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.cpp)
  # main.cpp is the program; nbdkit_*.cpp are plugins, loaded by another program.
  list(FILTER sources EXCLUDE REGEX "(/cli/main|/nbdkit_[^/]*)\\.cpp$")
  list(TRANSFORM ARG_USE PREPEND flyt_)
  set(everywhere fmt::fmt tl::expected nlohmann_json::nlohmann_json)
  if(NOT sources)
    add_library(flyt_${name} INTERFACE)
    target_link_libraries(flyt_${name} INTERFACE ${ARG_USE} ${ARG_LINK} ${everywhere} standard_settings)
    return()
  endif()
  add_library(flyt_${name} STATIC ${sources})
  target_link_libraries(flyt_${name} PUBLIC ${ARG_USE} ${everywhere} standard_settings
                                     PRIVATE ${ARG_LINK} standard_warnings)
  if(name IN_LIST busy_folders)
    # Without the header: clang takes one only with the optimization that it was made with.
    target_compile_options(flyt_${name} PRIVATE -O1)
  else()
    flyt_precompile(flyt_${name} ${CMAKE_SOURCE_DIR}/cmake/precompiled.hpp)
  endif()
endfunction()

# flyt_precompile(TARGET HEADER): the first target compiles the header, the others share it.
# What it hides is found by header_check, and by clang-tidy in what has changed.
function(flyt_precompile target header)
  if(NOT FLYT_PCH)
    return()
  endif()
  get_property(first GLOBAL PROPERTY flyt_precompiled_${header})
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
  else()
    target_precompile_headers(${target} PRIVATE ${header})
    set_property(GLOBAL PROPERTY flyt_precompiled_${header} ${target})
  endif()
endfunction()
