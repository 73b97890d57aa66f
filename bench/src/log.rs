//! What the server's log says of a run: connections, requests, bytes.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// What a run cost the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Served {
    /// Connections that carried a request.
    pub connections: u64,
    /// Requests.
    pub requests: u64,
    /// Bytes of answers, headers included and TLS not, as far as the server handed them to its kernel: when a client
    /// hangs up in the middle, some of them were on their way.
    pub bytes: u64,
    /// The ranges asked for, in their order; empty where a request had none.
    pub ranges: Vec<String>,
    /// The statuses of the answers, each once.
    pub statuses: BTreeSet<u16>,
}

/// The end of the log: what comes after it belongs to the next run.
pub fn end(log: &Path) -> u64 {
    fs::metadata(log).map_or(0, |file| file.len())
}

/// What was written down since.
pub fn since(log: &Path, position: u64) -> Result<Served> {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        file.seek(SeekFrom::Start(position))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(text)
    };
    parse(&read().with_context(|| format!("cannot read `{}`", log.display()))?)
}

/// Reads lines of the format `cost` in the server's configuration.
fn parse(text: &str) -> Result<Served> {
    let (mut served, mut connections) = (Served::default(), BTreeSet::new());
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [connection, status, bytes, _length, range, _uri] = fields[..] else {
            anyhow::bail!("the server's log has a strange line: `{line}`");
        };
        let number = |text: &str| text.parse::<u64>().with_context(|| format!("a strange number in the line `{line}`"));
        connections.insert(number(connection)?);
        served.requests += 1;
        served.bytes += number(bytes)?;
        served.ranges.push(if range == "-" { String::new() } else { range.to_owned() });
        served.statuses.insert(u16::try_from(number(status)?).unwrap_or(0));
    }
    served.connections = connections.len() as u64;
    Ok(served)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "7\t206\t65536\t120\tbytes=0-65535\t/end.mp4\n\
                       7\t206\t1000\t121\tbytes=9-\t/end.mp4\n\
                       9\t200\t42\t90\t-\t/end.mp4\n";

    #[test]
    fn counts_connections_requests_and_bytes() {
        let served = parse(LOG).expect("a good log");
        assert_eq!((served.connections, served.requests, served.bytes), (2, 3, 66_578));
        assert_eq!(served.ranges, ["bytes=0-65535", "bytes=9-", ""]);
        assert_eq!(served.statuses, [200, 206].into());
    }

    #[test]
    fn only_what_is_new_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        assert_eq!(end(&log), 0);
        fs::write(&log, LOG).expect("written");
        let position = end(&log);
        assert_eq!(since(&log, position).expect("read"), Served::default());
        fs::write(&log, LOG.repeat(2)).expect("written");
        assert_eq!(since(&log, position).expect("read").requests, 3);
    }

    #[test]
    fn strange_lines_are_errors() {
        for line in ["7\t206\n", "x\t206\t1\t1\t-\t/\n"] {
            assert!(parse(line).expect_err("strange").to_string().contains("strange"));
        }
    }
}
