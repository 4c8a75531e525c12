# plait_add_suites(TARGET SUITE...): a test per suite of a GoogleTest program, listed when it has been
# built. gtest_discover_tests would start a process for every test: under sanitizers, starting is
# most of what many of them take. The suites named here take longest, and are started first.
set(PLAIT_SUITES_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/list_suites.cmake)

function(plait_add_suites target)
  set(suites ${CMAKE_CURRENT_BINARY_DIR}/${target}_suites.cmake)
  add_custom_command(TARGET ${target} POST_BUILD VERBATIM
    COMMAND ${CMAKE_COMMAND} "-Dprogram=$<TARGET_FILE:${target}>" "-Dout=${suites}"
      "-Dlongest=${ARGN}" -P ${PLAIT_SUITES_SCRIPT})
  # A program that was not built is a test that fails, not one that is missing.
  set(listed ${CMAKE_CURRENT_BINARY_DIR}/${target}_listed.cmake)
  file(WRITE ${listed} "if(EXISTS \"${suites}\")\n  include(\"${suites}\")\nelse()\n"
    "  add_test(${target}_NOT_BUILT ${target}_NOT_BUILT)\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${listed})
endfunction()
