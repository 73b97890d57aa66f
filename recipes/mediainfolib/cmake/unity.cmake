# Compiles most C++ files together in a few translation units: half the CPU time of one by one. Which files may not is
# in these lists: `alone` (each by itself), `second`, `third` and `fourth` (a group each). They are those of 23.04; a newer
# version appends to them in its own file, VERSION.cmake.

# These define names that clash with other files' names, so they stay alone or go into a group of their own.
set(alone
  MediaInfo/Audio/File_Adm.cpp
  MediaInfo/Audio/File_Usac.cpp
  MediaInfo/Export/Export_Mpeg7.cpp
  MediaInfo/Image/File_Dpx.cpp
  MediaInfo/Image/File_Exr.cpp
  MediaInfo/Limits.cpp
  MediaInfo/Multiple/File_Mpeg_Descriptors.cpp
  MediaInfo/Multiple/File_Mpeg_Psi.cpp
  MediaInfo/Multiple/File_MpegTs.cpp
  MediaInfo/Multiple/File_Mpeg4_Elements.cpp
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

function(group_sources)
  get_target_property(sources mediainfo SOURCES)
  list(FILTER sources INCLUDE REGEX "[.]cpp$")
  set(position 0)
  foreach(source IN LISTS sources)
    string(REGEX REPLACE "^.*/Source/" "" name "${source}")
    if(name IN_LIST alone)
      continue()
    elseif(name IN_LIST second)
      set(group second)
    elseif(name IN_LIST third)
      set(group third)
    elseif(name IN_LIST fourth)
      set(group fourth)
    else()
      math(EXPR group "${position} / 30")
      math(EXPR position "${position} + 1")
      set(group "first${group}")
    endif()
    set_source_files_properties("${source}" PROPERTIES UNITY_GROUP "${group}")
  endforeach()
  set_target_properties(mediainfo PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP UNITY_BUILD_RELOCATABLE ON)
endfunction()
cmake_language(DEFER CALL group_sources)
