//! Moves one object between a file and an object store: S3 and what is compatible, OSS, plain HTTP, or a folder.
//!
//! `cargo xtask build-layer --shared-cache URL` compiles and starts this. It knows nothing of packages: the tool
//! decides what the objects mean and whether to believe them.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 3 there is no such object.

use std::fs::File;
use std::io::{ErrorKind as IoErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Parser, Subcommand};
use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{ErrorKind, Operator};

/// What is held in memory at once, in bytes. S3 takes parts of at least 5 MiB.
const CHUNK: usize = 8 << 20;

/// How long one request may take, and how long one may go without a byte.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a request that failed in passing is tried again.
const RETRIES: usize = 3;

/// Moves one object between a file and an object store.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read an object into a file that is not there yet.
    Get {
        /// The store, as `s3://bucket/folder?region=…&endpoint=…`, `oss://…`, `https://…` or `file:///folder`.
        url: String,
        /// The object's name below the store's folder.
        name: String,
        /// Where its bytes go.
        file: PathBuf,
        /// The most bytes it may have.
        #[arg(long)]
        limit: u64,
    },
    /// Write an object, whole or not at all.
    Put {
        /// The store.
        url: String,
        /// The object's name.
        name: String,
        /// Where its bytes are.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(Done::Moved) => ExitCode::SUCCESS,
        Ok(Done::Absent) => ExitCode::from(3),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How a command ended that did not fail.
enum Done {
    Moved,
    Absent,
}

fn run(command: Command) -> Result<Done> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("cannot install the provider of cryptography"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        match command {
            Command::Get { url, name, file, limit } => get(&open(&url)?, &name, &file, limit).await,
            Command::Put { url, name, file } => put(&open(&url)?, &name, &file).await.map(|()| Done::Moved),
        }
    })
}

fn open(url: &str) -> Result<Operator> {
    let operator = Operator::from_uri(url).context("the address of the store cannot be used")?;
    let patient = TimeoutLayer::new().with_timeout(PATIENCE).with_io_timeout(PATIENCE);
    Ok(operator.layer(patient).layer(RetryLayer::new().with_max_times(RETRIES).with_jitter()))
}

async fn get(store: &Operator, name: &str, file: &Path, limit: u64) -> Result<Done> {
    let size = match store.stat(name).await {
        Ok(found) => found.content_length(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Done::Absent),
        Err(error) => return Err(error).with_context(|| format!("cannot look for `{name}`")),
    };
    if size > limit {
        bail!("`{name}` has {size} bytes, and at most {limit} were expected");
    }
    let cannot_write = || format!("cannot write {}", file.display());
    let mut out = File::create_new(file).with_context(cannot_write)?;
    let mut begin = 0;
    while begin < size {
        let end = size.min(begin + CHUNK as u64);
        let bytes = store.read_with(name).range(begin..end).await.with_context(|| format!("cannot read `{name}`"))?;
        if bytes.len() as u64 != end - begin {
            bail!("`{name}` has fewer bytes than its store said");
        }
        for part in bytes {
            out.write_all(&part).with_context(cannot_write)?;
        }
        begin = end;
    }
    out.sync_all().with_context(cannot_write)?;
    Ok(Done::Moved)
}

async fn put(store: &Operator, name: &str, file: &Path) -> Result<()> {
    let cannot_read = || format!("cannot read {}", file.display());
    let failed = || format!("cannot write `{name}`");
    let mut source = File::open(file).with_context(cannot_read)?;
    let mut writer = store.writer_with(name).chunk(CHUNK).await.with_context(failed)?;
    loop {
        let mut bytes = vec![0; CHUNK];
        match source.read(&mut bytes) {
            Ok(0) => break,
            Ok(read) => {
                bytes.truncate(read);
                writer.write(bytes).await.with_context(failed)?;
            }
            Err(error) if error.kind() == IoErrorKind::Interrupted => {}
            Err(error) => return Err(error).with_context(cannot_read),
        }
    }
    writer.close().await.with_context(failed).map(drop)
}
