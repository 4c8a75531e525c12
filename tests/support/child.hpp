// Running a part of a test in a forked child.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace plait::test {

// A child that hangs is killed after so long: within what ctest grants a test, and long enough for
// any machine that does get on.
constexpr unsigned kHangSeconds = 100;

// Runs `body` in a forked child, which a hang kills; its exit status, or -1 if killed.
template <class Body>
int exit_status_of_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(kHangSeconds);
    _exit(body());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace plait::test
