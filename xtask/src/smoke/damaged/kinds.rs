//! The files, and what each of them claims.

use anyhow::Context as _;

use crate::smoke::fixture::embedded_file;

/// A file that claims something absurd.
pub struct Kind {
    /// What it claims.
    pub name: &'static str,
    pub file: &'static str,
    pub bytes: Vec<u8>,
    pub limit: Limit,
}

/// Whether MediaInfo reaches a limit in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Its reason begins like this.
    Reached(&'static str),
    /// It sees what is wrong before.
    NotReached,
    /// Not every version sees what is wrong.
    DependsOnVersion,
}

/// All of them.
///
/// # Errors
/// A fixture is not what it should be.
pub fn kinds() -> anyhow::Result<Vec<Kind>> {
    let (_, film) = embedded_file("moov-front.mp4")?;
    let kind = |name, file, bytes, limit| Kind { name, file, bytes, limit };
    Ok(vec![
        kind(
            "an MP4 file whose tables have four billion entries",
            "tables.mp4",
            with_endless_tables(film),
            Limit::NotReached,
        ),
        kind(
            "a fragment of four billion samples",
            "fragment.mp4",
            with_endless_fragment(film)?,
            Limit::Reached("more than "),
        ),
        kind("a TIFF file whose folder is followed by itself", "circle.tiff", circle_of_folders(), Limit::NotReached),
        kind("an FLV file with an array of four billion values", "arrays.flv", endless_array(), Limit::NotReached),
        kind(
            "a WAV file with four billion cue points",
            "points.wav",
            endless_cue_points(),
            Limit::Reached("the parser goes on behind the end of its data"),
        ),
        kind("chapters in chapters, 500 deep", "deep.mkv", nested_chapters(500), Limit::DependsOnVersion),
        kind("an AAC file with sections behind their table", "sections.aac", endless_sections(), Limit::NotReached),
        // Each of these ended MediaInfo 23.04 or 26.05 by a signal.
        kind("XML that ends in CDATA", "cdata.xml", b"<![CDATA[".to_vec(), Limit::NotReached),
        kind("XML that ends in a tag", "tag.xml", b"<audioFormatExtended></".to_vec(), Limit::NotReached),
        kind(
            "XML that ends with a declaration",
            "end.xml",
            b"<ebuCoreMain><a><!xxxxxxxxx>".to_vec(),
            Limit::NotReached,
        ),
        kind("XML with CDATA that is cut, in an attribute", "attribute.xml", cut_in_attributes(), Limit::NotReached),
        kind("XML with a block of sound of no known type", "block.xml", block_of_unknown_type(), Limit::NotReached),
        kind("a GXF file whose frames have no fields", "fields.gxf", frames_without_fields(), Limit::NotReached),
        // This one kept both versions busy for ever.
        kind("a WAV file of 256 channels", "channels.wav", sound_of_256_channels(), Limit::NotReached),
        kind("a Vorbis codebook of no dimensions", "codebook.ogg", CODEBOOK.to_vec(), Limit::NotReached),
        kind("a Vorbis codebook of no entries", "entries.ogg", ENTRIES.to_vec(), Limit::NotReached),
        // These two: a division by zero, and a report that is no JSON.
        kind("a time code of 2^32 frames per second", "timecode.mxf", TIME_CODE.to_vec(), Limit::DependsOnVersion),
        kind("an AVI file with two unknown fields of one name", "names.avi", NAMES.to_vec(), Limit::DependsOnVersion),
        // ffprobe waited for the rest of this one, and said nothing at all of the other.
        kind("a playlist without an end", "endless.m3u8", ENDLESS_PLAYLIST.to_vec(), Limit::NotReached),
        kind("AAC of a kind that is not decoded", "unknown.mp4", with_unknown_aac(film)?, Limit::NotReached),
    ])
}

/// Files that were found by changing ours, and made as small as they still did harm.
const CODEBOOK: &[u8] = include_bytes!("../../../../ci/fuzz-media.d/seeds/codebook.ogg");
const ENTRIES: &[u8] = include_bytes!("../../../../ci/fuzz-media.d/seeds/entries.ogg");
const TIME_CODE: &[u8] = include_bytes!("../../../../ci/fuzz-media.d/seeds/timecode.mxf");
const NAMES: &[u8] = include_bytes!("../../../../ci/fuzz-media.d/seeds/names.avi");

/// A live playlist whose next part is to come within two weeks.
const ENDLESS_PLAYLIST: &[u8] = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1000000\n#EXTINF:2.0,\nmissing.ts\n";

/// The first five bits of what MPEG-4 says of AAC are its kind: 7 is TwinVQ.
fn with_unknown_aac(mp4: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = mp4.to_vec();
    let description = memchr::memmem::find(mp4, b"\x05\x80\x80\x80").context("the mp4 has no AAC")? + 5;
    let first = bytes.get_mut(description).context("the mp4 ends in the description of its AAC")?;
    *first = *first & 7 | 7 << 3;
    Ok(bytes)
}

/// The count of each table of an MP4 file, which follows its name, version and flags, becomes the largest.
fn with_endless_tables(mp4: &[u8]) -> Vec<u8> {
    let mut bytes = mp4.to_vec();
    for (name, offset) in [
        (b"stts", 8),
        (b"stsc", 8),
        (b"stco", 8),
        (b"stss", 8),
        (b"ctts", 8),
        (b"elst", 8),
        (b"dref", 8),
        (b"stsz", 12),
    ] {
        let places: Vec<usize> = (0..bytes.len()).filter(|&place| bytes[place..].starts_with(name)).collect();
        for place in places {
            if let Some(count) = bytes.get_mut(place + offset..place + offset + 4) {
                count.fill(0xFF);
            }
        }
    }
    bytes
}

/// In the place of the frames a fragment whose samples all have the size that was said before: none needs a byte.
fn with_endless_fragment(mp4: &[u8]) -> anyhow::Result<Vec<u8>> {
    let full = |name, content: &[u8]| mp4_box(name, &[&[0; 4], content].concat());
    let header = full(b"tfhd", &1u32.to_be_bytes());
    let samples = full(b"trun", &0xFFFF_FFF0u32.to_be_bytes());
    let track = mp4_box(b"traf", &[header, samples].concat());
    let fragment = mp4_box(b"moof", &[full(b"mfhd", &1u32.to_be_bytes()), track].concat());
    let name = mp4.windows(4).position(|part| part == b"mdat").context("the mp4 has no `mdat` box")?;
    Ok([&mp4[..name - 4], &fragment].concat())
}

fn mp4_box(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).expect("our boxes are small");
    [&size.to_be_bytes(), name.as_slice(), content].concat()
}

/// A header, and a folder with one value (a width) whose successor is the folder itself.
fn circle_of_folders() -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend([1, 0]);
    bytes.extend([0, 1, 3, 0, 1, 0, 0, 0, 16, 0, 0, 0]);
    bytes.extend([8, 0, 0, 0]);
    // Something to seek over.
    bytes.resize(200, 0);
    bytes
}

/// An array follows the name of the metadata, and nothing is in it.
fn endless_array() -> Vec<u8> {
    let metadata = b"\x02\0\x0AonMetaData\x0A\xFF\xFF\xFF\xFF";
    let size = u8::try_from(metadata.len()).expect("our metadata is small");
    let tag = [&[0x12, 0, 0, size, 0, 0, 0, 0, 0, 0, 0], metadata.as_slice()].concat();
    [b"FLV\x01\x01\0\0\0\x09\0\0\0\0", tag.as_slice(), &[0, 0, 0, size + 11]].concat()
}

/// No cue point is there. Samples of 16 bits follow.
fn endless_cue_points() -> Vec<u8> {
    let mut bytes = b"RIFF\x94\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xBB\0\0\0\x77\x01\0\x02\0\x10\0".to_vec();
    bytes.extend(b"cue \x04\0\0\0\xFF\xFF\xFF\xFFdata\x64\0\0\0");
    bytes.resize(bytes.len() + 100, 1);
    bytes
}

/// A Matroska file whose only chapter holds a chapter, and so on.
fn nested_chapters(depth: usize) -> Vec<u8> {
    let element = |id: &[u8], content: &[u8]| {
        let size = (content.len() as u64 | 1 << 56).to_be_bytes();
        [id, &size, content].concat()
    };
    let document = element(&[0x42, 0x82], b"matroska");
    let mut chapter = element(&[0x73, 0xC4], &[1]);
    for _ in 0..depth {
        chapter = element(&[0xB6], &chapter);
    }
    let chapters = element(&[0x10, 0x43, 0xA7, 0x70], &element(&[0x45, 0xB9], &chapter));
    [element(&[0x1A, 0x45, 0xDF, 0xA3], &document), element(&[0x18, 0x53, 0x80, 0x67], &chapters)].concat()
}

/// Frames in ADTS, of one channel. Each claims eight groups of sections, none of which has a length.
fn endless_sections() -> Vec<u8> {
    let mut frame = vec![0xFF, 0xF1, 0x50, 0x40, 0x19, 0x1F, 0xFC];
    // One channel, a sequence of short windows, one band.
    frame.extend([0, 0, 0x82, 0]);
    frame.resize(200, 0);
    frame.repeat(10)
}

/// What is to be decoded begins a section of CDATA, which is longer than the attribute.
fn cut_in_attributes() -> Vec<u8> {
    let cut = "&<![CDATA[a";
    format!(
        r#"<audioFormatExtended version="{cut}"><audioProgramme audioProgrammeName="{cut}"/></audioFormatExtended>"#
    )
    .into_bytes()
}

/// What a block may hold depends on the type of its channel, which has none.
fn block_of_unknown_type() -> Vec<u8> {
    let channel = "<audioChannelFormat><audioBlockFormat/></audioChannelFormat>";
    format!("<audioFormatExtended>{channel}</audioFormatExtended>").into_bytes()
}

/// A map of one track, with the number of fields per frame (tag 0x52), and a packet of its media.
fn frames_without_fields() -> Vec<u8> {
    let packet = |kind: u8, content: &[u8]| {
        let size = u32::try_from(16 + content.len()).expect("our packets are small");
        [&[0, 0, 0, 0, 1, kind], size.to_be_bytes().as_slice(), &[0, 0, 0, 0, 0xE1, 0xE2], content].concat()
    };
    let map = [0xE0, 0xFF, 0, 0, 0, 10, 0x8C, 0xC0, 0, 6, 0x52, 4, 0, 0, 0, 0];
    let mut media = [0; 116];
    media[0] = 0x0C;
    [packet(0xBC, &map), packet(0xBF, &media)].concat()
}

/// Samples of 16 bits, 48,000 per second.
fn sound_of_256_channels() -> Vec<u8> {
    let mut bytes =
        b"RIFF\x88\0\0\0WAVEfmt \x10\0\0\0\x01\0\0\x01\x80\xBB\0\0\0\0\x77\x01\0\x02\x10\0data\x64\0\0\0".to_vec();
    bytes.resize(bytes.len() + 100, 1);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_claim_what_their_names_say() {
        let kinds = kinds().expect("the fixtures");
        let of = |file| kinds.iter().find(|kind| kind.file == file).expect("a kind").bytes.as_slice();
        let count = |bytes: &[u8], name: &[u8; 4], offset: usize| {
            let place = bytes.windows(4).rposition(|part| part == name).expect("a box") + offset;
            u32::from_be_bytes(*bytes[place..].first_chunk().expect("a count"))
        };
        assert_eq!(count(of("tables.mp4"), b"stts", 8), u32::MAX);
        assert_eq!(count(of("tables.mp4"), b"stsz", 12), u32::MAX);
        assert_eq!(count(of("fragment.mp4"), b"trun", 8), 0xFFFF_FFF0);
        let moof = of("fragment.mp4").windows(4).rposition(|part| part == b"moof").expect("a box") - 4;
        assert_eq!(
            u32::from_be_bytes(*of("fragment.mp4")[moof..].first_chunk().expect("a size")) as usize,
            of("fragment.mp4").len() - moof
        );
        assert_eq!(of("circle.tiff")[4], of("circle.tiff")[22], "the folder is its own successor");
        assert_eq!(
            of("sections.aac")[..2],
            of("sections.aac")[200..202],
            "the length of a frame is what its header says"
        );
        assert!(of("deep.mkv").iter().filter(|&&byte| byte == 0xB6).count() >= 500);
        assert_eq!(u16::from_le_bytes(*of("channels.wav")[22..].first_chunk().expect("a number")), 256);
    }

    #[test]
    fn fuzzing_begins_with_the_same_files() {
        let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/fuzz-media.d/seeds");
        let mut same = 0;
        for kind in kinds().expect("the fixtures") {
            if let Ok(seed) = std::fs::read(format!("{seeds}/{}", kind.file)) {
                assert_eq!(seed, kind.bytes, "{}", kind.file);
                same += 1;
            }
        }
        assert_eq!(same, 13, "files that fuzzing found");
    }
}
