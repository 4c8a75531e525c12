// Machines to inject: those of tests/machines, and any other in a file of its own.
#pragma once

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include "support/calls.hpp"

namespace plait::test {

// The descriptions in tests/machines.
inline constexpr std::array kMachines = {"zen4",     "emerald_rapids", "avx2",
                                         "one_core", "tiny_caches",    "huge_caches"};

inline std::string machine_file(const std::string& name) {
  return std::string(PLAIT_TEST_DATA) + "/../machines/" + name + ".txt";
}

// PLAIT_MACHINE names a file with this text for a scope.
class MachineInFile {
 public:
  explicit MachineInFile(const std::string& text) : variable_(kVariable, path_.c_str()) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~MachineInFile() { std::filesystem::remove(path_); }
  MachineInFile(const MachineInFile&) = delete;
  MachineInFile& operator=(const MachineInFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  static constexpr const char* kVariable = "PLAIT_MACHINE";

  static std::string new_file() {
    std::string name = (std::filesystem::temp_directory_path() / "plait_machine_XXXXXX").string();
    const int file = ::mkstemp(name.data());
    EXPECT_GE(file, 0);
    ::close(file);
    return name;
  }

  std::string path_ = new_file();
  ScopedVariable variable_;
};

}  // namespace plait::test
