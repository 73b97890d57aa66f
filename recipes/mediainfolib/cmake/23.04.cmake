# Included right after project(MediaInfoLib) through CMAKE_PROJECT_MediaInfoLib_INCLUDE.
include(${CMAKE_CURRENT_LIST_DIR}/unity.cmake)
