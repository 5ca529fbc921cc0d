// What nearly every test includes; see flyt_precompile() in cmake/folders.cmake.
#pragma once

#include "cmake/precompiled.hpp"
#include "tests/catch.hpp"
