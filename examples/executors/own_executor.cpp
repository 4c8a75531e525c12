// plait's tasks in a program's own pool, which has a queue of jobs and knows nothing of plait.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "same_bits.hpp"

class JobQueue {
 public:
  explicit JobQueue(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }

  ~JobQueue() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void submit(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
  }

 private:
  void work() {
    for (std::unique_lock lock(mutex_);;) {
      changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

// Each thread that is free takes the next index, and so does the caller. So a call ends even if all
// threads of the pool are busy or are callers themselves. Jobs that start late find no index left.
class OwnExecutor final : public plait::Executor {
 public:
  explicit OwnExecutor(JobQueue& queue) : queue_(queue) {}

  void run(int count, plait::TaskRef task) override {
    const auto call = std::make_shared<Call>(count, task);
    for (int helper = 1; helper < count; ++helper) queue_.submit([call] { call->take_tasks(); });
    call->take_tasks();
    call->wait();
  }

 private:
  class Call {
   public:
    Call(int count, plait::TaskRef task) : count_(count), task_(task) {}

    void take_tasks() {
      for (int index = next_++; index < count_; index = next_++) {
        task_(index);
        if (++done_ == count_) done_.notify_all();
      }
    }

    void wait() const {
      for (int done = done_; done != count_; done = done_) done_.wait(done);
    }

   private:
    const int count_;
    const plait::TaskRef task_;
    std::atomic<int> next_{0};
    std::atomic<int> done_{0};
  };

  JobQueue& queue_;
};

int main() {
  JobQueue queue(2);
  OwnExecutor executor(queue);
  return examples::compare_with_default(executor);
}
