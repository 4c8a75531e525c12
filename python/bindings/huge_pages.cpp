// Large outputs of torch calls: memory that torch gets from the system and gives back each time.
#include <cstddef>
#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "bindings.hpp"

namespace plait::python {
namespace {

constexpr std::uintptr_t kHugePage = std::uintptr_t{2} << 20;

// For the whole huge pages of the memory, which then take one page fault each, in the place of 512.
// A hint: it changes no byte, and systems without such pages ignore it.
void ask_for_huge_pages([[maybe_unused]] std::uintptr_t address,
                        [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  const std::uintptr_t begin = (address + kHugePage - 1) / kHugePage * kHugePage;
  const std::uintptr_t end = (address + bytes) / kHugePage * kHugePage;
  if (begin >= end) return;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): Python has addresses as integers
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

}  // namespace

void add_huge_pages(nanobind::module_& m) {
  m.def("ask_for_huge_pages", &ask_for_huge_pages, nanobind::arg("address"), nanobind::arg("bytes"),
        "For the whole huge pages of memory that will be written.");
}

}  // namespace plait::python
