# Sets FLYT_VERSION for base/version.cpp alone: 0.1.0, or 0.1.0+g1a2b3c4 between releases.
set(version ${PROJECT_VERSION})
find_package(Git QUIET)
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --match "v[0-9]*"
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE described ERROR_QUIET
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(described AND NOT described STREQUAL "v${PROJECT_VERSION}")
    string(REGEX REPLACE "^.*-g" "" commit ${described})
    set(version ${version}+g${commit})
  endif()
  execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --git-path logs/HEAD
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE head_log ERROR_QUIET
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  cmake_path(ABSOLUTE_PATH head_log BASE_DIRECTORY ${CMAKE_SOURCE_DIR})
  if(EXISTS ${head_log})  # describe again after each commit
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${head_log})
  endif()
endif()
set_property(SOURCE ${CMAKE_SOURCE_DIR}/base/version.cpp
             PROPERTY COMPILE_DEFINITIONS "FLYT_VERSION=\"${version}\"")
