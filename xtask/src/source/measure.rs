//! Measuring: puts bytes whose digest nobody has pinned yet into the store, and returns their size and digest.

use std::io::{Read, Write as _};
use std::path::PathBuf;
use std::thread;

use sha2::Digest as _;
use url::Url;

use super::disk::DiskError;
use super::failure::Failure;
use super::http::{Client, shown};
use super::request::Context;
use crate::model::Sha256;
use crate::model::recipe::Archive;
use crate::ui::Progress;

/// What came from one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Bytes.
    pub size: u64,
    /// Of the bytes.
    pub sha256: Sha256,
    /// Where they are in the store.
    pub file: PathBuf,
}

/// Fetches what `url` serves, at most [`Archive::MOST`] bytes, into the store.
pub fn measure(context: &Context<'_>, client: &Client, url: &Url) -> anyhow::Result<Result<Measured, Failure>> {
    let progress = context.ui.transfer(&format!("fetch {}", shown(url)), Archive::MOST);
    let mut attempt = 1;
    loop {
        match once(context, client, url, &progress)? {
            Err(failure) if failure.may_pass() && attempt < client.patience().attempts => {
                thread::sleep(client.pause(attempt, &failure));
                attempt += 1;
            }
            result => return Ok(result),
        }
    }
}

fn once(
    context: &Context<'_>,
    client: &Client,
    url: &Url,
    progress: &Progress,
) -> anyhow::Result<Result<Measured, Failure>> {
    let answer = match client.get(url, 0, "*/*") {
        Ok(answer) if answer.status == 200 => answer,
        Ok(answer) => return Ok(Err(answer.failure())),
        Err(failure) => return Ok(Err(failure)),
    };
    let announced = answer.number(ureq::http::header::CONTENT_LENGTH);
    let folder = context.store.partial_folder()?;
    let disk = |error| DiskError::writing(&folder, 0, error);
    let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(disk)?;
    let (mut hasher, mut size, mut piece) = (sha2::Sha256::new(), 0_u64, vec![0; 128 << 10]);
    let mut reader = answer.into_reader();
    loop {
        let count = match reader.read(&mut piece) {
            Ok(0) if announced.is_some_and(|announced| announced != size) => {
                return Ok(Err(Failure::Transfer(format!("it ended after {size} bytes"))));
            }
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => return Ok(Err(Failure::Transfer(error.to_string()))),
        };
        size += count as u64;
        if size > Archive::MOST {
            return Ok(Err(Failure::TooLong { expected: Archive::MOST }));
        }
        hasher.update(&piece[..count]);
        file.write_all(&piece[..count]).map_err(disk)?;
        progress.set(size);
    }
    let sha256 = Sha256::from_bytes(hasher.finalize().into());
    let claim = context.store.claim(sha256, &shown(url), context.ui)?;
    let file = claim.land(&file.into_temp_path())?;
    Ok(Ok(Measured { size, sha256, file }))
}
