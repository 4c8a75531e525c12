#include "io/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "app/fail.hpp"
#include "app/interrupt.hpp"

namespace plait::cli {
namespace {

namespace fs = std::filesystem;

// The file a path leads to: the target of a symbolic link, so that a rename replaces the target and
// not the link.
fs::path resolved(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  return error ? fs::path(path) : real;
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

}  // namespace

std::string extension_of(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

void check_extension(const std::string& name, const std::string& path,
                     std::initializer_list<std::string_view> known, const std::string& takes) {
  const std::string extension = extension_of(path);
  if (std::find(known.begin(), known.end(), extension) != known.end()) return;
  fail(name + " " + path + " has " +
       (extension.empty() ? "no extension" : "the extension " + extension) + "; " + takes);
}

std::string read_file(const std::string& path) {
  constexpr off_t kMaxBytes = off_t{16} << 30;
  // Non-blocking: opening a named pipe without a writer would wait for ever.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) fail_system("cannot read", path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) fail_system("cannot read", path, errno);
  if (S_ISDIR(info.st_mode)) fail_system("cannot read", path, EISDIR);
  if (!S_ISREG(info.st_mode)) throw Error(Status::io, "cannot read " + path + ": not a file");
  if (info.st_size == 0) throw Error(Status::io, path + ": the file is empty");
  if (info.st_size > kMaxBytes) {
    throw Error(Status::io, path + ": the file has " + std::to_string(info.st_size) +
                                " bytes; plait reads up to " + std::to_string(kMaxBytes));
  }
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_system("cannot read", path, errno);
    if (got == 0) break;  // the file became shorter meanwhile: its reader will call it truncated
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

void check_output(const std::string& path, const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    std::error_code error;
    if (fs::path(input).lexically_normal() == fs::path(path).lexically_normal() ||
        fs::equivalent(input, path, error)) {
      throw Error(Status::io,
                  fmt::format("output {} is the same file as the input {}", path, input));
    }
  }
  const fs::path target = resolved(path);
  if (fs::is_directory(target)) fail_system("cannot write", path, EISDIR);
  const fs::path folder = folder_of(target);
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::exists(status)) {
    throw Error(Status::io, "cannot write " + path + ": there is no folder " + folder.string());
  }
  if (!fs::is_directory(status)) fail_system("cannot write", path, ENOTDIR);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) fail_system("cannot write", path, errno);
  if (fs::exists(target) && ::access(target.c_str(), W_OK) != 0)
    fail_system("cannot write", path, errno);
}

void write_file(const std::string& path, std::string_view bytes, const std::atomic<bool>& cancel) {
  const fs::path target = resolved(path);
  std::string temporary = (folder_of(target) / ".plait-XXXXXX").string();
  Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) fail_system("cannot write", path, errno);
  const RemovedOnExit guard(temporary);

  std::size_t done = 0;
  while (done < bytes.size() && !cancel.load()) {
    // Written 16 MiB at a time, so that an interrupt is noticed.
    const std::size_t piece = std::min<std::size_t>(bytes.size() - done, std::size_t{16} << 20);
    const ssize_t put = ::write(file.get(), bytes.data() + done, piece);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_system("cannot write", path, errno);
    done += static_cast<std::size_t>(put);
  }
  if (cancel.load()) throw Error(Status::cancelled, "interrupted");

  // mkostemp makes files private; the result gets the mode of what it replaces, or the usual one.
  struct stat old {};
  mode_t mode = 0;
  if (::stat(target.c_str(), &old) == 0) {
    mode = old.st_mode & 07777;
  } else {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    mode = 0666 & ~mask;
  }
  if (::fchmod(file.get(), mode) != 0 || file.close() != 0 ||
      ::rename(temporary.c_str(), target.c_str()) != 0) {
    fail_system("cannot write", path, errno);
  }
}

}  // namespace plait::cli
