#include "draw/chart.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include <plait/error.hpp>

#include "app/fail.hpp"
#include "app/interrupt.hpp"
#include "chart_script.hpp"
#include "io/files.hpp"

namespace plait::cli {
namespace {

constexpr std::chrono::milliseconds kPoll{20};  // an interrupt is noticed so soon

// A file without a name, for what goes to another program and what comes from it.
class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("plait", MFD_CLOEXEC)) {
    if (fd_ < 0) fail_system("cannot talk to", "Python", errno);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(fd_); }

  int get() const { return fd_; }
  void fill(const std::string& text) {
    std::size_t written = 0;
    while (written < text.size()) {
      const ssize_t more = ::write(fd_, text.data() + written, text.size() - written);
      if (more < 0 && errno != EINTR) fail_system("cannot talk to", "Python", errno);
      if (more > 0) written += static_cast<std::size_t>(more);
    }
    ::lseek(fd_, 0, SEEK_SET);
  }
  std::string text() const {
    std::string all;
    std::array<char, 65536> part{};
    for (off_t at = 0;;) {
      const ssize_t got = ::pread(fd_, part.data(), part.size(), at);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return all;
      all.append(part.data(), static_cast<std::size_t>(got));
      at += got;
    }
  }

 private:
  int fd_;
};

struct Outcome {
  int status = 0;  // as waitpid() has it; 127 << 8 if there is no such program
  std::string out;
  std::string last_line;  // of what it said on standard error
};

std::string python() {
  const char* named = std::getenv("PLAIT_PYTHON");
  return named != nullptr && *named != '\0' ? named : "python3";
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (interrupted()) ::kill(child, SIGKILL);
    std::this_thread::sleep_for(kPoll);
  }
  return status;
}

// Runs a Python program, without a shell, and waits for it. Throws Error on an interrupt.
Outcome run_python(std::string program, std::string argument, const std::string& input) {
  MemoryFile in;
  MemoryFile out;
  MemoryFile messages;
  in.fill(input);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, messages.get(), STDERR_FILENO);
  std::string name = python();
  std::string option = "-c";
  const std::array<char*, 5> words = {name.data(), option.data(), program.data(), argument.data(),
                                      nullptr};
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, name.c_str(), &actions, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) return {127 << 8, "", "there is no program " + name};
  if (error != 0) fail_system("cannot start", name, error);
  const int status = wait_for(child);
  stop_if_interrupted();
  std::string said = messages.text();
  said.resize(said.find_last_not_of(" \n") + 1);
  said.erase(0, said.rfind('\n') + 1);  // the whole text, if it has one line
  return {status, out.text(), said};
}

}  // namespace

PictureKind picture_kind_of(const std::string& path) {
  check_extension("plot", path, {".svg", ".png"}, "charts are .svg or .png");
  return extension_of(path) == ".svg" ? PictureKind::svg : PictureKind::png;
}

void require_charts() {
  const Outcome outcome = run_python("import matplotlib.figure", "", "");
  if (outcome.status == 0) return;
  throw Error(Status::unsupported,
              fmt::format("charts are drawn by Python's matplotlib, which does not work here ({}): "
                          "pip install matplotlib, name a Python that has it by PLAIT_PYTHON, or "
                          "leave out --plot",
                          outcome.last_line));
}

std::string draw_chart(const Json& sweep, PictureKind kind) {
  Outcome outcome =
      run_python(kChartScript, kind == PictureKind::svg ? "svg" : "png", text_of(sweep));
  if (outcome.status == 0) return std::move(outcome.out);
  throw Error(Status::io, fmt::format("{} cannot draw the chart: {}", python(), outcome.last_line));
}

}  // namespace plait::cli
