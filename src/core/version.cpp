#include <plait/version.hpp>

#include <hwy/base.h>
#include <hwy/highway.h>

#define PLAIT_TEXT_OF(x) #x
#define PLAIT_TEXT(x) PLAIT_TEXT_OF(x)

namespace plait {

const char* version() { return PLAIT_VERSION; }

const char* simd_library() {
  return "Highway " PLAIT_TEXT(HWY_MAJOR) "." PLAIT_TEXT(HWY_MINOR) "." PLAIT_TEXT(HWY_PATCH);
}

const char* build_compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#else
  return "an unknown compiler";
#endif
}

}  // namespace plait
