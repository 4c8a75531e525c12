# `cpack -G DEB`: three Debian packages, as Debian itself would cut them: the shared libraries, what
# is needed to build with it, and the program.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "plait developers")
set(CPACK_PACKAGE_VENDOR "plait")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# libplait_rewrite.so needs libplait.so, which is not installed yet.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/src)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)

set(library_package libplait${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "This package has the shared libraries.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libplait-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "${library_package} (= ${PROJECT_VERSION}), libhwy-dev (>= 1.0.3)")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
  "This package has what is needed to build with it: headers, static libraries, CMake and pkg-config.")
set(CPACK_COMPONENTS_ALL library development)
if(PLAIT_CLI)
  list(APPEND CPACK_COMPONENTS_ALL program)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME plait)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
  # For the labels of sheets, and for charts.
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "fonts-dejavu-core, python3-matplotlib")
  set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "This package has the program.")
endif()

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE RENAME copyright COMPONENT ${component}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
endforeach()
include(CPack)
