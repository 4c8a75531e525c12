#include "rewrite/linear/cancel.hpp"

#include <utility>

#include <plait/error.hpp>

#include "rewrite/linear/eigen.hpp"

namespace plait::rewrite {

namespace {

constinit thread_local const std::atomic<bool>* cancel_of_thread = nullptr;

}  // namespace

void stop_if_cancelled() {
  const std::atomic<bool>* cancel = cancel_of_thread;
  if (cancel == nullptr || !cancel->load(std::memory_order_relaxed)) return;
  throw Error(Status::cancelled, "cancelled while a matrix was decomposed");
}

Cancellable::Cancellable(const std::atomic<bool>* cancel)
    : before_(std::exchange(cancel_of_thread, cancel)) {}

Cancellable::~Cancellable() { cancel_of_thread = before_; }

}  // namespace plait::rewrite
