//! Half a gigabyte of film with its index at the end, made of half a second.
//!
//! The frames of the seed follow each other again and again, with a hole behind each time, so the file takes little
//! room on the disk. The index is as long as that of a real film, because reading it is what costs.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

/// A group of pictures with its sound, and its index at the end.
const SEED: &[u8] = include_bytes!("../media/seed.mp4");
/// How often the seed is repeated: 19 minutes.
const TIMES: u32 = 1782;
/// Bytes from one repetition to the next, for a film of 518 MB.
const STRIDE: u32 = 290_685;

/// The length of a box's head: its size and its kind.
const HEAD: usize = 8;

/// Writes the film; the holes are never written.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(path: &Path) -> Result<()> {
    let film = Film::of(SEED, TIMES, STRIDE)?;
    let write = || -> std::io::Result<()> {
        let file = File::create(path)?;
        file.write_all_at(&film.head, 0)?;
        for time in 0..u64::from(TIMES) {
            file.write_all_at(film.frames, film.head.len() as u64 + time * u64::from(STRIDE))?;
        }
        file.write_all_at(&film.index, film.head.len() as u64 + u64::from(TIMES) * u64::from(STRIDE))
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

/// The parts of a film.
struct Film<'a> {
    /// Everything up to the first frame.
    head: Vec<u8>,
    /// The frames of the seed.
    frames: &'a [u8],
    /// The index of the whole film.
    index: Vec<u8>,
}

impl Film<'_> {
    fn of(seed: &[u8], times: u32, stride: u32) -> Result<Film<'_>> {
        let boxes = boxes(seed)?;
        let [.., (b"mdat", frames), (b"moov", index)] = boxes[..] else {
            bail!("the seed of a film must end in `mdat` and `moov`");
        };
        ensure!(frames.len() <= stride as usize, "the seed of a film does not fit between its repetitions");
        let at = seed.len() - index.len() - HEAD - frames.len();
        let mut head = seed[..at].to_vec();
        let length = stride.checked_mul(times).and_then(|length| length.checked_add(HEAD as u32));
        head[at - HEAD..at - 4].copy_from_slice(&length.context("a film is at most 4 GiB long")?.to_be_bytes());
        Ok(Film { head, frames, index: Repeat { times, stride }.rewrite(b"moov", index)? })
    }
}

/// How often a seed's tables are repeated, and how far the frames are from each other.
#[derive(Clone, Copy)]
struct Repeat {
    times: u32,
    stride: u32,
}

impl Repeat {
    /// A box of the seed's index as one of the film's.
    fn rewrite(self, kind: &[u8; 4], content: &[u8]) -> Result<Vec<u8>> {
        let content = match kind {
            b"moov" | b"trak" | b"edts" | b"mdia" | b"minf" => self.inside(content)?,
            b"stbl" => self.tables(content)?,
            // Version 0 of each: 32 bits.
            b"mvhd" | b"mdhd" => self.longer(content, 16)?,
            b"tkhd" => self.longer(content, 20)?,
            b"elst" => self.longer(content, 8)?,
            _ => content.to_vec(),
        };
        Ok(boxed(*kind, content))
    }

    fn inside(self, content: &[u8]) -> Result<Vec<u8>> {
        let parts = boxes(content)?.into_iter().map(|(kind, content)| self.rewrite(kind, content));
        Ok(parts.collect::<Result<Vec<_>>>()?.concat())
    }

    /// The box with the duration at `at` so many times as long.
    fn longer(self, content: &[u8], at: usize) -> Result<Vec<u8>> {
        let mut content = content.to_vec();
        let duration = content.get_mut(at..at + 4).context("a box of the seed is too short")?;
        let long = u32::from_be_bytes([duration[0], duration[1], duration[2], duration[3]]).checked_mul(self.times);
        duration.copy_from_slice(&long.context("the film would be too long")?.to_be_bytes());
        Ok(content)
    }

    /// The tables of a track.
    fn tables(self, content: &[u8]) -> Result<Vec<u8>> {
        let tables = boxes(content)?;
        let find = |wanted: &[u8; 4]| tables.iter().find(|(kind, _)| *kind == wanted).map(|(_, content)| *content);
        let samples = number(find(b"stsz").context("the seed has no `stsz`")?, 8)?;
        let chunks = number(find(b"stco").context("the seed has no `stco`")?, 4)?;
        let mut all = Vec::new();
        for (kind, content) in tables {
            let content = match kind {
                b"stsd" => content.to_vec(),
                // All samples last as long as the first.
                b"stts" => table(content, 4, &[&[samples * self.times, number(content, 12)?]])?,
                b"stss" => self.table(content, 4, 1, |words, time| words[0] += samples * time)?,
                b"stsz" => self.table(content, 8, 1, |_, _| ())?,
                b"stsc" => self.table(content, 4, 3, |words, time| words[0] += chunks * time)?,
                b"stco" => self.table(content, 4, 1, |words, time| words[0] += self.stride * time)?,
                // Hints for decoders, which nobody needs.
                b"sgpd" | b"sbgp" => continue,
                kind => bail!("the seed has a table `{}`, which nobody has made longer", String::from_utf8_lossy(kind)),
            };
            all.extend(boxed(*kind, content));
        }
        Ok(all)
    }

    /// A table whose count is at `at`, with entries of `width` words, as many times; `shift` makes an entry that of a
    /// later time.
    fn table(self, content: &[u8], at: usize, width: usize, shift: impl Fn(&mut [u32], u32)) -> Result<Vec<u8>> {
        let words = content.get(at + 4..).context("a table of the seed is too short")?.chunks_exact(4);
        let words: Vec<u32> = words.map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]])).collect();
        let mut entries = Vec::new();
        for time in 0..self.times {
            for entry in words.chunks_exact(width) {
                let mut entry = entry.to_vec();
                shift(&mut entry, time);
                entries.push(entry);
            }
        }
        table(content, at, &entries.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}

/// A table with the head of another one, up to the count at `at`, and these entries.
fn table(like: &[u8], at: usize, entries: &[&[u32]]) -> Result<Vec<u8>> {
    let mut content = like.get(..at).context("a table of the seed is too short")?.to_vec();
    content.extend(u32::try_from(entries.len())?.to_be_bytes());
    content.extend(entries.iter().flat_map(|entry| entry.iter()).flat_map(|word| word.to_be_bytes()));
    Ok(content)
}

fn number(content: &[u8], at: usize) -> Result<u32> {
    let word = content.get(at..).and_then(|rest| rest.first_chunk()).context("a table of the seed is too short")?;
    Ok(u32::from_be_bytes(*word))
}

fn boxed(kind: [u8; 4], content: Vec<u8>) -> Vec<u8> {
    // The largest is the index, of some hundred kilobytes.
    [&((content.len() + HEAD) as u32).to_be_bytes()[..], &kind, &content].concat()
}

/// The boxes that fill `bytes`.
fn boxes(mut bytes: &[u8]) -> Result<Vec<(&[u8; 4], &[u8])>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let kind = bytes.get(4..).and_then(|rest| rest.first_chunk()).context("half a box in the seed of a film")?;
        let size = number(bytes, 0)? as usize;
        let content = bytes.get(HEAD..size).context("half a box in the seed of a film")?;
        all.push((kind, content));
        bytes = &bytes[size..];
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the first table of that kind in an index, behind its count at `at`.
    fn table_of(index: &[u8], kind: &[u8; 4], at: usize) -> Vec<u32> {
        let place = index.windows(4).position(|window| window == kind).expect("a table") + 4;
        let size = number(index, place - HEAD).expect("a size") as usize - HEAD;
        let count = number(index, place + at).expect("a count");
        let words: Vec<u32> =
            (at + 4..size).step_by(4).map(|word| number(index, place + word).expect("word")).collect();
        assert_eq!(words.len() % count as usize, 0);
        words
    }

    #[test]
    fn a_film_is_its_seed_again_and_again() {
        let film = Film::of(SEED, 3, 200_000).expect("a film");
        let index = boxes(SEED).expect("boxes").pop().expect("an index").1;
        for (kind, at) in [(b"stsz", 8), (b"stco", 4), (b"stsc", 4), (b"stss", 4)] {
            let (short, long) = (table_of(index, kind, at), table_of(&film.index, kind, at));
            assert_eq!(short.len() * 3, long.len());
            assert_eq!(long[..short.len()], short);
        }
        let (short, long) = (table_of(index, b"stco", 4), table_of(&film.index, b"stco", 4));
        assert_eq!(long[short.len()], short[0] + 200_000);
        assert_eq!(table_of(&film.index, b"stts", 4)[0], 48, "frames");
        assert_eq!(table_of(&film.index, b"stss", 4), [1, 17, 33]);
    }

    #[test]
    fn the_film_has_the_size_it_is_known_by() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("film.mp4");
        write(&path).expect("written");
        let size = path.metadata().expect("a file").len();
        assert!((518_000_000..519_500_000).contains(&size), "{size}");
    }
}
