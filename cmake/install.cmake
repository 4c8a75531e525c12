# `cmake --install`: headers, both libraries and how others find them. Nothing installed names a
# folder of this machine, so that the tree can be moved.
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/plait)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/plait TYPE INCLUDE
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")

# plait::plait is the shared library, what packages link by default; plait::plait_static has a file
# of its own, as only it needs the libraries that plait is made with (plait-config.cmake.in).
set_target_properties(plait_shared PROPERTIES EXPORT_NAME plait)
install(TARGETS plait_shared EXPORT plait_shared
  LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS plait_static EXPORT plait_static)
foreach(library plait_shared plait_static)
  install(EXPORT ${library} NAMESPACE plait:: DESTINATION ${package_dir})
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/plait-config.cmake.in plait-config.cmake
  INSTALL_DESTINATION ${package_dir})
# Until 1.0 a minor version may change the C++ interface.
write_basic_package_version_file(plait-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/plait-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/plait-config-version.cmake
  DESTINATION ${package_dir})

cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX OUTPUT_VARIABLE prefix_from_pkgconfig
  BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
configure_file(${CMAKE_CURRENT_LIST_DIR}/plait.pc.in plait.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/plait.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
