# `cmake --install`: headers, both libraries and how others find them. Nothing installed names a
# folder of this machine, so that the tree can be moved.
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/plait)

if(NOT PLAIT_FACTORING)
  set(left_out REGEX "rewrite/(decompose|inspect)\\.hpp$" EXCLUDE)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/plait TYPE INCLUDE
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h" ${left_out})

# plait::plait and plait::rewrite are the shared libraries, what packages link by default. The static
# ones are in files of their own, as only they need the libraries that plait is made with.
set_target_properties(plait_shared PROPERTIES EXPORT_NAME plait)
set_target_properties(plait_rewrite_shared PROPERTIES EXPORT_NAME rewrite)
set_target_properties(plait_rewrite_static PROPERTIES EXPORT_NAME rewrite_static)
install(TARGETS plait_shared plait_rewrite_shared EXPORT plait_shared
  LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS plait_static plait_rewrite_static EXPORT plait_static)
foreach(libraries plait_shared plait_static)
  install(EXPORT ${libraries} NAMESPACE plait:: DESTINATION ${package_dir})
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
foreach(library plait plait_rewrite)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${library}.pc.in ${library}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${library}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
