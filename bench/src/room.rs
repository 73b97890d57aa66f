//! The closed room in which everything is measured: namespaces that nothing leaves, and that end with the run.
//!
//! The benchmark starts itself once more through `unshare`, as the first process of a namespace of processes: when it
//! ends, however it does, the kernel ends everything it has started and takes the networks away. In the room there is
//! no network but two ends of a line of ours, and `/etc/hosts` and the certificates are our own, whatever the machine's
//! are. So subjects find a server by name and trust it with nothing configured.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::tun::{self, Cable};
use xtask::process::background::Background;
use xtask::process::bounded::{self, Command};
use xtask::process::{attached, output};

/// Where the server is.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Where subjects are.
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// Where subjects look for certificates if nobody tells them.
pub const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Runs this program in a room of its own, with a word that says what to do there and a file that says how.
///
/// # Errors
/// Where the machine does not allow it, or where the work in the room fails, which has then been said.
pub fn enter(word: &str, argument: &Path) -> Result<()> {
    for (name, package) in [("ip", "iproute2"), ("nsenter", "util-linux"), ("mount", "mount")] {
        program(name, package)?;
    }
    let mut argv = unshare()?;
    is_possible(&argv)?;
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    argv.extend([own.to_string_lossy().into_owned(), word.to_owned(), argument.to_string_lossy().into_owned()]);
    let status = attached(&argv, &BTreeMap::new()).context("cannot run `unshare`")?;
    ensure!(status.success(), "measuring failed ({status}); what went wrong is said above");
    Ok(())
}

/// The command that runs another one in a room.
fn unshare() -> Result<Vec<String>> {
    let mut argv = vec![program("unshare", "util-linux")?];
    if !rustix::process::geteuid().is_root() {
        argv.extend(["--user", "--map-root-user"].map(str::to_owned));
    }
    argv.extend(["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"].map(str::to_owned));
    Ok(argv)
}

fn is_possible(unshare: &[String]) -> Result<()> {
    let words = unshare.iter().skip(1).map(String::as_str).chain(["true"]);
    let tried = output(&unshare[0], words).context("cannot run `unshare`")?;
    let said = String::from_utf8_lossy(&tried.stderr);
    ensure!(
        tried.status.success(),
        "this machine gives no namespaces: {}\n\nhint: run the benchmark as root",
        said.trim()
    );
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
    /// Makes them, with a line of that many bits per second: the server's is that of this process, the subjects' another one.
    pub fn make(folder: &Path, rate: u64) -> Result<Networks> {
        let log = File::create(folder.join("networks.log")).context("cannot write the networks' log")?;
        let nothing = ["unshare", "--net", "cat"].map(str::to_owned);
        let holder = Background::start(&nothing, &log).context("cannot run `unshare`")?;
        wait_for_network(&holder)?;
        let (server, client) = (tun::create("ml-server")?, tun::create("ml-client")?);
        run(&["ip", "link", "set", "lo", "up"])?;
        run(&["ip", "link", "set", "ml-client", "netns", &holder.id().to_string()])?;
        plug("ml-server", [SERVER, CLIENT], &[])?;
        plug("ml-client", [CLIENT, SERVER], &["nsenter", &format!("--net={}", namespace(&holder).display())])?;
        // What the kernel learns about the line in one run must not help the next.
        fs::write("/proc/sys/net/ipv4/tcp_no_metrics_save", "1").context("cannot set `tcp_no_metrics_save`")?;
        Ok(Networks { cable: Cable::connect(&server, &client, rate)?, holder })
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

/// Gives an interface its address and that of the other end; `enter` leads to the network it is in.
fn plug(name: &str, [own, other]: [Ipv4Addr; 2], enter: &[&str]) -> Result<()> {
    let (own, other) = (own.to_string(), other.to_string());
    run(&[enter, &["ip", "addr", "add", &own, "peer", &other, "dev", name]].concat())?;
    // Its own queue must not be what drops packets: that is the line's task.
    run(&[enter, &["ip", "link", "set", name, "mtu", "1500", "txqueuelen", "10000", "up"]].concat())
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

/// What is between subjects and server, for a reader; the line lets that many bits per second through.
pub fn description(rate: u64) -> String {
    format!(
        "two network namespaces and a line of our own between them (TUN interfaces of 1500 bytes; a process delays every \
         packet by half the round trip and lets {} Mbit/s through), so that TCP is the kernel's",
        rate / 1_000_000
    )
}

/// Has everybody in this room find the server by its name, and trust its authority.
pub fn introduce(name: &str, authority: &str, folder: &Path) -> Result<()> {
    let hosts = format!("127.0.0.1 localhost\n{SERVER} {name}\n");
    cover(Path::new("/etc/hosts"), &hosts, folder)?;
    let bundle = fs::read_to_string(CERTIFICATES)
        .with_context(|| format!("cannot read `{CERTIFICATES}`\n\nhint: `apt install ca-certificates`"))?;
    // The machine's certificates stay, as reading all of them is part of what a subject does.
    cover(Path::new(CERTIFICATES), &format!("{bundle}\n{authority}"), folder)
}

/// Lays `text` over a file of the machine, for this room alone.
fn cover(file: &Path, text: &str, folder: &Path) -> Result<()> {
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

/// Runs a program of the machine to its end, which must be a good one.
pub fn run(words: &[&str]) -> Result<()> {
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
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd as _;

    use super::*;

    /// The other half of the next test, as the first process of a room.
    #[test]
    #[ignore = "only in a room of its own"]
    fn in_the_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let networks = Networks::make(folder.path(), 400_000_000).expect("networks");
        let listener = TcpListener::bind((SERVER, 9000)).expect("the server's address");
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut wanted = [0; 4];
                while stream.read_exact(&mut wanted).is_ok() {
                    stream.write_all(&vec![0; u32::from_le_bytes(wanted) as usize]).expect("an answer");
                }
            }
        });
        for round_trip in [20, 80].map(Duration::from_millis) {
            let network = networks.with_round_trip(round_trip).expect("a line").expect("a network of its own");
            let (connecting, small, large) =
                std::thread::spawn(move || from_within(&network)).join().expect("a client");
            let (least, most) = (round_trip, round_trip + Duration::from_millis(40));
            assert!(least <= connecting && connecting < most, "{round_trip:?}: connected in {connecting:?}");
            assert!(least <= small && small < most, "{round_trip:?}: a byte in {small:?}");
            // Ten megabytes at 400 Mbit/s.
            assert!(large > Duration::from_millis(200) && large < Duration::from_secs(10), "{large:?}");
        }
    }

    /// The best of five times: to connect, to get one byte, and to get ten megabytes.
    fn from_within(network: &Path) -> (Duration, Duration, Duration) {
        let network = File::open(network).expect("a namespace");
        rustix::thread::move_into_link_name_space(network.as_fd(), None).expect("entered");
        let times = (0..5).map(|_| {
            let begin = Instant::now();
            let mut stream = TcpStream::connect((SERVER, 9000)).expect("a connection");
            let connecting = begin.elapsed();
            let mut get = |bytes: u32| {
                let begin = Instant::now();
                stream.write_all(&bytes.to_le_bytes()).expect("asked");
                stream.read_exact(&mut vec![0; bytes as usize]).expect("an answer");
                begin.elapsed()
            };
            (connecting, get(1), get(10_000_000))
        });
        times.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1), a.2.min(b.2))).expect("five times")
    }

    #[test]
    fn a_round_trip_takes_its_time_and_leaves_nothing() {
        let own = std::env::current_exe().expect("this test").display().to_string();
        let Some(mut argv) = unshare().ok().filter(|argv| is_possible(argv).is_ok()) else {
            eprintln!("skipped: this machine gives no namespaces");
            return;
        };
        if File::options().write(true).open("/dev/net/tun").is_err() {
            eprintln!("skipped: /dev/net/tun cannot be opened");
            return;
        }
        argv.extend([own, "--exact".to_owned(), "room::tests::in_the_room".to_owned(), "--ignored".to_owned()]);
        let mut command = Command::new(argv);
        command.env.insert("PATH".into(), "/usr/sbin:/usr/bin:/sbin:/bin".into());
        let output = bounded::run(&command).expect("runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.success() && said.contains("1 passed"), "{said}");
        assert!(!Path::new("/sys/class/net/ml-server").exists());
    }

    #[test]
    fn connections_are_told_from_what_is_left_of_them() {
        let line = |local: &str, state: &str| format!("  0: 0100007F:{local} 0200007F:C350 {state} 0:0 0:0 0\n");
        let table = |lines: &[String]| format!("  sl  local_address rem_address st\n{}", lines.concat());
        assert!(is_busy(&table(&[line("1F90", "0A"), line("1F90", "01")]), 8080));
        assert!(!is_busy(&table(&[line("1F90", "0A"), line("1F90", "06")]), 8080));
        assert!(!is_busy(&table(&[line("20FB", "01")]), 8080));
    }
}
