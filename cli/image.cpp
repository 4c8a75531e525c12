#include "image.hpp"

#include <png.h>
#include <turbojpeg.h>

#include <libexif/exif-data.h>

#include <csetjmp>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/error.hpp>

namespace plait::faces {
namespace {

[[noreturn]] void fail_picture(const std::string& name, const std::string& what) {
  throw Error(Status::io, name + ": " + what);
}

void check_size(const std::string& name, std::int64_t w, std::int64_t h, std::int64_t max_pixels) {
  if (w <= 0 || h <= 0) fail_picture(name, "the image has no pixels");
  if (w > max_pixels / h) {
    fail_picture(name, "the image is " + std::to_string(w) + " x " + std::to_string(h) +
                           " pixels; plait reads up to " + std::to_string(max_pixels) + " pixels");
  }
}

// Everything libpng's error jump must not lose lives here, outside the function that calls setjmp.
struct PngReader {
  std::string_view bytes;
  std::size_t position = 0;
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf on_error;
  char message[160] = "";
  std::int64_t w = 0;
  std::int64_t h = 0;
  std::vector<std::uint16_t> samples;  // h x w x 4: red, green, blue, alpha, 0...65535
  std::vector<png_bytep> rows;

  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

PngReader& reader_of(png_structp png) { return *static_cast<PngReader*>(png_get_error_ptr(png)); }

void on_png_error(png_structp png, png_const_charp message) {
  PngReader& reader = reader_of(png);
  std::strncpy(reader.message, message, sizeof(reader.message) - 1);
  std::longjmp(reader.on_error, 1);
}

void on_png_warning(png_structp, png_const_charp) {}

void read_png_bytes(png_structp png, png_bytep out, std::size_t count) {
  PngReader& reader = *static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader.bytes.size() - reader.position) png_error(png, "the file is truncated");
  std::memcpy(out, reader.bytes.data() + reader.position, count);
  reader.position += count;
}

// libpng's full interface and not the simplified one: that one gives 16-bit samples only after a
// conversion to linear light. setjmp needs a function without destructors of its own, hence the
// two steps, each returning false when libpng has jumped.
bool read_png_header(PngReader& reader) {
  if (setjmp(reader.on_error) != 0) return false;
  png_set_read_fn(reader.png, &reader, read_png_bytes);
  // check_size judges instead, with a better message.
  png_set_user_limits(reader.png, 0x7fffffff, 0x7fffffff);
  // Texts, profiles and the like are skipped: libpng would set aside up to 2 GiB for one of them on
  // the word of its length field, and its own limit on that is no more than a warning.
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(reader.png, reader.info);
  reader.w = png_get_image_width(reader.png, reader.info);
  reader.h = png_get_image_height(reader.png, reader.info);
  return true;
}

bool read_png_pixels(PngReader& reader) {
  if (setjmp(reader.on_error) != 0) return false;
  png_set_expand_16(reader.png);  // palettes, 1 to 8 bits and transparent colours: to 16 bits
  png_set_gray_to_rgb(reader.png);
  png_set_add_alpha(reader.png, 0xffff, PNG_FILLER_AFTER);
  png_set_swap(reader.png);  // PNG is big-endian
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  if (png_get_rowbytes(reader.png, reader.info) != static_cast<std::size_t>(reader.w) * 8) {
    png_error(reader.png, "an unexpected pixel format");
  }
  png_read_image(reader.png, reader.rows.data());
  png_read_end(reader.png, nullptr);
  return true;
}

Tensor<float> decode_png(std::string_view bytes, const std::string& name, std::int64_t max_pixels) {
  PngReader reader;
  reader.bytes = bytes;
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_png_error, on_png_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) throw std::bad_alloc();
  if (!read_png_header(reader)) fail_picture(name, std::string("corrupt PNG: ") + reader.message);
  check_size(name, reader.w, reader.h, max_pixels);

  const std::size_t row = static_cast<std::size_t>(reader.w) * 4;
  reader.samples.resize(row * static_cast<std::size_t>(reader.h));
  for (std::int64_t i = 0; i < reader.h; ++i) {
    reader.rows.push_back(
        reinterpret_cast<png_bytep>(reader.samples.data() + row * static_cast<std::size_t>(i)));
  }
  if (!read_png_pixels(reader)) fail_picture(name, std::string("corrupt PNG: ") + reader.message);

  Tensor<float> x({3, reader.h, reader.w});
  const std::uint16_t* in = reader.samples.data();
  for (std::int64_t i = 0; i < reader.h; ++i) {
    for (std::int64_t j = 0; j < reader.w; ++j, in += 4) {
      const float alpha = static_cast<float>(in[3]) / 65535.0f;
      for (std::int64_t c = 0; c < 3; ++c) {
        const float value = static_cast<float>(in[c]) / 65535.0f;
        x(c, i, j) = in[3] == 65535 ? value : value * alpha + (1.0f - alpha);
      }
    }
  }
  return x;
}

int exif_orientation(std::string_view jpeg) {
  const std::unique_ptr<ExifData, decltype(&exif_data_unref)> exif(
      exif_data_new_from_data(reinterpret_cast<const unsigned char*>(jpeg.data()),
                              static_cast<unsigned>(jpeg.size())),
      &exif_data_unref);
  if (!exif) return 1;
  const ExifEntry* entry = exif_content_get_entry(exif->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return 1;
  return exif_get_short(entry->data, exif_data_get_byte_order(exif.get()));
}

Tensor<float> decode_jpeg(std::string_view bytes, const std::string& name,
                          std::int64_t max_pixels) {
  const std::unique_ptr<std::remove_pointer_t<tjhandle>, decltype(&tjDestroy)> handle(
      tjInitDecompress(), &tjDestroy);
  if (!handle) throw std::bad_alloc();
  if (bytes.size() > 0x7fffffff) fail_picture(name, "the JPEG file is larger than 2 GiB");
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto size = static_cast<unsigned long>(bytes.size());
  int w = 0;
  int h = 0;
  int subsampling = 0;
  int colours = 0;
  if (tjDecompressHeader3(handle.get(), data, size, &w, &h, &subsampling, &colours) != 0) {
    fail_picture(name, std::string("corrupt JPEG: ") + tjGetErrorStr2(handle.get()));
  }
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    fail_picture(name, "the JPEG has CMYK colours; convert it to RGB first");
  }
  check_size(name, w, h, max_pixels);
  std::vector<unsigned char> pixels(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * 3);
  // The library fills up what a truncated file lacks and calls that a warning; here it is an error.
  if (tjDecompress2(handle.get(), data, size, pixels.data(), w, 0, h, TJPF_RGB,
                    TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS) != 0) {
    fail_picture(name, std::string("corrupt JPEG: ") + tjGetErrorStr2(handle.get()));
  }
  Tensor<float> x({3, h, w});
  const unsigned char* in = pixels.data();
  for (std::int64_t i = 0; i < h; ++i) {
    for (std::int64_t j = 0; j < w; ++j, in += 3) {
      for (std::int64_t c = 0; c < 3; ++c) x(c, i, j) = static_cast<float>(in[c]) / 255.0f;
    }
  }
  return upright(std::move(x), exif_orientation(bytes));
}

}  // namespace

bool looks_like_png(std::string_view bytes) { return bytes.starts_with("\x89PNG"); }
bool looks_like_jpeg(std::string_view bytes) { return bytes.starts_with("\xff\xd8"); }

Tensor<float> upright(Tensor<float> x, int orientation) {
  if (orientation < 2 || orientation > 8) return x;
  const std::int64_t h = x.size(1);
  const std::int64_t w = x.size(2);
  // 5 to 8 exchange rows and columns. Then each axis of the stored picture may run backwards.
  const bool transposed = orientation >= 5;
  const bool rows_backwards =
      orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool columns_backwards =
      orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  Tensor<float> y(transposed ? Dims{3, w, h} : Dims{3, h, w});
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::int64_t i = 0; i < y.size(1); ++i) {
      for (std::int64_t j = 0; j < y.size(2); ++j) {
        const std::int64_t a = rows_backwards ? y.size(1) - 1 - i : i;
        const std::int64_t b = columns_backwards ? y.size(2) - 1 - j : j;
        y(c, i, j) = transposed ? x(c, b, a) : x(c, a, b);
      }
    }
  }
  return y;
}

Tensor<float> decode_image(std::string_view bytes, const std::string& name,
                           std::int64_t max_pixels) {
  if (looks_like_png(bytes)) return decode_png(bytes, name, max_pixels);
  if (looks_like_jpeg(bytes)) return decode_jpeg(bytes, name, max_pixels);
  fail_picture(name, "is neither a JPEG nor a PNG image");
}

}  // namespace plait::faces
