"""Makes small files of many kinds, whole and cut short, for the comparison of reports by URL and by path.

usage: generated.py FOLDER     needs Debian's ffmpeg; what is there already stays
"""

import base64
import concurrent.futures
import random
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

PICTURES = {"1k": 15, "100k": 180, "1m": 590, "10m": 1870}
TONE = ["-f", "lavfi", "-i", "sine=d=4:r=48000"]
FILM = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4,noise=alls=20", *TONE]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac"]
MPEG2 = ["-c:v", "mpeg2video", "-b:v", "2M", "-c:a", "mp2"]
SHOT = ["-f", "lavfi", "-i", "testsrc2=s=320x180:d=1", "-frames:v", "1"]
FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"
# What follows ffmpeg's -v error -y, for each file.
BY_FFMPEG = {
    "plain.mp3": [*TONE, "-id3v2_version", "0", "-write_id3v1", "0"],
    "id3v1.mp3": [*TONE, "-id3v2_version", "0", "-write_id3v1", "1", "-metadata", "title=At the end"],
    "vbr.mp3": [*TONE, "-q:a", "4"],
    "no-xing.mp3": [*TONE, "-write_xing", "0"],
    "raw.mp2": [*TONE, "-c:a", "mp2"],
    "raw.aac": [*TONE, "-c:a", "aac"],
    "raw.ac3": [*TONE, "-c:a", "ac3"],
    "raw.eac3": [*TONE, "-c:a", "eac3"],
    "raw.dts": [*TONE, "-c:a", "dca", "-strict", "-2"],
    "raw.thd": [*TONE, "-c:a", "truehd", "-strict", "-2"],
    "raw.h264": [*FILM, *X264, "-an"],
    "raw.hevc": [*FILM, "-c:v", "libx265", "-x265-params", "log-level=error", "-an"],
    "raw.obu": [*FILM, "-c:v", "libaom-av1", "-cpu-used", "8", "-frames:v", "5", "-an"],
    "raw.m2v": [*FILM, *MPEG2, "-an"],
    "raw.m4v": [*FILM, "-c:v", "mpeg4", "-an"],
    "raw.ivf": [*FILM, "-c:v", "libvpx", "-an"],
    "raw.mjpeg": [*FILM, "-c:v", "mjpeg", "-an"],
    "sound.flac": TONE,
    "sound.opus": [*TONE, "-c:a", "libopus"],
    "sound.ogg": [*TONE, "-c:a", "libvorbis"],
    "sound.oga": [*TONE, "-c:a", "flac", "-f", "ogg"],
    "sound.wma": TONE,
    "sound.m4a": TONE,
    "sound.caf": [*TONE, "-c:a", "pcm_s16le"],
    "sound.au": TONE,
    "sound.wv": TONE,
    "sound.tta": TONE,
    "sound.w64": TONE,
    "sound.wav": [*TONE, "-metadata", "title=In front"],
    "rf64.wav": [*TONE, "-rf64", "always", "-metadata", "title=In front"],
    "bext.wav": [*TONE, "-write_bext", "1", "-metadata", "description=Broadcast"],
    "float.wav": [*TONE, "-c:a", "pcm_f32le"],
    "sound.aiff": [*TONE, "-metadata", "title=Tone"],
    "id3.aiff": [*TONE, "-write_id3v2", "1", "-metadata", "title=Tone"],
    "film.ts": [*FILM, *X264],
    "film.m2ts": [*FILM, *X264, "-mpegts_m2ts_mode", "1"],
    "ac3.ts": [*FILM, "-c:v", "mpeg2video", "-c:a", "ac3"],
    "programs.ts": [*FILM, *TONE, *X264, "-map", "0:v", "-map", "1:a", "-map", "2:a", "-program", "title=One:st=0:st=1",
                    "-program", "title=Two:st=2"],
    "film.mpg": [*FILM, *MPEG2],
    "film.vob": [*FILM, *MPEG2, "-f", "vob"],
    "film.avi": [*FILM, "-c:v", "mpeg4", "-c:a", "libmp3lame", "-q:a", "4"],
    "opendml.avi": [*FILM, "-c:v", "mjpeg", "-c:a", "pcm_s16le", "-reserve_index_space", "4096"],
    "film.mxf": [*FILM, "-c:v", "mpeg2video", "-c:a", "pcm_s16le"],
    "opatom.mxf": [*FILM, "-c:v", "dnxhd", "-vf", "scale=1920:1080,format=yuv422p", "-b:v", "120M", "-frames:v", "4", "-an",
                   "-f", "mxf_opatom"],
    "film.gxf": [*FILM, "-c:v", "mpeg2video", "-s", "720x576", "-c:a", "pcm_s16le"],
    "film.dv": [*FILM, "-s", "720x576", "-pix_fmt", "yuv420p", "-c:v", "dvvideo", "-an", "-t", "1"],
    "film.flv": [*FILM, *X264],
    "film.wmv": FILM,
    "film.3gp": [*FILM, "-c:v", "h263", "-s", "352x288", "-c:a", "aac"],
    "film.ogv": [*FILM, "-c:v", "libtheora", "-c:a", "libvorbis"],
    "film.nut": [*FILM, *X264],
    "film.rm": [*FILM, "-s", "352x288", "-c:v", "rv10", "-c:a", "ac3"],
    "film.swf": [*FILM, "-c:v", "flv", "-ar", "44100", "-c:a", "libmp3lame"],
    "cues-at-the-end.mkv": [*FILM, *X264],
    "cues-in-front.mkv": [*FILM, *X264, "-reserve_index_space", "8192"],
    "no-cues.mkv": [*FILM, *X264, "-live", "1"],
    "film.webm": [*FILM, "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"],
    "at-the-end.mp4": [*FILM, *X264],
    "in-front.mp4": [*FILM, *X264, "-movflags", "faststart"],
    "mfra.mp4": [*FILM, *X264, "-movflags", FRAGMENTS],
    "no-index.mp4": [*FILM, *X264, "-movflags", FRAGMENTS + "+skip_trailer"],
    "sidx.mp4": [*FILM, *X264, "-movflags", FRAGMENTS + "+dash+global_sidx+skip_trailer"],
    "sidx-each.mp4": [*FILM, *X264, "-movflags", "frag_keyframe+empty_moov+dash"],
    "hybrid.mp4": [*FILM, *X264, "-movflags", "frag_keyframe"],
    "hevc.mp4": [*FILM, "-c:v", "libx265", "-x265-params", "log-level=error", "-tag:v", "hvc1", "-c:a", "aac"],
    "eight.mov": [*FILM, *TONE * 7, "-map", "0", *(word for i in range(8) for word in ("-map", f"{i + 1}:a")),
                  "-c:v", "mjpeg", "-c:a", "pcm_s16le", "-timecode", "10:00:00:00"],
    "shot.tiff": SHOT,
    "shot.jpg": SHOT,
    "shot.png": SHOT,
    "shot.gif": ["-f", "lavfi", "-i", "testsrc2=s=320x180:d=1", "-r", "10"],
    "shot.webp": SHOT,
    "shot.avif": [*SHOT, "-c:v", "libaom-av1", "-cpu-used", "8", "-still-picture", "1"],
    "shot.bmp": SHOT,
    "shot.jp2": SHOT,
    "shot.dpx": SHOT,
    "shot.exr": SHOT,
    "shot.tga": SHOT,
}  # fmt: skip


def ffmpeg(*words, made):
    """Runs Debian's ffmpeg; what it makes appears whole or not at all."""
    part = made.with_name(f"part-{made.name}")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-y", "-bitexact", *map(str, words), part], check=True, timeout=600
    )
    part.rename(made)


def png(side, seed=1):
    """A picture that does not get smaller: side x side x 3 bytes of noise."""
    noise = random.Random(seed)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + noise.randbytes(side * 3) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def flac_picture(data):
    kind, words = b"image/png", b"front"
    return (
        struct.pack(">II", 3, len(kind)) + kind + struct.pack(">I", len(words)) + words
        + struct.pack(">IIIII", 0, 0, 24, 0, len(data)) + data
    )  # fmt: skip


def ape_tag(data):
    """An APEv2 tag with a cover, as it stands at the end of a file."""
    value = b"cover.png\0" + data
    items = struct.pack("<II", len(value), 2) + b"Cover Art (Front)\0" + value
    items += struct.pack("<II", 4, 0) + b"Title\0Tone"

    def ends(flags):
        return b"APETAGEX" + struct.pack("<IIII", 2000, len(items) + 32, 2, flags) + bytes(8)

    return ends(0xA0000000) + items + ends(0x80000000)


def asf_with_picture(wma, data):
    """The file with an object of its header that holds a picture."""
    name, kind, words = ("WM/Picture\0".encode("utf-16le"), "image/png\0".encode("utf-16le"), "\0".encode("utf-16le"))
    value = struct.pack("<BI", 3, len(data)) + kind + words + data
    # The metadata library object has sizes of 32 bits.
    guid = bytes.fromhex("941C23449894D149A1411D134E457054")
    body = struct.pack("<H", 1) + struct.pack("<HHHHI", 0, 0, len(name), 1, len(value)) + name + value
    made = guid + struct.pack("<Q", 24 + len(body)) + body
    # It stands inside of the header extension object, which follows somewhere in the header.
    header_size, count = struct.unpack_from("<QI", wma, 16)
    extension = wma.index(bytes.fromhex("B503BF5F2EA9CF118EE300C00C205365"))
    (size,) = struct.unpack_from("<Q", wma, extension + 16)
    (inner,) = struct.unpack_from("<I", wma, extension + 42)
    out = bytearray(wma[: extension + size] + made + wma[extension + size :])
    struct.pack_into("<Q", out, extension + 16, size + len(made))
    struct.pack_into("<I", out, extension + 42, inner + len(made))
    struct.pack_into("<QI", out, 16, header_size + len(made), count)
    return bytes(out)


def riff(kind, chunks, big=False):
    order = ">" if big else "<"
    body = b"".join(name + struct.pack(order + "I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks)
    return (b"FORM" if big else b"RIFF") + struct.pack(order + "I", len(body) + 4) + kind + body


def wav(before, after):
    sound = b"".join(struct.pack("<h", (i * 331) % 20000 - 10000) for i in range(96000))
    return riff(
        b"WAVE", [*before, (b"fmt ", struct.pack("<HHIIHH", 1, 1, 48000, 96000, 2, 16)), (b"data", sound), *after]
    )


def aiff(before, after):
    sound = bytes(8) + b"".join(struct.pack(">h", (i * 331) % 20000 - 10000) for i in range(96000))
    rate = struct.pack(">hQ", 16383 + 15, 48000 << 48)
    chunks = [*before, (b"COMM", struct.pack(">hIh", 1, 96000, 16) + rate), (b"SSND", sound), *after]
    return riff(b"AIFF", chunks, big=True)


def heic(hevc):
    """A HEIF picture of one item, the stream's parameter sets in its configuration."""

    def box(kind, *parts, version=None):
        body = b"".join(parts)
        if version is not None:
            body = struct.pack(">I", version << 24) + body
        return struct.pack(">I", len(body) + 8) + kind + body

    units = [unit.rstrip(b"\0") for unit in hevc.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]]
    sets = [unit for unit in units if unit[0] >> 1 in (32, 33, 34)]
    picture = next(unit for unit in units if unit[0] >> 1 < 32)
    config = struct.pack(
        ">BBIHIBHBBBBHBB", 1, 1, 0x60000000, 0x9000, 0, 93, 0xF000, 0xFC, 0xFD, 0xF8, 0xF8, 0, 15, len(sets)
    )
    for unit in sets:
        config += struct.pack(">BHH", 0x80 | unit[0] >> 1, 1, len(unit)) + unit
    data = struct.pack(">I", len(picture)) + picture
    kind = box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(offset):
        return box(
            b"meta",
            box(b"hdlr", bytes(4), b"pict", bytes(13), version=0),
            box(b"pitm", struct.pack(">H", 1), version=0),
            box(b"iinf", struct.pack(">H", 1), box(b"infe", struct.pack(">HH", 1, 0), b"hvc1\0", version=2), version=0),
            box(b"iloc", struct.pack(">HHHHHII", 0x4400, 1, 1, 0, 1, offset, len(data)), version=0),
            box(
                b"iprp",
                box(b"ipco", box(b"hvcC", config), box(b"ispe", struct.pack(">II", 320, 180), version=0)),
                box(b"ipma", struct.pack(">IHBBB", 1, 1, 2, 0x81, 2), version=0),
            ),
            version=0,
        )

    return kind + meta(len(kind) + len(meta(0)) + 8) + box(b"mdat", data)


def with_pictures(folder, size, side):
    """The same sound with one picture in every kind of tag."""
    picture = folder / f"picture-{size}.png"
    if not picture.exists():
        picture.write_bytes(png(side))
    data = picture.read_bytes()
    attached = [*TONE, "-i", picture, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic"]
    for name in [f"id3v2-{size}.mp3", f"picture-{size}.flac", f"covr-{size}.m4a"]:
        if not (folder / name).exists():
            ffmpeg(*attached, made=folder / name)
    ogg = folder / f"picture-{size}.ogg"
    # As an argument it would be too long, and ffmpeg gives up on lines of that length too.
    if not ogg.exists() and side < 1000:
        text = folder / f"part-{size}.txt"
        text.write_text(
            ";FFMETADATA1\nMETADATA_BLOCK_PICTURE="
            + base64.b64encode(flac_picture(data)).decode().replace("=", "\\=")
            + "\n"
        )
        ffmpeg(*TONE, "-i", text, "-map_metadata", "1", "-c:a", "libvorbis", made=ogg)
        text.unlink()
    (folder / f"ape-{size}.mp3").write_bytes((folder / "plain.mp3").read_bytes() + ape_tag(data))
    (folder / f"picture-{size}.wma").write_bytes(asf_with_picture((folder / "sound.wma").read_bytes(), data))


def others(folder):
    """Files that ffmpeg does not make."""
    noise = random.Random(2)
    note = (b"LIST", b"INFOINAM" + struct.pack("<I", 10) + b"Some words")
    filler = (b"JUNK", bytes(70_001))
    big = (b"LIST", b"INFOICMT" + struct.pack("<I", 300_000) + b"words " * 50_000)
    text = (b"NAME", b"Some words")
    large = (b"APPL", b"stoc" + bytes(200_000))
    film = (folder / "film.ts").read_bytes()
    made = {
        "chunks-before.wav": wav([note, filler], []),
        "chunks-after.wav": wav([], [note, filler]),
        "large-before.wav": wav([big], []),
        "large-after.wav": wav([], [filler, big]),
        "chunks-before.aiff": aiff([text, large], []),
        "chunks-after.aiff": aiff([], [large, text]),
        "shot.heic": heic((folder / "raw.hevc").read_bytes()),
        "nothing.mp4": b"",
        "nothing": b"",
        "one": b"x",
        "zeros.bin": bytes(300_000),
        "noise.bin": noise.randbytes(3_000_000),
        "noise.mp4": noise.randbytes(100_000),
        "words.txt": b"Only words, line after line.\n" * 9_000,
        "words.mp3": b"Only words, line after line.\n" * 9_000,
        "page.html": b"<!DOCTYPE html><title>No media</title><p>Nothing here.\n",
        "words.srt": b"1\n00:00:01,000 --> 00:00:02,000\nHello.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n",
    }
    for offset in [1, 94, 188, 1_000, 4_096, 65_535, 100_001]:
        made[f"cut-{offset}.ts"] = film[offset:]
    m2ts = (folder / "film.m2ts").read_bytes()
    for offset in [4, 100, 192, 70_000]:
        made[f"cut-{offset}.m2ts"] = m2ts[offset:]
    for name, data in made.items():
        (folder / name).write_bytes(data)
    with zipfile.ZipFile(folder / "words.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("words.txt"), "words " * 1000)


def cut_short(folder):
    """Every file again, cut at five places; the largest pictures show nothing new."""
    for file in [file for file in sorted(folder.iterdir()) if file.is_file()]:
        data = file.read_bytes()
        size = len(data)
        if "-10m" in file.name:
            continue
        ends = {size * 1 // 50, size // 7, size // 2, size * 9 // 10, size - 1}
        for end in sorted(end for end in ends if 0 < end < size):
            (folder / "cut" / f"{file.stem}-to-{end}{file.suffix}").write_bytes(data[:end])


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "complete").exists():
        return
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        files = [(folder / name, words) for name, words in BY_FFMPEG.items() if not (folder / name).exists()]
        list(pool.map(lambda file: ffmpeg(*file[1], made=file[0]), files))
        list(pool.map(lambda item: with_pictures(folder, *item), PICTURES.items()))
    others(folder)
    (folder / "cut").mkdir(exist_ok=True)
    cut_short(folder)
    (folder / "complete").touch()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    make(Path(sys.argv[1]))
