// What the shared library shows of itself: everything else in it is hidden.
#pragma once

// On every public class with members defined in the library, and on every public function.
#if defined(__GNUC__)
#define PLAIT_API __attribute__((visibility("default")))
#else
#define PLAIT_API
#endif
