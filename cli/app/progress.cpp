#include "app/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace plait::cli {
namespace {

constexpr int kBarColumns = 24;
constexpr std::chrono::milliseconds kBetweenDrawings{100};
constexpr std::string_view kClearLine = "\r\x1b[K";

// A failed write costs a drawing, nothing else.
void put(int fd, std::string_view text) {
  [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
}

int columns_of(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool is_terminal(int fd) {
  const char* kind = std::getenv("TERM");
  return ::isatty(fd) == 1 && (kind == nullptr || std::string_view(kind) != "dumb");
}

std::string time_left_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  if (whole < 60) return fmt::format("{} s left", whole);
  if (whole < 3600) return fmt::format("{} min {} s left", whole / 60, whole % 60);
  return fmt::format("{} h {} min left", whole / 3600, whole / 60 % 60);
}

}  // namespace

std::string progress_text(const std::string& label, std::int64_t done, std::int64_t total,
                          double elapsed_seconds, int columns) {
  const double share =
      total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0)
                : 1.0;
  const int filled = static_cast<int>(share * kBarColumns);
  std::string text = fmt::format("{} [{:#<{}}{:-<{}}] {}/{}", label, "", filled, "",
                                 kBarColumns - filled, done, total);
  if (done > 0 && done < total) {
    text += "  " + time_left_text(elapsed_seconds * (1 - share) / share);
  }
  return text.substr(0, static_cast<std::size_t>(std::max(columns, 0)));
}

Progress::Progress(std::string label, std::int64_t total, int fd)
    : label_(std::move(label)), total_(total), fd_(fd), on_terminal_(is_terminal(fd)) {
  update(0);
}

void Progress::update(std::int64_t done) {
  if (!on_terminal_) return;
  const Clock::time_point now = Clock::now();
  if (drawn_ && done < total_ && now - last_ < kBetweenDrawings) return;
  const double elapsed_seconds = std::chrono::duration<double>(now - start_).count();
  // The last column stays free: some terminals go to the next line when it is written.
  put(fd_, std::string(kClearLine) +
               progress_text(label_, done, total_, elapsed_seconds, columns_of(fd_) - 1));
  drawn_ = true;
  last_ = now;
}

void Progress::clear() {
  if (drawn_) put(fd_, kClearLine);
  drawn_ = false;
}

}  // namespace plait::cli
