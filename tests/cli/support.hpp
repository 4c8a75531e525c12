// What the tests of the program share: a folder of their own, files, and the program as a child.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <plait/tensor.hpp>

namespace plait::faces {

// A new empty folder, removed with all it holds at the end.
class TempFolder {
 public:
  TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder();

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // Writes a file there and returns its path.
  std::string file(const std::string& name, std::string_view bytes) const;
  std::string npy(const std::string& name, const Tensor<float>& tensor) const;
  // Names of what lies in the folder, sorted.
  std::vector<std::string> names() const;

 private:
  std::filesystem::path folder_;
};

struct Outcome {
  int code = -1;  // exit code, or -signal
  std::string out;
  std::string err;
};

// Runs the program `plait` with the arguments and waits for it.
Outcome run_plait(const std::vector<std::string>& arguments);

// The same, but sends SIGINT as soon as the program has printed something.
Outcome interrupt_plait(const std::vector<std::string>& arguments);

// 0, 1, 2, ... scaled to stay below 1.
Tensor<float> ramp(const Dims& shape);

// An .npy file of any header: magic, version, little-endian header length, header, data.
std::string raw_npy(int major, const std::string& header, std::string_view data);

// An 8-bit RGBA PNG, row by row.
std::string png_of(int w, int h, const std::vector<unsigned char>& rgba);

}  // namespace plait::faces
