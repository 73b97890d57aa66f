//! Long files that cost no room: made of a short one when they are needed.

use anyhow::{Context as _, bail};

/// Makes a long file of an mp4 whose index is at the end: `padding` bytes that nobody needs, between the frames and
/// the index. A reader that seeks gets it for the price of the small one.
///
/// # Errors
/// Where the file is not laid out like that.
pub fn pad_mp4(mp4: &[u8], padding: u32) -> anyhow::Result<Vec<u8>> {
    let (mut at, mut frames, mut index) = (0, None, None);
    while let Some((size, kind)) = mp4_box(mp4, at) {
        match kind {
            b"mdat" => frames = Some((at, size)),
            b"moov" => index = Some(at),
            _ => {}
        }
        at += size;
    }
    let (Some((frames, size)), Some(index)) = (frames, index) else {
        bail!("the mp4 to pad has no `mdat` or no `moov` box");
    };
    if index != frames + size {
        bail!("the mp4 to pad must have its `moov` box right behind `mdat`");
    }
    let size = u32::try_from(size)?.checked_add(padding).context("an mp4 box is at most 4 GiB long")?;
    // Zeros that were never written cost no memory until somebody reads them.
    let mut long = vec![0; mp4.len() + padding as usize];
    long[..index].copy_from_slice(&mp4[..index]);
    long[frames..frames + 4].copy_from_slice(&size.to_be_bytes());
    long[index + padding as usize..].copy_from_slice(&mp4[index..]);
    Ok(long)
}

/// Makes a long file of a wav: its sound as many times. Gives the file, and how many bytes of it are sound.
///
/// # Errors
/// Where the file is not laid out as plainly as can be.
pub fn repeat_wav(wav: &[u8], times: usize) -> anyhow::Result<(Vec<u8>, usize)> {
    let Some((head, sound)) = wav.split_at_checked(44).filter(|(head, _)| head.get(36..40) == Some(b"data")) else {
        bail!("the wav to repeat must have its `data` chunk right behind `fmt `");
    };
    let length = u32::try_from(sound.len() * times)?;
    let mut long = head.to_vec();
    long[4..8].copy_from_slice(&(length + 36).to_le_bytes());
    long[40..44].copy_from_slice(&length.to_le_bytes());
    (0..times).for_each(|_| long.extend_from_slice(sound));
    Ok((long, length as usize))
}

/// Puts `padding` bytes that nobody needs before every fragment of an mp4 but the first.
///
/// # Errors
/// Where the file has no fragments.
pub fn spread(mp4: &[u8], padding: u32) -> anyhow::Result<Vec<u8>> {
    let free = [&(padding + 8).to_be_bytes()[..], b"free", &vec![0; padding as usize]].concat();
    let (mut at, mut fragments, mut long) = (0, 0, Vec::new());
    while let Some((size, kind)) = mp4_box(mp4, at) {
        if kind == b"moof" {
            fragments += 1;
            if fragments > 1 {
                long.extend_from_slice(&free);
            }
        }
        long.extend_from_slice(&mp4[at..at + size]);
        at += size;
    }
    if fragments < 2 {
        bail!("the mp4 to spread must have several `moof` boxes");
    }
    Ok(long)
}

/// Puts a picture into the tags of an mp4, which are in its index.
///
/// # Errors
/// Where the index is not the last box.
pub fn add_cover(mp4: &[u8], picture: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut at = 0;
    while let Some((size, kind)) = mp4_box(mp4, at) {
        if kind == b"moov" && at + size == mp4.len() {
            // 14 is PNG; then comes a language that nobody uses.
            let data = new_box(b"data", &[&[0, 0, 0, 14, 0, 0, 0, 0], picture])?;
            let tags = new_box(b"ilst", &[&new_box(b"covr", &[&data])?])?;
            let handler = new_box(b"hdlr", &[&[0; 8], b"mdirappl", &[0; 9]])?;
            let tags = new_box(b"udta", &[&new_box(b"meta", &[&[0; 4], &handler, &tags])?])?;
            return Ok([&mp4[..at], &new_box(b"moov", &[&mp4[at + 8..], &tags])?].concat());
        }
        at += size;
    }
    bail!("an mp4 for a picture must have its `moov` box at the end")
}

fn new_box(kind: &[u8; 4], content: &[&[u8]]) -> anyhow::Result<Vec<u8>> {
    let content = content.concat();
    let size = u32::try_from(content.len() + 8).context("an mp4 box is at most 4 GiB long")?;
    Ok([&size.to_be_bytes(), &kind[..], &content].concat())
}

/// Size and kind of the box at `at`, if a whole one is there.
fn mp4_box(mp4: &[u8], at: usize) -> Option<(usize, &[u8; 4])> {
    let head = mp4.get(at..at.checked_add(8)?)?;
    let size = u32::from_be_bytes(*head.first_chunk()?) as usize;
    (size >= 8 && size <= mp4.len() - at).then_some((size, head.last_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smoke::fixture::{Fixtures, Vocabulary};

    fn boxes(mp4: &[u8]) -> Vec<(usize, String)> {
        let (mut at, mut boxes) = (0, Vec::new());
        while let Some((size, kind)) = mp4_box(mp4, at) {
            boxes.push((size, String::from_utf8_lossy(kind).into_owned()));
            at += size;
        }
        assert_eq!(at, mp4.len(), "the boxes fill the file");
        boxes
    }

    #[test]
    fn the_indexes_of_the_mp4_files_are_where_their_names_say() {
        let fixtures = Fixtures::embedded(Vocabulary::Ffprobe).expect("expected.toml");
        let order = |file| {
            let boxes = boxes(fixtures.get(file).expect(file).bytes);
            boxes.into_iter().map(|(_, kind)| kind).filter(|kind| kind != "free").collect::<Vec<_>>()
        };
        assert_eq!(order("moov-front.mp4"), ["ftyp", "moov", "mdat"]);
        assert_eq!(order("moov-end.mp4"), ["ftyp", "mdat", "moov"]);
    }

    #[test]
    fn a_padded_mp4_has_the_same_frames_and_the_same_index() {
        let short =
            Fixtures::embedded(Vocabulary::Ffprobe).expect("expected.toml").get("moov-end.mp4").expect("fixture").bytes;
        let long = pad_mp4(short, 1_000_000).expect("is padded");
        assert_eq!(long.len(), short.len() + 1_000_000);
        let (before, after) = (boxes(short), boxes(&long));
        assert_eq!(before.last(), after.last());
        assert_eq!(before.len(), after.len());
        assert!(pad_mp4(b"not an mp4", 10).is_err());
    }

    #[test]
    fn a_cover_is_in_the_index() {
        let fixtures = Fixtures::embedded(Vocabulary::Ffprobe).expect("expected.toml");
        let short = fixtures.get("moov-end.mp4").expect("fixture").bytes;
        let (before, after) = (boxes(short), boxes(&add_cover(short, &[7; 1_000]).expect("is added")));
        assert_eq!(before.len(), after.len());
        assert_eq!(before[..before.len() - 1], after[..after.len() - 1]);
        assert!(after.last().expect("a box").0 > before.last().expect("a box").0 + 1_000);
        assert!(add_cover(fixtures.get("moov-front.mp4").expect("fixture").bytes, &[]).is_err());
    }

    #[test]
    fn a_repeated_wav_tells_its_new_length() {
        let fixtures = Fixtures::embedded(Vocabulary::Ffprobe).expect("expected.toml");
        let (long, sound) = repeat_wav(fixtures.get("tone.wav").expect("fixture").bytes, 3).expect("repeats");
        assert_eq!((long.len(), sound), (96_044, 96_000));
        assert_eq!(long[40..44], 96_000_u32.to_le_bytes());
        assert!(repeat_wav(b"not a wav", 3).is_err());
    }
}
