// Huge pages for large outputs of torch calls, whose memory torch gets from the system at each
// call.
#include <cstddef>
#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "bindings.hpp"

namespace plait::python {
namespace {

constexpr std::uintptr_t kHugePage = std::uintptr_t{2} << 20;

// Asks for huge pages in place of the whole ones that the memory contains: one page fault then
// replaces 512. It is a hint, which changes no byte and which systems without huge pages ignore.
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
