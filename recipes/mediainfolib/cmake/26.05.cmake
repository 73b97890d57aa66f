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

# These define names that clash with other files' names, so they stay alone or go into a group of their own.
set(alone
  MediaInfo/Audio/File_Aac_Main.cpp
  MediaInfo/Audio/File_Ac4.cpp
  MediaInfo/Audio/File_Adm.cpp
  MediaInfo/Audio/File_DolbyAudioMetadata.cpp
  MediaInfo/Audio/File_DtsUhd.cpp
  MediaInfo/Audio/File_Flac.cpp
  MediaInfo/Audio/File_Usac.cpp
  MediaInfo/Export/Export_Mpeg7.cpp
  MediaInfo/Image/File_Dpx.cpp
  MediaInfo/Image/File_Exr.cpp
  MediaInfo/Multiple/File_Mpeg_Descriptors.cpp
  MediaInfo/Multiple/File_Mpeg_Psi.cpp
  MediaInfo/Multiple/File_MpegTs.cpp
  MediaInfo/Multiple/File_Mpeg4_Elements.cpp
  MediaInfo/Multiple/File_Mpeg4_TimeCode.cpp
  MediaInfo/Multiple/File_Mxf.cpp
  MediaInfo/Reader/Http_File.cpp
  MediaInfo/Reader/Http_Fragments.cpp
  MediaInfo/Reader/Reader_Directory.cpp
  MediaInfo/Reader/Reader_File.cpp
  MediaInfo/Reader/Reader_libcurl.cpp
  MediaInfo/Reader/Reader_libmms.cpp
  MediaInfo/Video/File_Avc.cpp
  MediaInfoDLL/MediaInfoDLL.cpp
  MediaInfoDLL/MediaInfoJNI.cpp
  ThirdParty/tinyxml2/tinyxml2.cpp)
set(second
  MediaInfo/Audio/File_DolbyE.cpp
  MediaInfo/Audio/File_Dsdiff.cpp
  MediaInfo/Multiple/File_MiXml.cpp
  MediaInfo/Multiple/File_Mk.cpp
  MediaInfo/Multiple/File_Mpeg4.cpp
  MediaInfo/Multiple/File_Nut.cpp
  MediaInfo/Multiple/File_Riff_Elements.cpp
  MediaInfo/Tag/File__Tags.cpp
  MediaInfo/Tag/File_Id3v2.cpp)
set(third
  MediaInfo/Audio/File_Dsf.cpp
  MediaInfo/Audio/File_Mpegh3da.cpp
  MediaInfo/Multiple/File_Rm.cpp)
# These redefine FILLING_BEGIN, which every parser uses: each of the three sets it anew, nothing else may follow them.
set(fourth
  MediaInfo/Video/File_AvsV.cpp
  MediaInfo/Video/File_Mpegv.cpp
  MediaInfo/Video/File_Vc1.cpp)
include(${CMAKE_CURRENT_LIST_DIR}/unity.cmake)
