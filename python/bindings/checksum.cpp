// Checksums of memory that others may write. plait.torch keeps packed weights while they hold.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "bindings.hpp"

namespace plait::python {
namespace {

namespace nb = nanobind;

constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::size_t kStripe = 4 * kWord;
constexpr std::size_t kBlock = 1024;

// The factor is odd, so that its products with different words differ modulo 2^64. So if a single
// word changes, the sum surely changes; if several change, it stays equal about once in 2^64.
constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15;

std::uint64_t word(const std::byte* memory) {
  std::uint64_t value = 0;
  std::memcpy(&value, memory, kWord);
  return value;
}

// Four sums side by side hide the latency of the multiplications: they read some 25 GB/s at 3 GHz,
// so that memory is the limit for blocks that no cache holds.
std::uint64_t checksum(const std::byte* memory, std::size_t bytes) {
  std::uint64_t a = 0, b = 0, c = 0, d = 0;
  for (; bytes >= kStripe; memory += kStripe, bytes -= kStripe) {
    a = a * kFactor + word(memory);
    b = b * kFactor + word(memory + kWord);
    c = c * kFactor + word(memory + 2 * kWord);
    d = d * kFactor + word(memory + 3 * kWord);
  }
  std::uint64_t sum = ((a * kFactor + b) * kFactor + c) * kFactor + d;
  for (; bytes >= kWord; memory += kWord, bytes -= kWord) sum = sum * kFactor + word(memory);
  std::uint64_t rest = 0;
  std::memcpy(&rest, memory, bytes);
  sum = sum * kFactor + rest;
  return sum;
}

// Memory in blocks, each with the checksum that it had at first. A question whether the memory has
// changed says how many bytes may be read for the answer, and the blocks are read in turn.
class Checksums {
 public:
  explicit Checksums(const std::vector<std::pair<std::uintptr_t, std::size_t>>& spans) {
    for (const auto& [address, bytes] : spans) {
      // torch gives addresses as integers.
      const auto* memory = reinterpret_cast<const std::byte*>(address);  // NOLINT
      for (std::size_t at = 0; at < bytes; at += kBlock) {
        const std::size_t size = std::min(kBlock, bytes - at);
        blocks_.push_back({memory + at, size, checksum(memory + at, size)});
      }
      bytes_ += bytes;
    }
  }

  // Whether one of the next blocks has changed. Reads about `bytes` bytes, at least one block.
  bool changed(std::size_t bytes) {
    std::size_t read = 0;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const Block& block = blocks_[next_];
      if (read > 0 && read + block.bytes > bytes) return false;
      read += block.bytes;
      if (++next_ == blocks_.size()) next_ = 0;
      if (checksum(block.memory, block.bytes) != block.sum) return true;
    }
    return false;
  }

  std::size_t bytes() const { return bytes_; }

 private:
  struct Block {
    const std::byte* memory;
    std::size_t bytes;
    std::uint64_t sum;
  };
  std::vector<Block> blocks_;
  std::size_t bytes_ = 0;
  std::size_t next_ = 0;
};

}  // namespace

void add_checksum(nb::module_& m) {
  nb::class_<Checksums>(m, "Checksums", "Checksums of memory in blocks, taken when it is made.")
      .def(nb::init<const std::vector<std::pair<std::uintptr_t, std::size_t>>&>(), nb::arg("spans"),
           "Of (address, bytes) each, which must stay readable.")
      .def("changed", &Checksums::changed, nb::arg("bytes"),
           "Whether the next blocks, of so many bytes but at least one, are not what they were.")
      .def_prop_ro("bytes", &Checksums::bytes, "How many bytes all blocks have.");
}

}  // namespace plait::python
