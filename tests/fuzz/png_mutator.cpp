// libFuzzer's mutations with the checksums of PNG chunks made right again: hardly any mutant would
// get past libpng's first check otherwise.
#include <zlib.h>

#include <cstring>

#include "fuzz.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

std::uint32_t load_big_endian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

void store_big_endian(std::uint8_t* bytes, std::uint32_t value) {
  for (int byte = 0; byte < 4; ++byte) {
    bytes[byte] = static_cast<std::uint8_t>(value >> (24 - 8 * byte) & 0xff);
  }
}

// Behind the 8 bytes of the signature, a chunk is its length, name, data and the checksum of the
// last two (PNG 1.2, section 3.2).
void repair_checksums(std::uint8_t* data, std::size_t size) {
  std::size_t at = 8;
  while (at + 12 <= size) {
    const std::uint32_t length = load_big_endian(data + at);
    if (length > size - at - 12) return;
    const auto checksum = static_cast<std::uint32_t>(crc32(0, data + at + 4, length + 4));
    store_big_endian(data + at + 8 + length, checksum);
    at += std::size_t{12} + length;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (size > 8 && std::memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0) repair_checksums(data, size);
  return size;
}
