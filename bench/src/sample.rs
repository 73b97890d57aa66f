//! Small results for tests: ours, a peer that takes twice as long, and one that crashes.

use crate::log::Served;
use crate::machine::Facts;
use crate::measured::{Cost, End};
use crate::media::{Media, MediaFile, MediaFiles};
use crate::peers::Kind;
use crate::results::{Cell, Measured, Outcome, Results, Run, Scheme, Way};
use crate::subject::{Role, Subject};
use xtask::model::Sha256;

/// The results.
pub fn results() -> Results {
    let facts = Facts {
        processor: "Processor".to_owned(),
        cores: 2,
        memory_mib: 1024,
        kernel: "6.1".to_owned(),
        system: "Debian".to_owned(),
        load_before: 0.25,
        network: "a line".to_owned(),
        congestion_control: "cubic".to_owned(),
        server: "Debian nginx 1".to_owned(),
    };
    let file = MediaFile { size: 550_000_000, sha256: Sha256::of("end") };
    let files = [("end.mp4".to_owned(), file)].into();
    let media = MediaFiles { recipe: Sha256::of("recipe"), encoder: "Debian ffmpeg 1".to_owned(), files };
    let subjects = vec![
        measured("mediainfo", Role::Ours, None),
        measured("debian-mediainfo", Role::Peer, None),
        measured("static", Role::Peer, Some("crash (SIGSEGV)".to_owned())),
        measured("stock-mediainfo", Role::Stock, None),
    ];
    let answered =
        |wall: u64, bytes| vec![run(Outcome::Answered, wall - 1, bytes), run(Outcome::Answered, wall + 1, bytes)];
    let cells = [Scheme::Http, Scheme::Https].into_iter().flat_map(|scheme| {
        [
            cell("mediainfo", scheme, answered(100_000, 2_000_000)),
            cell("debian-mediainfo", scheme, answered(200_000, 20_000_000)),
            cell("static", scheme, vec![run(Outcome::Crashed(11), 5_000, 0)]),
            cell("stock-mediainfo", scheme, answered(90_000, 20_000_000)),
        ]
    });
    Results { format: 1, command: "cargo xtask bench probe".to_owned(), facts, media, subjects, cells: cells.collect() }
}

fn measured(name: &str, role: Role, crash: Option<String>) -> Measured {
    let (version, title, sha256) = ("1.0".to_owned(), format!("title of {name}"), Sha256::of(name));
    let subject = Subject { name: name.to_owned(), kind: Kind::Mediainfo, role, title, version, sha256 };
    let start =
        |wall_us| Cost { wall_us, user_us: 500, system_us: 500, peak_kib: 5000, major_faults: 0, end: End::Exit(0) };
    let (cold, warm) = (vec![start(20_000), start(30_000)], vec![start(1500); 2]);
    Measured { subject, crashes_on_host_names: crash, finds_no_certificates: None, cold, warm }
}

fn cell(subject: &str, scheme: Scheme, runs: Vec<Run>) -> Cell {
    Cell { subject: subject.to_owned(), media: Media::Mp4End, way: Way { scheme, round_trip_ms: 20 }, runs }
}

fn run(outcome: Outcome, wall_us: u64, bytes: u64) -> Run {
    let end = match outcome {
        Outcome::Crashed(signal) => End::Signal(signal),
        _ => End::Exit(0),
    };
    let cost = Cost { wall_us, user_us: 8000, system_us: 2000, peak_kib: 10_000, major_faults: 0, end };
    let served = Served { connections: 1, requests: 3, bytes, ranges: Vec::new(), statuses: [206].into() };
    let answer = (outcome == Outcome::Answered).then(|| Sha256::of("answer"));
    Run { outcome, answer, cost, served, said: None }
}
