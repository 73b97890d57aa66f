//! Build steps in a container: one for every package, with the package's tools, needs and work in it and nothing else.
//!
//! The cache is at another place inside than outside, and the same one on every machine. That does not show in the
//! bytes, as paths below the cache are mapped away.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::places::Places;
use super::runner::{Room, Runner};
use crate::container::{Container, Engine, Image, Mount, Network, Order, Stdin, User};
use crate::files;
use crate::process::Isolated;

/// Where the cache is inside.
pub const INSIDE: &str = "/build-layer";

/// How long an engine may need to notice that a container has ended.
const SETTLING: Duration = Duration::from_secs(3);

/// Runs programs in containers made of one image.
#[derive(Debug)]
pub struct ContainerRunner<'a> {
    /// Who makes containers.
    pub engine: &'a Engine,
    /// What they are made of.
    pub image: &'a Image,
}

impl Runner for ContainerRunner<'_> {
    fn open(&self, places: &Places) -> Result<Box<dyn Room + '_>> {
        let user = self.engine.unprivileged();
        let inside = places.seen_at(Path::new(INSIDE));
        Ok(Box::new(ContainedRoom { runner: self, outside: places.clone(), inside, user, container: None }))
    }
}

struct ContainedRoom<'a> {
    runner: &'a ContainerRunner<'a>,
    outside: Places,
    inside: Places,
    user: User,
    /// Most tools are only unpacked, and need none.
    container: Option<Container>,
}

impl Room for ContainedRoom<'_> {
    fn places(&self) -> &Places {
        &self.inside
    }

    fn run(&mut self, program: &Isolated<'_>, log: &File) -> Result<()> {
        if let Some(user) = self.user.lent_to {
            // Steps like copying, which are ours, leave files of ours.
            files::lend(&self.outside.work, user)?;
        }
        if self.container.is_none() {
            self.container = Some(self.start()?);
        }
        let Some(container) = &self.container else { bail!("there is no container") };
        let engine = container.engine();
        let argv = program.argv.iter().map(String::as_str);
        let cwd = program.cwd.to_string_lossy();
        let exec = engine.argv(container.arguments(argv, &cwd, program.env, Stdin::Closed));
        let name = program.argv.first().map(String::as_str).unwrap_or_default();
        let client = Isolated { argv: &exec, cwd: Path::new("/"), env: engine.env() };
        let status = client.run(log).with_context(|| format!("cannot start `{}`", engine.name()))?;
        if status.success() {
            return Ok(());
        }
        // A program that was killed may have gone with its container, which takes a moment to be known.
        let patience = if status.code() == Some(128 + 9) { SETTLING } else { Duration::ZERO };
        if container.ends_within(patience) {
            bail!(
                "the container {} ended while `{name}` ran in it: it was killed, or its engine was\n\nhint: start again; what is built already is kept",
                container.name()
            );
        }
        bail!("`{name}` ended with {status}");
    }

    fn close(mut self: Box<Self>) -> Result<()> {
        drop(self.container.take());
        self.user.lent_to.map_or(Ok(()), |user| files::take_back(&self.outside.out(), user))
    }
}

impl ContainedRoom<'_> {
    fn start(&self) -> Result<Container> {
        let (outside, inside) = (&self.outside, &self.inside);
        std::fs::create_dir_all(&outside.toolchain_cache)
            .with_context(|| format!("cannot make {}", outside.toolchain_cache.display()))?;
        if let Some((user, group)) = self.user.lent_to {
            std::os::unix::fs::chown(&outside.toolchain_cache, Some(user), Some(group))
                .with_context(|| format!("cannot lend {}", outside.toolchain_cache.display()))?;
        }
        let writable = [(&outside.work, &inside.work), (&outside.toolchain_cache, &inside.toolchain_cache)];
        let readable = outside.needs.values().zip(inside.needs.values());
        let readable = readable.chain(outside.tools.values().zip(inside.tools.values()));
        let mount = |writable: bool| {
            move |(from, to): (&std::path::PathBuf, &std::path::PathBuf)| Mount {
                from: from.clone(),
                to: to.clone(),
                writable,
            }
        };
        let order = Order {
            image: self.runner.image,
            name: format!("media-layers-{}", outside.work.file_name().unwrap_or_default().to_string_lossy()),
            owner: &outside.work.join("owner"),
            user: self.user.clone(),
            mounts: writable.into_iter().map(mount(true)).chain(readable.map(mount(false))).collect(),
            network: Network::None,
        };
        Ok(Container::start(self.runner.engine, &order)?)
    }
}
