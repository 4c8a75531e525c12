// Pictures that the tests make by the libraries' own writers: PNGs of any type, JPEGs with any
// segments, EXIF data.
#pragma once

#include <cstddef>
#include <cstdio>

#include <jpeglib.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <plait/tensor.hpp>

namespace plait::cli {

using Rgb = std::array<float, 3>;

inline constexpr Rgb kRed = {1, 0, 0};
inline constexpr Rgb kGreen = {0, 1, 0};
inline constexpr Rgb kBlue = {0, 0, 1};
inline constexpr Rgb kWhite = {1, 1, 1};

inline Rgb pixel(const Tensor<float>& x, std::int64_t i, std::int64_t j) {
  return {x(0, i, j), x(1, i, j), x(2, i, j)};
}

// Quadrants red, green / blue, white, of 16 x 8 pixels each, so that JPEG's blocks do not mix them:
// h x w x 3, 0 to 255.
inline constexpr int kQuadrantsW = 32;
inline constexpr int kQuadrantsH = 16;

inline std::vector<unsigned char> quadrant_samples() {
  std::vector<unsigned char> samples;
  for (int i = 0; i < kQuadrantsH; ++i) {
    for (int j = 0; j < kQuadrantsW; ++j) {
      const bool left = j < kQuadrantsW / 2;
      const Rgb colour = i < kQuadrantsH / 2 ? (left ? kRed : kGreen) : (left ? kBlue : kWhite);
      for (const float value : colour) samples.push_back(static_cast<unsigned char>(value * 255));
    }
  }
  return samples;
}

// The colour at the middle of a quadrant: r, g, b or w.
inline char quadrant(const Tensor<float>& x, int row, int column) {
  const Rgb seen = pixel(x, (2 * row + 1) * x.size(1) / 4, (2 * column + 1) * x.size(2) / 4);
  const std::pair<char, Rgb> colours[] = {{'r', kRed}, {'g', kGreen}, {'b', kBlue}, {'w', kWhite}};
  for (const auto& [letter, colour] : colours) {
    float distance = 0;
    for (std::size_t c = 0; c < 3; ++c) distance += std::fabs(seen[c] - colour[c]);
    if (distance < 0.1f) return letter;
  }
  return '?';
}

// Upper left, upper right, lower left, lower right.
inline std::string quadrants(const Tensor<float>& x) {
  return {quadrant(x, 0, 0), quadrant(x, 0, 1), quadrant(x, 1, 0), quadrant(x, 1, 1)};
}

// What `quadrants` says of them under orientation 0 (none given) to 8, from TIFF 6.0's table of
// where the stored row 0 and column 0 are to be seen.
inline constexpr const char* kTurnedQuadrants[] = {"rgbw", "rgbw", "grwb", "wbgr", "bwrg",
                                                   "rbgw", "brwg", "wgbr", "gwrb"};

// A TIFF directory of one entry: tag 0x0112, type short, one value.
inline std::string exif_directory(int orientation, bool big_endian) {
  const auto number = [big_endian](int value, int bytes) {
    std::string text;
    for (int byte = 0; byte < bytes; ++byte) text += static_cast<char>(value >> 8 * byte & 0xff);
    if (big_endian) std::reverse(text.begin(), text.end());
    return text;
  };
  return (big_endian ? "MM" : "II") + number(42, 2) + number(8, 4) + number(1, 2) +
         number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + number(0, 2) +
         number(0, 4);
}

struct PngPicture {
  int w = 0;
  int h = 0;
  int bits = 8;
  int type = PNG_COLOR_TYPE_RGB;
  bool interlaced = false;
  std::vector<std::vector<unsigned char>> rows;  // packed, 16-bit samples big-endian
  std::vector<png_color> palette = {};
  std::vector<unsigned char> alphas = {};  // of the palette's first colours
  std::optional<png_color_16> transparent = {};
  std::string exif = {};   // without "Exif\0\0"
  bool exif_last = false;  // behind the pixels
};

inline std::string png_file(PngPicture picture) {
  std::string bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &bytes,
      [](png_structp to, png_bytep data, std::size_t count) {
        static_cast<std::string*>(png_get_io_ptr(to))->append(reinterpret_cast<char*>(data), count);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(picture.w), static_cast<png_uint_32>(picture.h),
               picture.bits, picture.type,
               picture.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!picture.palette.empty()) {
    png_set_PLTE(png, info, picture.palette.data(), static_cast<int>(picture.palette.size()));
  }
  if (!picture.alphas.empty() || picture.transparent) {
    png_set_tRNS(png, info, picture.alphas.data(), static_cast<int>(picture.alphas.size()),
                 picture.transparent ? &*picture.transparent : nullptr);
  }
  const auto* exif = reinterpret_cast<png_const_bytep>(picture.exif.data());
  const png_byte exif_name[] = "eXIf";
  if (!picture.exif.empty() && !picture.exif_last) {
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(picture.exif.size()),
                   const_cast<png_bytep>(exif));
  }
  png_write_info(png, info);
  std::vector<png_bytep> rows;
  for (auto& row : picture.rows) rows.push_back(row.data());
  png_write_image(png, rows.data());
  if (!picture.exif.empty() && picture.exif_last) {
    png_write_chunk(png, exif_name, exif, picture.exif.size());
  }
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

struct JpegPicture {
  int w = kQuadrantsW;
  int h = kQuadrantsH;
  int channels = 3;
  J_COLOR_SPACE given = JCS_RGB;
  J_COLOR_SPACE stored = JCS_YCbCr;
  std::vector<unsigned char> samples = quadrant_samples();  // h x w x channels
  std::vector<jpeg_scan_info> scans = {};                   // none: one scan of everything
};

// Without any APPn segment: the tests put theirs in.
inline std::string jpeg_file(JpegPicture picture = {}) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &data, &size);
  jpeg.image_width = static_cast<JDIMENSION>(picture.w);
  jpeg.image_height = static_cast<JDIMENSION>(picture.h);
  jpeg.input_components = picture.channels;
  jpeg.in_color_space = picture.given;
  jpeg_set_defaults(&jpeg);
  jpeg_set_colorspace(&jpeg, picture.stored);
  jpeg_set_quality(&jpeg, 95, TRUE);
  jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
  jpeg.write_JFIF_header = FALSE;
  if (!picture.scans.empty()) {
    jpeg.scan_info = picture.scans.data();
    jpeg.num_scans = static_cast<int>(picture.scans.size());
  }
  jpeg_start_compress(&jpeg, TRUE);
  for (int i = 0; i < picture.h; ++i) {
    JSAMPROW row = picture.samples.data() + i * picture.w * picture.channels;
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::string bytes(reinterpret_cast<char*>(data), size);
  jpeg_destroy_compress(&jpeg);
  std::free(data);
  return bytes;
}

// A JPEG segment: marker, length with its own two bytes, payload.
inline std::string jpeg_segment(int marker, std::string_view payload) {
  const std::size_t length = payload.size() + 2;
  std::string bytes = {'\xff', static_cast<char>(marker), static_cast<char>(length >> 8),
                       static_cast<char>(length & 0xff)};
  return bytes.append(payload);
}

inline std::string exif_segment(int orientation, bool big_endian = false) {
  return jpeg_segment(0xe1, std::string("Exif\0\0", 6) + exif_directory(orientation, big_endian));
}

// Where the segment that starts the pixels (SOS) begins: tables and the frame's header lie before.
inline std::size_t start_of_scan(std::string_view jpeg) {
  std::size_t at = 2;
  while (at + 4 <= jpeg.size() && static_cast<unsigned char>(jpeg[at + 1]) != 0xda) {
    at += 2 + 256 * static_cast<unsigned char>(jpeg[at + 2]) +
          static_cast<unsigned char>(jpeg[at + 3]);
  }
  return at;
}

inline std::string with_bytes_at(std::string bytes, std::size_t at, std::string_view inserted) {
  return bytes.insert(at, inserted);
}

}  // namespace plait::cli
