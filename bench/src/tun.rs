//! Network interfaces of which we hold the other end: what is sent to them, we read, and what we write, they receive.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::delay::Line;

/// The largest packet: larger than what any interface of ours sends.
const PACKET: usize = 65_536;

/// Makes an interface of that name in the network namespace of this thread. It goes with the file.
pub fn create(name: &str) -> Result<File> {
    let open = || -> io::Result<File> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
        attach(&file, name)?;
        Ok(file)
    };
    open().with_context(|| {
        format!("cannot make the network interface `{name}` (`/dev/net/tun`); run the benchmark as root")
    })
}

#[expect(unsafe_code, reason = "an interface is made by `ioctl(TUNSETIFF)`, for which there is no safe wrapper")]
fn attach(file: &File, name: &str) -> io::Result<()> {
    // SAFETY: all bytes zero are a valid `ifreq`: its fields are numbers, addresses and pointers that are not followed.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays zero, which ends the name.
    for (to, from) in request.ifr_name[..libc::IFNAMSIZ - 1].iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    // Packets without a header of the interface's own.
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: the request is of the type that TUNSETIFF takes and is valid for reads and writes during the call.
    match unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) } {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A long line between two interfaces. It lasts as long as this process.
#[derive(Debug)]
pub struct Cable {
    delay_ns: Arc<AtomicU64>,
    failure: Arc<Mutex<Option<String>>>,
}

impl Cable {
    /// Connects two interfaces by a line of that many bits per second each way, without delay at first.
    pub fn connect(a: &File, b: &File, bits_per_second: u64) -> Result<Cable> {
        let cable = Cable { delay_ns: Arc::default(), failure: Arc::default() };
        for (from, to) in [(a, b), (b, a)] {
            let (from, to) = (from.try_clone()?, to.try_clone()?);
            let (delay, failure) = (Arc::clone(&cable.delay_ns), Arc::clone(&cable.failure));
            thread::spawn(move || {
                if let (Err(error), Ok(mut failure)) = (carry(&from, &to, bits_per_second, &delay), failure.lock()) {
                    *failure = Some(error.to_string());
                }
            });
        }
        Ok(cable)
    }

    /// Sets how long a packet and its answer are on their way, together.
    pub fn set_round_trip(&self, time: Duration) {
        self.delay_ns.store(u64::try_from(time.as_nanos() / 2).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Why the line carries nothing any more, if it does not.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().map_or_else(|_| Some("a thread panicked".to_owned()), |failure| failure.clone())
    }
}

/// Carries packets in one direction until an interface is gone.
fn carry(mut from: &File, mut to: &File, bits_per_second: u64, delay_ns: &AtomicU64) -> io::Result<()> {
    let mut line = Line::new(Duration::ZERO, bits_per_second);
    let mut buffer = vec![0; PACKET];
    loop {
        let wait = line.next().map(|due| due.saturating_duration_since(Instant::now()));
        let wait = wait.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
        match poll(&mut [PollFd::from_borrowed_fd(from.as_fd(), PollFlags::IN)], wait.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        line.set_delay(Duration::from_nanos(delay_ns.load(Ordering::Relaxed)));
        loop {
            match from.read(&mut buffer) {
                Ok(length) => _ = line.offer(Instant::now(), buffer[..length].to_vec()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
            // What has arrived must not wait for what is still coming.
            if line.next().is_some_and(|due| due <= Instant::now()) {
                break;
            }
        }
        while let Some(packet) = line.take(Instant::now()) {
            // An interface that is down or full loses packets, as real ones do.
            let _ = to.write(&packet);
        }
    }
}
