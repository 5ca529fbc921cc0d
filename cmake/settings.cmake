# standard_settings and standard_warnings: what every target of ours is compiled with.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# A PIC object may be linked into a PIE: libraries and programs can share what is compiled.
include(CheckPIESupported)
check_pie_supported()

find_package(Threads REQUIRED)

add_library(standard_settings INTERFACE)
target_include_directories(standard_settings INTERFACE ${CMAKE_SOURCE_DIR})
target_link_libraries(standard_settings INTERFACE Threads::Threads)
target_compile_definitions(standard_settings INTERFACE _FILE_OFFSET_BITS=64 _GLIBCXX_ASSERTIONS)
target_compile_options(standard_settings INTERFACE
  -fstack-protector-strong "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
target_link_options(standard_settings INTERFACE -Wl,-z,relro,-z,now)
if(FLYT_SANITIZE)
  target_compile_options(standard_settings INTERFACE
    -fsanitize=${FLYT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(standard_settings INTERFACE -fsanitize=${FLYT_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_options(standard_settings INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(FLYT_FUZZ)
  target_compile_options(standard_settings INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(standard_warnings INTERFACE)
target_compile_options(standard_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wformat=2 -Wcast-align
  -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wimplicit-fallthrough
  -Wno-missing-field-initializers)  # S{.a = 1} leaves the rest at its default on purpose
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(standard_warnings INTERFACE
    -Wduplicated-cond -Wlogical-op -Wsuggest-override
    -Wno-restrict)  # false alarms in std::string, GCC bug 105329
  if(FLYT_SANITIZE)
    # Instrumented code misleads these two.
    target_compile_options(standard_warnings INTERFACE -Wno-maybe-uninitialized -Wno-null-dereference)
    if(FLYT_SANITIZE MATCHES thread)
      target_compile_options(standard_warnings INTERFACE -Wno-tsan)
    endif()
  endif()
endif()
if(FLYT_DEVELOPER)
  target_compile_options(standard_warnings INTERFACE -Werror)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness is what ccache asks for with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  if(FLYT_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(standard_settings INTERFACE -fpch-preprocess)
  elseif(FLYT_PCH)
    target_compile_options(standard_settings INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()
