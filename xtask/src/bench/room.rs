//! The closed room in which everything is measured: namespaces that nothing leaves, and that end with the run.
//!
//! The benchmark starts itself once more through `unshare`, as the first process of a namespace of processes: when it
//! ends, however it does, the kernel ends everything it has started and takes the networks away. In the room there is
//! no network but two ends of a line of ours, and `/etc/hosts` and the certificates are our own, whatever the machine's
//! are. So subjects find a server by name and trust it with nothing configured.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::tun::{self, Cable};
use crate::process::background::Background;
use crate::process::bounded::{self, Command};
use crate::process::{attached, output};

/// The word that makes this program the one in the room.
pub const WORD: &str = "bench-room";

/// Where the server is.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Where subjects are.
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// The line's rate, in bits per second.
pub const RATE: u64 = 400_000_000;

/// Runs this program in a room of its own, with one argument.
///
/// # Errors
/// Where the machine does not allow it, or where the work in the room fails, which has then been said.
pub fn enter(argument: &Path) -> Result<()> {
    let unshare = program("unshare", "util-linux")?;
    for (name, package) in [("ip", "iproute2"), ("nsenter", "util-linux"), ("mount", "mount")] {
        program(name, package)?;
    }
    let mut argv = vec![unshare];
    if !rustix::process::geteuid().is_root() {
        argv.extend(["--user", "--map-root-user"].map(str::to_owned));
    }
    argv.extend(["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"].map(str::to_owned));
    let tried =
        output(&argv[0], argv[1..].iter().map(String::as_str).chain(["true"])).context("cannot run `unshare`")?;
    ensure!(
        tried.status.success(),
        "this machine gives no namespaces: {}\n\nhint: run the benchmark as root",
        String::from_utf8_lossy(&tried.stderr).trim()
    );
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    argv.extend([own.to_string_lossy().into_owned(), WORD.to_owned(), argument.to_string_lossy().into_owned()]);
    let status = attached(&argv).context("cannot run `unshare`")?;
    ensure!(status.success(), "measuring failed ({status}); what went wrong is said above");
    Ok(())
}

/// The networks of the room.
#[derive(Debug)]
pub struct Networks {
    cable: Cable,
    /// A process that does nothing but be in the subjects' network.
    holder: Background,
}

impl Networks {
    /// Makes them: the server's is that of this process, the subjects' another one.
    pub fn make(folder: &Path) -> Result<Networks> {
        let log = File::create(folder.join("networks.log")).context("cannot write the networks' log")?;
        let nothing = ["unshare", "--net", "cat"].map(str::to_owned);
        let holder = Background::start(&nothing, &log).context("cannot run `unshare`")?;
        wait_for_network(&holder)?;
        let (server, client) = (tun::create("ml-server")?, tun::create("ml-client")?);
        let inside = namespace(&holder).display().to_string();
        let id = holder.id().to_string();
        run(&["ip", "link", "set", "lo", "up"])?;
        run(&["ip", "link", "set", "ml-client", "netns", &id])?;
        for (prefix, name, address, other) in
            [(&[][..], "ml-server", SERVER, CLIENT), (&["nsenter", "--net"][..], "ml-client", CLIENT, SERVER)]
        {
            let enter: Vec<String> = match prefix {
                [] => Vec::new(),
                _ => vec!["nsenter".to_owned(), format!("--net={inside}")],
            };
            let ip = |words: &[&str]| {
                let words: Vec<&str> =
                    enter.iter().map(String::as_str).chain(["ip"]).chain(words.iter().copied()).collect();
                run(&words)
            };
            let (address, other) = (address.to_string(), other.to_string());
            ip(&["addr", "add", &address, "peer", &other, "dev", name])?;
            // Its own queue must not be what drops packets: that is the line's task.
            ip(&["link", "set", name, "mtu", "1500", "txqueuelen", "10000", "up"])?;
        }
        // What the kernel learns about the line in one run must not help the next.
        fs::write("/proc/sys/net/ipv4/tcp_no_metrics_save", "1").context("cannot set `tcp_no_metrics_save`")?;
        Ok(Networks { cable: Cable::connect(&server, &client, RATE)?, holder })
    }

    /// The namespace for subjects when the round trip takes that long: the server's own where it takes no time.
    pub fn with_round_trip(&self, time: Duration) -> Result<Option<PathBuf>> {
        if let Some(failure) = self.cable.failure() {
            bail!("the line between subjects and server broke: {failure}");
        }
        self.cable.set_round_trip(time);
        Ok((!time.is_zero()).then(|| namespace(&self.holder)))
    }
}

fn namespace(process: &Background) -> PathBuf {
    PathBuf::from(format!("/proc/{}/ns/net", process.id()))
}

fn wait_for_network(holder: &Background) -> Result<()> {
    let own = fs::read_link("/proc/self/ns/net").context("cannot tell which network this is")?;
    let until = Instant::now() + Duration::from_secs(10);
    while fs::read_link(namespace(holder)).map_or(true, |network| network == own) {
        ensure!(Instant::now() < until, "`unshare --net` made no network within ten seconds");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Lays `text` over a file of the machine, for this room alone.
pub fn cover(file: &Path, text: &str, folder: &Path) -> Result<()> {
    let name = file.file_name().context("a file without a name")?;
    let own = folder.join(name);
    fs::write(&own, text).with_context(|| format!("cannot write `{}`", own.display()))?;
    let (own, file) = (own.display().to_string(), file.display().to_string());
    run(&["mount", "--bind", &own, &file])
}

/// Waits until the server in this network has no connection left, so that all of them are in its log.
pub fn wait_for_silence(port: u16) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let table = fs::read_to_string("/proc/self/net/tcp").context("cannot read the table of connections")?;
        if !is_busy(&table, port) || Instant::now() > until {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a socket on the server's side of this port is still the server's: established, or closed by the other end.
fn is_busy(table: &str, port: u16) -> bool {
    table.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, _remote, state) =
            (fields.next().unwrap_or_default(), fields.next(), fields.next().unwrap_or_default());
        local.ends_with(&format!(":{port:04X}")) && matches!(state, "01" | "03" | "08")
    })
}

fn program(name: &str, package: &str) -> Result<String> {
    let found = bounded::find_program(name);
    let found = found.with_context(|| format!("the benchmark needs `{name}`\n\nhint: `apt install {package}`"))?;
    Ok(found.display().to_string())
}

fn run(words: &[&str]) -> Result<()> {
    let mut command = Command::new(words.iter().copied());
    command.env.insert("PATH".into(), "/usr/sbin:/usr/bin:/sbin:/bin".into());
    let path = bounded::find_program(words[0]).with_context(|| format!("the benchmark needs `{}`", words[0]))?;
    command.argv[0] = path.into_os_string();
    let output = bounded::run(&command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.success(), "`{}` failed ({}): {}", words.join(" "), output.ending(), said.trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_told_from_what_is_left_of_them() {
        let line = |local: &str, state: &str| format!("  0: 0100007F:{local} 0200007F:C350 {state} 0:0 0:0 0\n");
        let table = |lines: &[String]| format!("  sl  local_address rem_address st\n{}", lines.concat());
        assert!(is_busy(&table(&[line("1F90", "0A"), line("1F90", "01")]), 8080));
        assert!(!is_busy(&table(&[line("1F90", "0A"), line("1F90", "06")]), 8080));
        assert!(!is_busy(&table(&[line("20FB", "01")]), 8080));
    }
}
