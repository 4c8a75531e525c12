// The version of the headers, and of the library at run time.
#pragma once

#define PLAIT_VERSION "0.1.0"

namespace plait {

const char* version();         // "0.1.0"
const char* simd_library();    // "Highway 1.0.3"
const char* build_compiler();  // "GCC 12.2.0"

}  // namespace plait
