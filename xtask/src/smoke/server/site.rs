//! What a server has to offer: paths, their bytes, and how it behaves when asked for them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

/// Something that can be asked for.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its bytes.
    pub body: Body,
    /// What the server does when asked for it.
    pub behaviour: Behaviour,
}

/// The bytes of a resource.
#[derive(Debug, Clone)]
pub enum Body {
    /// In memory.
    Bytes(Arc<[u8]>),
    /// In a file of this length.
    File(Arc<File>, usize),
}

impl Body {
    /// How many there are.
    pub fn length(&self) -> usize {
        match self {
            Body::Bytes(bytes) => bytes.len(),
            Body::File(_, length) => *length,
        }
    }

    /// Those from `begin` up to, not including, `end`, which must not be behind the last.
    ///
    /// # Errors
    /// Where a file cannot be read, or is shorter than it was.
    pub fn part(&self, begin: usize, end: usize) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Body::Bytes(bytes) => Ok(Cow::Borrowed(&bytes[begin..end])),
            Body::File(file, _) => {
                let mut bytes = vec![0; end - begin];
                file.read_exact_at(&mut bytes, begin as u64)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

/// What a server does when asked for a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Serves it, whole or in ranges, and keeps the connection.
    Serve,
    /// Sends the client elsewhere, with status 302 and this `Location`.
    Redirect(String),
    /// Serves it whole, whatever range was asked for.
    WithoutRanges,
    /// Serves it and closes the connection after every answer.
    Closing,
    /// Serves it, says that it keeps the connection, and closes it after every answer, whatever was sent ahead on it.
    Dropping,
    /// Sends half of what was asked for and then nothing, with the connection open.
    Stalling,
    /// Takes the request and never answers, with the connection open.
    Silent,
    /// Serves it with another ETag each time, as if it were written anew between any two requests.
    Changing,
    /// Answers with this status and a short text.
    Refuse(u16),
    /// Serves it only if the query is this, byte for byte, as a signed URL demands; else answers 403.
    Signed(String),
}

impl Resource {
    /// A resource that is served without ado.
    pub fn new(body: impl Into<Arc<[u8]>>) -> Resource {
        Resource { body: Body::Bytes(body.into()), behaviour: Behaviour::Serve }
    }

    /// A resource that is read from a file whenever it is asked for.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub fn of_file(path: &Path) -> io::Result<Resource> {
        let file = File::open(path)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        Ok(Resource { body: Body::File(Arc::new(file), length), behaviour: Behaviour::Serve })
    }

    /// A resource without bytes of its own.
    pub fn empty() -> Resource {
        Resource::new(Vec::new())
    }

    /// The same with another behaviour.
    pub fn with(mut self, behaviour: Behaviour) -> Resource {
        self.behaviour = behaviour;
        self
    }
}

/// The resources of a server by decoded path. Threads share it.
#[derive(Debug, Default)]
pub struct Site {
    resources: RwLock<BTreeMap<Vec<u8>, Resource>>,
}

impl Site {
    /// Puts a resource at a path, which is given decoded and begins with a slash.
    pub fn put(&self, path: &str, resource: Resource) {
        let mut resources = self.resources.write().unwrap_or_else(PoisonError::into_inner);
        resources.insert(path.as_bytes().to_vec(), resource);
    }

    /// What is at a decoded path.
    pub fn get(&self, path: &[u8]) -> Option<Resource> {
        self.resources.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }
}
