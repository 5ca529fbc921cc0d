# The provider registry becomes part of the program: bytes in a generated source of flyt_verifiers.
set(registry ${CMAKE_SOURCE_DIR}/verifiers/registry/providers.json)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${registry})
file(READ ${registry} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
set(generated ${CMAKE_BINARY_DIR}/generated/registry_bytes.cpp)
file(CONFIGURE OUTPUT ${generated} CONTENT
"#include <cstddef>
namespace flyt {
extern const unsigned char registry_bytes[];
extern const std::size_t registry_size;
const unsigned char registry_bytes[] = {${bytes}};
const std::size_t registry_size = sizeof registry_bytes;
}  // namespace flyt
")
target_sources(flyt_verifiers PRIVATE ${generated})
set_source_files_properties(${generated} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
