// The version numbers of Windows NT, and the oldest that drivers for virtio are made for.
#pragma once

#include <compare>

namespace flyt {

struct WindowsVersion {
  unsigned major = 0, minor = 0;  // 6.3: Windows 8.1 and Server 2012 R2
  constexpr auto operator<=>(const WindowsVersion&) const = default;
};

// Windows 10 and Server 2016. virtio-win has left out what is before Windows 8 since 2020, and the
// family of Windows 8 since its drivers can no longer be signed for it: Microsoft has retired the
// certificates for that (github.com/virtio-win: kvm-guest-drivers-windows issues 807 and 1112,
// virtio-win-pkg-scripts issues 40 and 65, virtio-win-guest-tools-installer pull request 62).
inline constexpr WindowsVersion oldest_with_virtio{10, 0};

}  // namespace flyt
