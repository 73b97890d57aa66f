# Included right after project(MediaInfoLib) through CMAKE_PROJECT_MediaInfoLib_INCLUDE.

# By itself 26.05 takes the newest standard that the compiler announces. C++17 is the newest one with which gcc 12
# compiles it too, which is what our results are compared with.
set(CMAKE_CXX_STANDARD 17)

function(set_properties)
  # 26.05 would open libgvc.so if the runtime happens to have one, for drawings only; 23.04 is built without.
  get_target_property(definitions mediainfo COMPILE_DEFINITIONS)
  list(REMOVE_ITEM definitions MEDIAINFO_GRAPHVIZ_DLL_RUNTIME)
  list(APPEND definitions MEDIAINFO_GRAPHVIZ_NO)
  # The header that it precompiles is empty for any compiler but MSVC.
  set_target_properties(mediainfo PROPERTIES
    COMPILE_DEFINITIONS "${definitions}" DISABLE_PRECOMPILE_HEADERS ON)
endfunction()
cmake_language(DEFER CALL set_properties)

include(${CMAKE_CURRENT_LIST_DIR}/unity.cmake)
# New in this version, or new in that they define names that clash.
list(APPEND alone
  MediaInfo/Audio/File_Aac_Main.cpp
  MediaInfo/Audio/File_Ac4.cpp
  MediaInfo/Audio/File_DolbyAudioMetadata.cpp
  MediaInfo/Audio/File_DtsUhd.cpp
  MediaInfo/Audio/File_Flac.cpp
  MediaInfo/Multiple/File_Mpeg4_TimeCode.cpp)
