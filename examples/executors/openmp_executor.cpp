// plait's tasks on the threads of an OpenMP program.
#include "same_bits.hpp"

class OpenMpExecutor final : public plait::Executor {
 public:
  void run(int count, plait::TaskRef task) override {
#pragma omp parallel for schedule(static, 1)
    for (int index = 0; index < count; ++index) task(index);
  }
};

int main() {
  OpenMpExecutor executor;
  return examples::compare_with_default(executor);
}
