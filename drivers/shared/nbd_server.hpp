// Moved to base/nbd_server.hpp.
#pragma once

#include "base/nbd_server.hpp"
