#include "draw/gnuplot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <plait/error.hpp>

#include "app/fail.hpp"
#include "app/interrupt.hpp"

namespace plait::cli {
namespace {

constexpr int kPollMilliseconds = 50;  // an interrupt is noticed so soon

class Descriptor {
 public:
  Descriptor() = default;
  // Above the standard streams, where the child's would be put over it.
  explicit Descriptor(int fd) : fd_(::fcntl(fd, F_DUPFD_CLOEXEC, 3)) {
    const int error = errno;
    ::close(fd);
    if (fd_ < 0) fail_system("cannot talk to", "gnuplot", error);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// A connection: ours and the child's end. A socket, as sending to one whose other end is gone can
// be told not to raise SIGPIPE, which would end the program.
struct Connection {
  Connection() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      fail_system("cannot talk to", "gnuplot", errno);
    }
    ours = Descriptor(ends[0]);
    theirs = Descriptor(ends[1]);
  }
  Descriptor ours;
  Descriptor theirs;
};

// The running program; its end kills it if it was not waited for.
class Child {
 public:
  Child(const Descriptor& in, const Descriptor& out, const Descriptor& messages) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, messages.get(), STDERR_FILENO);
    std::string name = "gnuplot";
    std::string defaults = "-d";  // no ~/.gnuplot
    std::array<char*, 3> arguments = {name.data(), defaults.data(), nullptr};
    const int error =
        ::posix_spawnp(&id_, name.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error == ENOENT) {
      throw Error(Status::unsupported,
                  "charts are drawn by gnuplot, which is not here: install gnuplot-nox (Debian, "
                  "Ubuntu) or gnuplot, or leave out --plot");
    }
    if (error != 0) fail_system("cannot start", "gnuplot", error);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    wait();
  }

  int wait() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = 0;
    return status;
  }

 private:
  pid_t id_ = 0;
};

// Sends what the socket takes of the script and takes that off; closes when all is sent or nobody
// listens any more.
void send_some(Descriptor& socket, std::string_view& script) {
  const ssize_t sent =
      ::send(socket.get(), script.data(), script.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) script.remove_prefix(static_cast<std::size_t>(sent));
  const bool again = sent < 0 && (errno == EINTR || errno == EAGAIN);
  if (script.empty() || (sent < 0 && !again)) socket.close();
}

void receive_some(Descriptor& socket, std::string& received) {
  std::array<char, 65536> piece;
  const ssize_t got = ::recv(socket.get(), piece.data(), piece.size(), MSG_DONTWAIT);
  if (got > 0) received.append(piece.data(), static_cast<std::size_t>(got));
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) socket.close();
}

// Until the child has closed both its outputs.
void talk(Descriptor& in, std::string_view script, Descriptor& out, std::string& picture,
          Descriptor& messages, std::string& complaints) {
  while (out.open() || messages.open()) {
    stop_if_interrupted();
    std::array<pollfd, 3> waiting = {{{in.get(), POLLOUT, 0},  // poll passes over -1
                                      {out.get(), POLLIN, 0},
                                      {messages.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), kPollMilliseconds) < 0 && errno != EINTR) {
      fail_system("cannot talk to", "gnuplot", errno);
    }
    if (waiting[0].revents != 0) send_some(in, script);
    if (waiting[1].revents != 0) receive_some(out, picture);
    if (waiting[2].revents != 0) receive_some(messages, complaints);
  }
}

// The end of what gnuplot said, where the error is, without the blank lines and the mark under it.
std::string reason_of(const std::string& complaints, int status) {
  constexpr std::size_t kLongest = 400;
  std::string reason;
  for (std::size_t at = 0; at < complaints.size();) {
    const std::size_t end = std::min(complaints.find('\n', at), complaints.size());
    const std::string line = complaints.substr(at, end - at);
    const std::size_t first = line.find_first_not_of(" \t^");
    if (first != std::string::npos) reason += (reason.empty() ? "" : "; ") + line.substr(first);
    at = end + 1;
  }
  if (reason.size() > kLongest) reason = "..." + reason.substr(reason.size() - kLongest);
  if (!reason.empty()) return reason;
  return WIFSIGNALED(status) ? fmt::format("ended by signal {}", WTERMSIG(status))
                             : fmt::format("exit code {}", WEXITSTATUS(status));
}

}  // namespace

std::string run_gnuplot(std::string_view script) {
  Connection in;
  Connection out;
  Connection messages;
  Child child(in.theirs, out.theirs, messages.theirs);
  for (Connection* one : {&in, &out, &messages}) one->theirs.close();

  std::string picture;
  std::string complaints;
  talk(in.ours, script, out.ours, picture, messages.ours, complaints);
  in.ours.close();
  const int status = child.wait();
  stop_if_interrupted();
  if (status != 0) {
    throw Error(Status::io, "gnuplot cannot draw the chart: " + reason_of(complaints, status));
  }
  return picture;
}

}  // namespace plait::cli
