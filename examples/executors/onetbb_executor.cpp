// plait's tasks in an arena of oneTBB.
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

#include "same_bits.hpp"

class OneTbbExecutor final : public plait::Executor {
 public:
  explicit OneTbbExecutor(int threads) : arena_(threads) {}

  void run(int count, plait::TaskRef task) override {
    arena_.execute([&] {
      tbb::parallel_for(
          0, count, [&](int index) { task(index); }, tbb::static_partitioner());
    });
  }

 private:
  tbb::task_arena arena_;
};

int main() {
  OneTbbExecutor executor(2);
  return examples::compare_with_default(executor);
}
