// Pictures in every flavour come out as the same kind of tensor: 3 x h x w, 0 to 1, upright.
#include "image.hpp"

#include <turbojpeg.h>
#include <zlib.h>

#include <array>
#include <cmath>
#include <cstring>

#include "support.hpp"

namespace plait::faces {
namespace {

using Rgb = std::array<float, 3>;

Rgb pixel(const Tensor<float>& x, std::int64_t i, std::int64_t j) {
  return {x(0, i, j), x(1, i, j), x(2, i, j)};
}

constexpr Rgb kRed = {1, 0, 0};
constexpr Rgb kGreen = {0, 1, 0};
constexpr Rgb kBlue = {0, 0, 1};
constexpr Rgb kWhite = {1, 1, 1};

TEST(Png, ReadsRgb) {
  const Tensor<float> x =
      decode_image(png_of(2, 1, PNG_FORMAT_RGB, {255, 0, 0, 51, 102, 204}), "a.png");
  EXPECT_EQ(x.shape(), (Dims{3, 1, 2}));
  EXPECT_EQ(pixel(x, 0, 0), kRed);
  EXPECT_EQ(pixel(x, 0, 1), (Rgb{51.0f / 255, 102.0f / 255, 204.0f / 255}));
}

TEST(Png, ReadsGreyAsThreeEqualChannels) {
  const Tensor<float> x = decode_image(png_of(1, 1, PNG_FORMAT_GRAY, {51}), "a.png");
  for (int c = 0; c < 3; ++c) EXPECT_FLOAT_EQ(x(c, 0, 0), 0.2f);
}

TEST(Png, CompositesAlphaOverWhite) {
  const Tensor<float> x = decode_image(
      png_of(3, 1, PNG_FORMAT_RGBA, {255, 0, 0, 255, 255, 0, 0, 0, 0, 0, 255, 51}), "a.png");
  EXPECT_EQ(pixel(x, 0, 0), kRed);
  EXPECT_EQ(pixel(x, 0, 1), kWhite);
  EXPECT_FLOAT_EQ(x(0, 0, 2), 0.8f);
  EXPECT_FLOAT_EQ(x(2, 0, 2), 1.0f);
  const Tensor<float> grey = decode_image(png_of(1, 1, PNG_FORMAT_GA, {0, 102}), "a.png");
  for (int c = 0; c < 3; ++c) EXPECT_FLOAT_EQ(grey(c, 0, 0), 0.6f);
}

// Any bit depth and colour type, with an optional palette: libpng's full writer.
std::string png_with(int w, int bits, int type, const std::vector<unsigned char>& row,
                     const std::vector<png_color>& palette = {},
                     const std::vector<unsigned char>& alphas = {}) {
  std::string bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &bytes,
      [](png_structp to, png_bytep data, std::size_t count) {
        static_cast<std::string*>(png_get_io_ptr(to))->append(reinterpret_cast<char*>(data), count);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(w), 1, bits, type, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  if (!alphas.empty()) {
    png_set_tRNS(png, info, alphas.data(), static_cast<int>(alphas.size()), nullptr);
  }
  png_write_info(png, info);
  png_write_row(png, row.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

TEST(Png, ReadsPalettesWithTransparency) {
  // Four 2-bit indices in one byte: 0, 1, 2, 0.
  const Tensor<float> x =
      decode_image(png_with(4, 2, PNG_COLOR_TYPE_PALETTE, {0b00'01'10'00},
                            {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}}, {255, 255, 0}),
                   "a.png");
  EXPECT_EQ(pixel(x, 0, 0), kRed);
  EXPECT_EQ(pixel(x, 0, 1), kGreen);
  EXPECT_EQ(pixel(x, 0, 2), kWhite);
  EXPECT_EQ(pixel(x, 0, 3), kRed);
}

TEST(Png, KeepsSixteenBits) {
  // 0x0001 and 0x8001: both would be lost or shifted in 8 bits.
  const Tensor<float> x =
      decode_image(png_with(2, 16, PNG_COLOR_TYPE_GRAY, {0x00, 0x01, 0x80, 0x01}), "a.png");
  for (int c = 0; c < 3; ++c) {
    EXPECT_FLOAT_EQ(x(c, 0, 0), 1.0f / 65535);
    EXPECT_FLOAT_EQ(x(c, 0, 1), 32769.0f / 65535);
  }
}

TEST(Png, ReadsOneBit) {
  const Tensor<float> x = decode_image(png_with(3, 1, PNG_COLOR_TYPE_GRAY, {0b01000000}), "a.png");
  EXPECT_EQ(x(0, 0, 0), 0.0f);
  EXPECT_EQ(x(0, 0, 1), 1.0f);
  EXPECT_EQ(x(0, 0, 2), 0.0f);
}

TEST(Png, RefusesEveryTruncationAndDamage) {
  const std::string whole = png_of(3, 2, PNG_FORMAT_RGB, std::vector<unsigned char>(18, 90));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    error_of([&] { decode_image(whole.substr(0, size), "a.png"); });
  }
  std::string damaged = whole;
  damaged[whole.find("IDAT") + 6] ^= 1;
  EXPECT_CONTAINS(error_of([&] { decode_image(damaged, "a.png"); }), "a.png: corrupt PNG: ");
}

void put_big_endian(std::string& bytes, std::size_t at, unsigned long value) {
  for (int byte = 0; byte < 4; ++byte) {
    bytes[at + static_cast<std::size_t>(byte)] = static_cast<char>(value >> (24 - 8 * byte) & 0xff);
  }
}

TEST(Png, RefusesAFileThatClaimsTooManyPixels) {
  std::string bytes = png_of(1, 1, PNG_FORMAT_RGB, {1, 2, 3});
  put_big_endian(bytes, 16, 200000);
  put_big_endian(bytes, 20, 200000);
  // The checksum of a chunk covers its name and data: here "IHDR" and 13 bytes.
  const auto* chunk = reinterpret_cast<const unsigned char*>(bytes.data() + 12);
  put_big_endian(bytes, 29, crc32(0, chunk, 17));
  EXPECT_CONTAINS(error_of([&] { decode_image(bytes, "a.png"); }),
                  "200000 x 200000 pixels; plait reads up to");
}

// Quadrants red, green / blue, white, of 16 x 8 pixels each, so that JPEG's blocks do not mix them.
std::string jpeg_of_quadrants(int orientation, bool big_endian = false) {
  constexpr int kW = 32;
  constexpr int kH = 16;
  std::vector<unsigned char> pixels;
  for (int i = 0; i < kH; ++i) {
    for (int j = 0; j < kW; ++j) {
      const Rgb colour = i < kH / 2 ? (j < kW / 2 ? kRed : kGreen) : (j < kW / 2 ? kBlue : kWhite);
      for (const float value : colour) pixels.push_back(static_cast<unsigned char>(value * 255));
    }
  }
  tjhandle handle = tjInitCompress();
  unsigned char* data = nullptr;
  unsigned long size = 0;
  EXPECT_EQ(
      tjCompress2(handle, pixels.data(), kW, 0, kH, TJPF_RGB, &data, &size, TJSAMP_444, 95, 0), 0);
  std::string jpeg(reinterpret_cast<char*>(data), size);
  tjFree(data);
  tjDestroy(handle);
  if (orientation == 0) return jpeg;
  // An APP1 segment with one TIFF directory of one entry: tag 0x0112, type short, one value.
  const auto number = [big_endian](int value, int bytes) {
    std::string text;
    for (int byte = 0; byte < bytes; ++byte) text += static_cast<char>(value >> 8 * byte & 0xff);
    if (big_endian) std::reverse(text.begin(), text.end());
    return text;
  };
  std::string exif("Exif\0\0", 6);
  exif += big_endian ? "MM" : "II";
  exif += number(42, 2) + number(8, 4) + number(1, 2) + number(0x0112, 2) + number(3, 2) +
          number(1, 4) + number(orientation, 2) + number(0, 2) + number(0, 4);
  const std::size_t length = exif.size() + 2;
  std::string segment = "\xff\xe1";
  segment += static_cast<char>(length >> 8);
  segment += static_cast<char>(length & 0xff);
  return jpeg.substr(0, 2) + segment + exif + jpeg.substr(2);
}

// The colour at the middle of a quadrant: r, g, b or w.
char quadrant(const Tensor<float>& x, int row, int column) {
  const Rgb seen = pixel(x, (2 * row + 1) * x.size(1) / 4, (2 * column + 1) * x.size(2) / 4);
  const std::pair<char, Rgb> colours[] = {{'r', kRed}, {'g', kGreen}, {'b', kBlue}, {'w', kWhite}};
  for (const auto& [letter, colour] : colours) {
    float distance = 0;
    for (std::size_t c = 0; c < 3; ++c) distance += std::fabs(seen[c] - colour[c]);
    if (distance < 0.1f) return letter;
  }
  return '?';
}

std::string quadrants(const Tensor<float>& x) {
  return {quadrant(x, 0, 0), quadrant(x, 0, 1), quadrant(x, 1, 0), quadrant(x, 1, 1)};
}

TEST(Jpeg, AppliesEveryExifOrientation) {
  // Upper left, upper right, lower left, lower right, from TIFF 6.0's table of where the stored
  // row 0 and column 0 are to be seen.
  const char* const expected[] = {"rgbw", "rgbw", "grwb", "wbgr", "bwrg",
                                  "rbgw", "brwg", "wgbr", "gwrb"};
  for (int orientation = 0; orientation <= 8; ++orientation) {
    for (const bool big_endian : {false, true}) {
      const Tensor<float> x = decode_image(jpeg_of_quadrants(orientation, big_endian), "a.jpg");
      EXPECT_EQ(quadrants(x), expected[orientation]) << "orientation " << orientation;
      EXPECT_EQ(x.shape(), (orientation < 5 ? Dims{3, 16, 32} : Dims{3, 32, 16}));
    }
  }
}

TEST(Jpeg, IgnoresAnOrientationThatDoesNotExist) {
  EXPECT_EQ(quadrants(decode_image(jpeg_of_quadrants(9), "a.jpg")), "rgbw");
}

TEST(Jpeg, RefusesTruncation) {
  const std::string whole = jpeg_of_quadrants(6);
  for (std::size_t size = 2; size + 2 < whole.size(); ++size) {
    error_of([&] { decode_image(whole.substr(0, size), "a.jpg"); });
  }
}

TEST(Jpeg, RefusesCmyk) {
  const std::vector<unsigned char> pixels(16 * 16 * 4, 100);
  tjhandle handle = tjInitCompress();
  unsigned char* data = nullptr;
  unsigned long size = 0;
  ASSERT_EQ(
      tjCompress2(handle, pixels.data(), 16, 0, 16, TJPF_CMYK, &data, &size, TJSAMP_444, 95, 0), 0);
  const std::string bytes(reinterpret_cast<char*>(data), size);
  tjFree(data);
  tjDestroy(handle);
  EXPECT_CONTAINS(error_of([&] { decode_image(bytes, "a.jpg"); }), "CMYK");
}

TEST(Image, RefusesOtherFormatsByName) {
  EXPECT_CONTAINS(error_of([] { decode_image("GIF89a...", "a.gif"); }),
                  "a.gif: is neither a JPEG nor a PNG image");
}

}  // namespace
}  // namespace plait::faces
