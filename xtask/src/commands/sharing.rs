//! The shared cache, as the command line and the environment name it.

use anyhow::Result;
use clap::Args;

use crate::error::invalid;
use crate::session::Session;
use crate::shared::{ObjectStore, Secret, SharedCache};

/// The variable that holds the secret. It is no flag, because everybody on a machine sees those.
const SECRET: &str = "MEDIA_LAYERS_SHARED_CACHE_SECRET";

/// Where packages are shared.
#[derive(Debug, Args)]
#[command(next_help_heading = "Shared cache")]
pub struct SharedCacheArgs {
    /// Take packages from an object store, and put there what it lacks: `s3://bucket/folder?region=…&endpoint=…`,
    /// `oss://…`, `file:///folder`, or `https://…`, which is only read. Credentials are those of the cloud's own tools;
    /// MEDIA_LAYERS_SHARED_CACHE_SECRET must hold what the machines that share the cache seal packages with.
    #[arg(long, value_name = "URL", env = "MEDIA_LAYERS_SHARED_CACHE")]
    shared_cache: Option<String>,
}

impl SharedCacheArgs {
    /// The cache that is named, if one is.
    pub fn open(&self, session: &Session) -> Result<Option<SharedCache>> {
        let Some(url) = &self.shared_cache else { return Ok(None) };
        let secret = std::env::var(SECRET).map_err(|_| {
            invalid(format!(
                "a shared cache needs a secret that its store does not know, and {SECRET} is not set\n\nhint: make one with `head -c 24 /dev/urandom | base64`, and give it to every machine that shares the cache"
            ))
        })?;
        let secret = Secret::new(&secret)?;
        let objects = ObjectStore::open(&session.catalog.root, url, &session.ui)?;
        Ok(Some(SharedCache::new(Box::new(objects), secret)))
    }
}
