/* bin/ffprobe of the ffmpeg layer: runs the ffmpeg beside it under the name ffprobe. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static int is_ffprobe(const char *name)
{
    const char *slash = strrchr(name, '/');
    return !strcmp(slash ? slash + 1 : name, "ffprobe");
}

int main(int argc, char **argv)
{
    char path[PATH_MAX + sizeof("ffmpeg")];
    static char *no_args[] = { "ffprobe", NULL };
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    char *slash;

    if (length < 0) { /* no /proc */
        const char *own = (const char *)getauxval(AT_EXECFN);
        length = own ? snprintf(path, PATH_MAX, "%s", own) : 0;
    }
    path[length < PATH_MAX ? length : 0] = '\0';
    slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, "ffmpeg");

    if (argc < 1)
        argv = no_args;
    else if (!is_ffprobe(argv[0]))
        argv[0] = no_args[0];
    execv(path, argv);
    perror(path);
    return 127;
}
