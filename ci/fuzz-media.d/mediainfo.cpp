// Reports on the input, given as a whole, in blocks as a network delivers them, or as a file: HTTP is read by the reader of files.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "MediaInfo/MediaInfo.h"
#include "undefined.h"

using namespace MediaInfoLib;

namespace {

// The last bytes decide, so that an input is always read the same way.
enum Way { WHOLE, BLOCKS, FILE_READER, WAYS };

void push(MediaInfo &info, const uint8_t *data, size_t size) {
    const size_t block = size > 2 ? 64 + data[size - 2] * 64 : 64;
    info.Open_Buffer_Init(size, 0);
    size_t at = 0;
    while (at < size) {
        size_t part = std::min(block, size - at);
        if (info.Open_Buffer_Continue(data + at, part) & 8) // Finished
            break;
        at += part;
        uint64_t wanted = info.Open_Buffer_Continue_GoTo_Get();
        if (wanted != (uint64_t)-1) {
            if (wanted >= size)
                break;
            at = wanted;
            info.Open_Buffer_Init(size, at);
        }
    }
    info.Open_Buffer_Finalize();
}

const std::string &file_with(const uint8_t *data, size_t size) {
    static const std::string name = "/dev/shm/fuzz-media-" + std::to_string(getpid());
    int file = open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write(file, data, size) != (ssize_t)size)
        abort();
    close(file);
    static const int registered = atexit([] { unlink(name.c_str()); });
    (void)registered;
    return name;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    current_input(data, size);
    MediaInfo info;
    // Less than by default, as other inputs are worth more.
    info.Option(__T("File_Limit_Cpu"), __T("3"));
    switch (size ? data[size - 1] % WAYS : WHOLE) {
    case WHOLE:
        info.Open(data, size);
        break;
    case BLOCKS:
        push(info, data, size);
        break;
    default: {
        const std::string &name = file_with(data, size);
        info.Open(String(name.begin(), name.end()));
    }
    }
    info.Option(__T("Inform"), __T("JSON"));
    info.Inform();
    return 0;
}
