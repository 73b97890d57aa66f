//! Compression of the files of a zip, on several threads.

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Result, anyhow};
use libdeflater::{CompressionLvl, Compressor};

use super::file::PackedFile;

/// The data of one file as it stands in the zip.
pub struct Entry {
    /// 8 for deflated, 0 for stored.
    pub method: u16,
    /// Of the bytes before compression.
    pub crc32: u32,
    /// The bytes after it.
    pub data: Vec<u8>,
}

/// Compresses every file, in the order given. Threads take the largest first, so that none is left
/// alone with one at the end.
pub fn compress_all(files: &[&PackedFile], threads: NonZeroUsize) -> Vec<Result<Entry>> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(files[index].size()));
    let slots: Vec<OnceLock<Result<Entry>>> = files.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut compressor = Compressor::new(CompressionLvl::best());
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let entry = files[index].read().and_then(|bytes| compress(&mut compressor, bytes));
            // Each index is taken by one thread, so the slot is empty.
            let _ = slots[index].set(entry);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.get().min(files.len()) {
            scope.spawn(work);
        }
        work();
    });
    slots.into_iter().map(|slot| slot.into_inner().unwrap_or_else(|| Err(anyhow!("not compressed")))).collect()
}

fn compress(compressor: &mut Compressor, bytes: Vec<u8>) -> Result<Entry> {
    let crc32 = libdeflater::crc32(&bytes);
    let mut deflated = vec![0; compressor.deflate_compress_bound(bytes.len())];
    let length = compressor.deflate_compress(&bytes, &mut deflated)?;
    if length < bytes.len() {
        deflated.truncate(length);
        Ok(Entry { method: 8, crc32, data: deflated })
    } else {
        Ok(Entry { method: 0, crc32, data: bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_twelve() {
        assert_eq!(i32::from(CompressionLvl::best()), 12);
    }

    #[test]
    fn what_does_not_shrink_is_stored() {
        let mut compressor = Compressor::new(CompressionLvl::best());
        for (bytes, method) in [(vec![7; 1000], 8), (vec![7], 0), (Vec::new(), 0)] {
            let entry = compress(&mut compressor, bytes.clone()).expect("compressed");
            assert_eq!(entry.method, method);
            assert_eq!(entry.crc32, libdeflater::crc32(&bytes));
            assert!(entry.data.len() <= bytes.len());
        }
    }
}
