//! Pictures, as far as a check must look at them: the size in their heads, and whether there is anything to see.

use super::job::PictureKind;

/// The kind, width and height that the head of a picture tells.
pub fn head(bytes: &[u8]) -> Option<(PictureKind, u32, u32)> {
    jpeg(bytes).or_else(|| png(bytes)).or_else(|| webp(bytes))
}

/// Walks the segments of a JPEG to its frame header.
fn jpeg(bytes: &[u8]) -> Option<(PictureKind, u32, u32)> {
    let mut at = bytes.starts_with(&[0xff, 0xd8]).then_some(2)?;
    loop {
        let (mark, kind) = (*bytes.get(at)?, *bytes.get(at + 1)?);
        if mark != 0xff {
            return None;
        }
        // SOF0 to SOF15, without the tables for Huffman and arithmetic coding and a reserved one.
        if matches!(kind, 0xc0..=0xcf) && !matches!(kind, 0xc4 | 0xc8 | 0xcc) {
            return Some((PictureKind::Jpeg, big16(bytes, at + 7)?, big16(bytes, at + 5)?));
        }
        at += 2 + big16(bytes, at + 2)? as usize;
    }
}

fn png(bytes: &[u8]) -> Option<(PictureKind, u32, u32)> {
    let head = bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16)? == b"IHDR";
    let number = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    head.then_some((PictureKind::Png, number(16)?, number(20)?))
}

fn webp(bytes: &[u8]) -> Option<(PictureKind, u32, u32)> {
    if !bytes.starts_with(b"RIFF") || bytes.get(8..12)? != b"WEBP" {
        return None;
    }
    let little = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let (width, height) = match bytes.get(12..16)? {
        // The sizes of a lossy picture have 14 bits each, behind a start code.
        b"VP8 " => (little(26)? & 0x3fff, (little(26)? >> 16) & 0x3fff),
        // Those of a lossless one too, without a gap and less one.
        b"VP8L" => ((little(21)? & 0x3fff) + 1, ((little(21)? >> 14) & 0x3fff) + 1),
        b"VP8X" => ((little(24)? & 0xff_ffff) + 1, (little(27)? & 0xff_ffff) + 1),
        _ => return None,
    };
    Some((PictureKind::Webp, width, height))
}

fn big16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?)))
}

/// How far grey values or samples are from their mean: the square root of the variance; nothing where there are none.
pub fn spread(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let count = values.clone().count();
    if count == 0 {
        return None;
    }
    let mean = values.clone().sum::<f64>() / count as f64;
    Some((values.map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64).sqrt())
}

/// How far two pictures are apart: the mean difference of their grey values. Nothing where their sizes differ.
pub fn distance(one: &[u8], other: &[u8]) -> Option<f64> {
    if one.is_empty() || one.len() != other.len() {
        return None;
    }
    let sum: f64 = one.iter().zip(other).map(|(one, other)| f64::from(one.abs_diff(*other))).sum();
    Some(sum / one.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_tell_kind_and_size() {
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc4\x00\x02\xff\xc0\x00\x0b\x08\x00\x78\x00\xa0\x03";
        assert_eq!(head(jpeg), Some((PictureKind::Jpeg, 160, 120)));
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\xa0\0\0\0\x78\x08";
        assert_eq!(head(png), Some((PictureKind::Png, 160, 120)));
        let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\xa0\x00\x78\x00";
        assert_eq!(head(lossy), Some((PictureKind::Webp, 160, 120)));
        let lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x9f\xc0\x1d\x00";
        assert_eq!(head(lossless), Some((PictureKind::Webp, 160, 120)));
        let extended = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x9f\0\0\x77\0\0\0";
        assert_eq!(head(extended), Some((PictureKind::Webp, 160, 120)));
    }

    #[test]
    fn what_is_cut_short_or_something_else_has_no_size() {
        for bytes in [&b""[..], b"\xff\xd8", b"\xff\xd8\xff\xc0\x00\x0b\x08", b"\xff\xd8\x00\x00", b"\x89PNG\r\n\x1a\n"]
        {
            assert_eq!(head(bytes), None, "{bytes:?}");
        }
        assert_eq!(head(b"RIFF\0\0\0\0WAVEfmt "), None);
    }

    #[test]
    fn blank_and_different_pictures_are_seen() {
        let spread_of = |values: &[u8]| spread(values.iter().map(|&value| f64::from(value)));
        assert_eq!(spread_of(&[128; 100]), Some(0.0));
        assert_eq!(spread_of(&[0, 255]), Some(127.5));
        assert_eq!(spread_of(&[]), None);
        assert_eq!(distance(&[0, 10], &[5, 5]), Some(5.0));
        assert_eq!(distance(&[0, 10], &[5]), None);
    }
}
