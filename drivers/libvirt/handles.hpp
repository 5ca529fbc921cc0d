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

// Takes over a string that libvirt allocated; null: empty.
inline std::string take(char* text) {
  if (text == nullptr) return {};
  std::string copy(text);
  std::free(text);
  return copy;
}

// Takes over a list as virConnectListAll... returns it.
template <typename Handle>
std::vector<Handle> take_list(typename Handle::pointer* list, int count) {
  std::vector<Handle> handles;
  for (int i = 0; i < count; ++i) handles.emplace_back(list[i]);
  std::free(static_cast<void*>(list));
  return handles;
}

}  // namespace flyt::virt
