// The version of the headers, and of the library at run time.
#pragma once

#include <plait/export.hpp>

#define PLAIT_VERSION "0.1.0"

namespace plait {

PLAIT_API const char* version();         // "0.1.0"
PLAIT_API const char* simd_library();    // "Highway 1.0.3"
PLAIT_API const char* build_compiler();  // "GCC 12.2.0"

}  // namespace plait
