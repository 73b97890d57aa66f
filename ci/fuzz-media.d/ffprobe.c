/* Does with the input what ffprobe does: opens it and looks for the parameters of its streams. */
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "libavcodec/avcodec.h"
#include "libavformat/avformat.h"
#include "libavutil/mem.h"
#include "undefined.h"

typedef struct Input {
    const uint8_t *data;
    int64_t size, at;
    clock_t begun;
} Input;

static int read_input(void *opaque, uint8_t *buffer, int size)
{
    Input *input = opaque;
    int64_t left = input->size - input->at;

    if (left <= 0)
        return AVERROR_EOF;
    size = size < left ? size : left;
    memcpy(buffer, input->data + input->at, size);
    input->at += size;
    return size;
}

static int64_t seek_input(void *opaque, int64_t offset, int whence)
{
    Input *input = opaque;

    if (whence & AVSEEK_SIZE)
        return input->size;
    offset += whence == SEEK_CUR ? input->at : whence == SEEK_END ? input->size : 0;
    if (offset < 0)
        return AVERROR(EINVAL);
    return input->at = offset;
}

/* ffprobe asks to return after some seconds. Less here, as other inputs are worth more. */
static int interrupted(void *opaque)
{
    return clock() - ((Input *)opaque)->begun > 4 * CLOCKS_PER_SEC;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = { data, size, 0, clock() };
    AVFormatContext *context = NULL;
    AVIOContext *io = NULL;
    uint8_t *buffer = NULL;

    current_input(data, size);
    av_log_set_level(AV_LOG_QUIET);
    av_max_alloc_total((104 << 20) + 6 * (int64_t)size); /* as ffprobe does */
    context = avformat_alloc_context();
    buffer = av_malloc(32768);
    if (!context || !buffer || !(io = avio_alloc_context(buffer, 32768, 0, &input, read_input, NULL, seek_input)))
        return 0;
    context->pb = io;
    context->interrupt_callback = (AVIOInterruptCB) { interrupted, &input };
    /* Lists of files would open what is on this machine. */
    context->protocol_whitelist = av_strdup("data");
    if (avformat_open_input(&context, NULL, NULL, NULL) >= 0) {
        avformat_find_stream_info(context, NULL);
        for (unsigned i = 0; i < context->nb_streams; i++) {
            char text[256];
            AVCodecContext *codec = avcodec_alloc_context3(NULL);
            if (codec && avcodec_parameters_to_context(codec, context->streams[i]->codecpar) >= 0)
                avcodec_string(text, sizeof(text), codec, 0);
            avcodec_free_context(&codec);
        }
        avformat_close_input(&context);
    }
    av_freep(&io->buffer);
    avio_context_free(&io);
    return 0;
}
