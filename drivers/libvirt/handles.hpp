// libvirt's reference-counted objects, released when they go out of scope.
#pragma once

#include <libvirt/libvirt.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace flyt::virt {

template <auto Release>
struct Releaser {
  template <typename T>
  void operator()(T* object) const noexcept {
    (void)Release(object);  // a failed release leaves nothing to do
  }
};

using Domain = std::unique_ptr<virDomain, Releaser<virDomainFree>>;
using Pool = std::unique_ptr<virStoragePool, Releaser<virStoragePoolFree>>;
using Vol = std::unique_ptr<virStorageVol, Releaser<virStorageVolFree>>;
using Net = std::unique_ptr<virNetwork, Releaser<virNetworkFree>>;
using Interface = std::unique_ptr<virInterface, Releaser<virInterfaceFree>>;

// What libvirt allocated and the caller must free.
template <typename T>
using Allocated = std::unique_ptr<T, decltype(&std::free)>;

// Takes over a string that libvirt allocated; null: empty.
inline std::string take(char* text) {
  const Allocated<char> owned(text, &std::free);
  return text == nullptr ? std::string() : std::string(text);
}

// Takes over a list as virConnectListAll... returns it.
template <typename Handle>
std::vector<Handle> take_list(typename Handle::pointer* list, int count) {
  const Allocated<typename Handle::pointer> owned(list, &std::free);
  std::vector<Handle> handles;
  if (count > 0) handles.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) handles.emplace_back(list[i]);
  return handles;
}

}  // namespace flyt::virt
