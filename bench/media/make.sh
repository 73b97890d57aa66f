#!/bin/sh
# Makes the media files beside this script again, with ffmpeg as Debian 12 packages it (5.1). Run it only to change them:
# docs/benchmark/instructions.json counts what it costs to probe exactly these bytes.
#
# A test picture, a sine tone and a fractal, so there is no rights holder but us. -bitexact and one thread keep names,
# dates and scheduling of the encoder out of the files.
set -eu
cd "$(dirname "$0")"

make() {
    ffmpeg -hide_banner -loglevel error -nostdin -y -fflags +bitexact "$@"
}

# 0.64 s of film, a group of 16 pictures with as much sound: `film.rs` makes 19 minutes of it.
make -f lavfi -i testsrc2=size=1280x720:rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000 \
    -c:v libx264 -threads 1 -preset ultrafast -crf 40 -g 16 -pix_fmt yuv420p -frames:v 16 \
    -c:a aac -b:a 64k -ac 2 -frames:a 31 -flags +bitexact -bitexact -map_metadata -1 \
    seed.mp4

make -f lavfi -i mandelbrot=size=400x300 -threads 1 -q:v 5 -frames:v 1 -flags +bitexact -bitexact photo.jpg
