// What the tests of the program share: a folder of their own, files, and the program as a child.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <png.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <plait/machine.hpp>
#include <plait/tensor.hpp>

#include "io/npy.hpp"

namespace plait::cli {

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

// A new empty folder, removed with all it holds at the end.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "plait-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw Error(Status::io, "no temporary folder");
    folder_ = name;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  // Writes a file there and returns its path.
  std::string file(const std::string& name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }

  template <class T>
  std::string npy(const std::string& name, const Tensor<T>& tensor) const {
    return file(name, npy_bytes(tensor));
  }

  // Names of what lies in the folder, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::filesystem::path folder_;
};

struct Outcome {
  int code = -1;  // exit code, or minus the signal
  std::string out;
  std::string err;
};

// What execve takes: pointers to each word, then null. The words must outlive it.
inline std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Runs the program with these variables ("NAME=value") in its environment, instead of or beside
// this process's own, and waits for it; with `interrupt`, sends it SIGINT as soon as it has printed
// something.
inline Outcome run_plait_in(std::vector<std::string> environment,
                            const std::vector<std::string>& arguments, bool interrupt = false) {
  const TempFolder folder;
  const std::string out = folder.file("out", "");
  const std::string err = folder.file("err", "");
  std::vector<std::string> words = {PLAIT_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const auto name_of_variable = [](std::string_view variable) {
    return variable.substr(0, variable.find('='));
  };
  const std::vector<std::string> given = environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const bool replaced = std::any_of(given.begin(), given.end(), [&](const std::string& one) {
      return name_of_variable(one) == name_of_variable(*variable);
    });
    if (!replaced) environment.emplace_back(*variable);
  }
  const std::vector<char*> argv = pointers_to(words);
  const std::vector<char*> envp = pointers_to(environment);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open(out.c_str(), O_WRONLY), STDOUT_FILENO);
    ::dup2(::open(err.c_str(), O_WRONLY), STDERR_FILENO);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  int status = 0;
  bool ended = false;
  if (interrupt) {
    while (std::filesystem::file_size(out) == 0 && !ended) {
      ended = ::waitpid(child, &status, WNOHANG) == child;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    if (!ended) ::kill(child, SIGINT);
  }
  if (!ended) ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), slurp(out), slurp(err)};
}

// With PLAIT_MACHINE naming `machine`, a file.
inline Outcome run_plait_on(const std::string& machine, const std::vector<std::string>& arguments,
                            bool interrupt = false) {
  return run_plait_in({"PLAIT_MACHINE=" + machine}, arguments, interrupt);
}

// On the machine that this process found: the clock that a CPU tells, which predicted times follow,
// may be another when the program asks.
inline Outcome run_plait(const std::vector<std::string>& arguments, bool interrupt = false) {
  const TempFolder folder;
  return run_plait_on(folder.file("machine", describe(host_machine())), arguments, interrupt);
}

// Runs wrong use: exit code 2, and one line of error.
inline Outcome run_refused(const std::vector<std::string>& arguments) {
  Outcome outcome = run_plait(arguments);
  EXPECT_EQ(outcome.code, 2) << outcome.out << outcome.err;
  EXPECT_TRUE(outcome.err.starts_with("plait: ")) << outcome.err;
  EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  return outcome;
}

// What follows `name` in the line of a table that starts with it, with one blank for any number:
// how wide a column is may follow from a predicted or measured time elsewhere in it.
inline std::string row_of(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name)) continue;
    std::istringstream words(line.substr(name.size()));
    std::string row;
    for (std::string word; words >> word;) row += (row.empty() ? "" : " ") + word;
    return row;
  }
  ADD_FAILURE() << "no line starts with \"" << name << "\" in: " << text;
  return "";
}

// 0, 1, 2, ... divided by the number of elements.
template <class T = float>
Tensor<T> ramp(const Dims& shape) {
  Tensor<T> tensor(shape);
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    tensor.data()[i] = static_cast<T>(i) / static_cast<T>(tensor.size());
  }
  return tensor;
}

// An .npy file with any header: magic, version, little-endian header length, header, data.
inline std::string raw_npy(int major, const std::string& header, std::string_view data) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(major);
  bytes += '\0';
  for (int byte = 0; byte < (major == 1 ? 2 : 4); ++byte) {
    bytes += static_cast<char>(header.size() >> 8 * byte & 0xff);
  }
  return bytes + header + std::string(data);
}

// A PNG of 8-bit samples in one of libpng's simple formats, row by row.
inline std::string png_of(int w, int h, std::uint32_t format,
                          const std::vector<unsigned char>& samples) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(w);
  image.height = static_cast<png_uint_32>(h);
  image.format = format;
  png_alloc_size_t size = 0;
  EXPECT_TRUE(png_image_write_to_memory(&image, nullptr, &size, 0, samples.data(), 0, nullptr));
  std::string bytes(size, '\0');
  EXPECT_TRUE(
      png_image_write_to_memory(&image, bytes.data(), &size, 0, samples.data(), 0, nullptr));
  bytes.resize(size);
  return bytes;
}

// The message of the Error that the call throws; a failure and "" if it throws none.
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

}  // namespace plait::cli

#define EXPECT_CONTAINS(text, part) \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << "in: " << (text)
