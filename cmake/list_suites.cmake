# Writes `out`, the suites of `program` as tests; see suites.cmake.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${program} --gtest_list_tests
  OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
# A suite's line starts with its name and a dot; those of its tests are indented.
string(REGEX MATCHALL "(^|\n)[A-Za-z0-9_/]+\\." suites "${listing}")
set(tests)
foreach(suite IN LISTS suites)
  string(REGEX REPLACE "^\n?(.*)\\.$" "\\1" suite "${suite}")
  string(APPEND tests "add_test(${suite} \"${program}\" \"--gtest_filter=${suite}.*\")\n")
  if(suite IN_LIST longest)
    string(APPEND tests "set_tests_properties(${suite} PROPERTIES COST 100)\n")
  endif()
endforeach()
file(WRITE ${out} "${tests}")
