#include <stdio.h>

#include <plait/plait.h>

int main(void) {
  const float x[9] = {0, 1, 2, 3, 4, 5, 6, 7, 8}, k[4] = {0, 1, 2, 3};
  float y[4];
  plait_plan* plan = NULL;
  plait_packed* packed = NULL;
  if (plait_plan_create("1x1x3x3,1x1x2x2", NULL, &plan) != PLAIT_OK ||
      plait_pack_f32(plan, k, NULL, &packed) != PLAIT_OK ||
      plait_run_f32(plan, x, packed, NULL, y, NULL) != PLAIT_OK) {
    printf("%s\n", plait_error_message());
    return 1;
  }
  printf("%g %g %g %g\n", y[0], y[1], y[2], y[3]);
  plait_packed_destroy(packed);
  plait_plan_destroy(plan);
}
