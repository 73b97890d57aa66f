// Keeps one input for each place whose behaviour is undefined: the sanitizer reports such a place once per process and goes on,
// so the engine would see neither the place nor the input.
#include "undefined.h"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>

extern "C" void __ubsan_get_current_report_data(const char **kind, const char **message, const char **file, unsigned *line, unsigned *column, char **address);

namespace {
const uint8_t *input_data;
size_t input_size;
} // namespace

extern "C" void current_input(const uint8_t *data, size_t size) {
    input_data = data;
    input_size = size;
}

// The sanitizer calls this for each report.
extern "C" void __ubsan_on_report(void) {
    const char *folder = getenv("UNDEFINED"), *kind, *message, *file;
    unsigned line, column;
    char *address;
    if (!folder || !input_data)
        return;
    __ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &address);
    const char *name = file ? strrchr(file, '/') : nullptr;
    std::string path = std::string(folder) + "/" + kind + "-" + (name ? name + 1 : "unknown") + "-" + std::to_string(line);
    int out = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (out < 0)
        return; // known
    if (write(out, input_data, input_size) != (ssize_t)input_size)
        unlink(path.c_str());
    close(out);
    if ((out = open((path + ".txt").c_str(), O_WRONLY | O_CREAT, 0666)) >= 0) {
        if (write(out, message, strlen(message)) < 0)
            unlink((path + ".txt").c_str());
        close(out);
    }
}
