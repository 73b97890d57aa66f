//! What must have reached the server, and how it is held against the server's log.

use std::collections::BTreeSet;

use super::server::{Record, Server};
use crate::ui::counted;

/// What must have reached the server.
#[derive(Debug, Clone)]
pub enum Traffic {
    /// It does not matter.
    Any,
    /// Something about the requests whose targets begin like this.
    To {
        /// The beginning.
        prefix: String,
        /// What they must be.
        demand: ExpectedTraffic,
    },
}

/// What requests must be.
#[derive(Debug, Clone)]
pub enum ExpectedTraffic {
    /// None.
    Nothing,
    /// At least one, and all for this target, byte for byte.
    Exactly(String),
    /// For ranges, with all of them less than this many bytes of the body.
    Less(u64),
    /// On one connection, with ranges that are no more than this. What was asked for counts, not what was sent: that
    /// of a client that asks for too much and hangs up would be a matter of luck.
    Frugal {
        /// How many requests.
        requests: usize,
        /// How many bytes of the body, in all.
        bytes: u64,
    },
    /// At least one for more than this many bytes of the body.
    More(u64),
}

impl Traffic {
    /// Holds the demand against what has reached the server.
    ///
    /// # Errors
    /// What was expected, and what came.
    pub fn judge(&self, server: &Server) -> Result<(), (String, String)> {
        let (prefix, demand) = match self {
            Traffic::Any => return Ok(()),
            Traffic::To { prefix, demand } => (prefix, demand),
        };
        let records = server.requests(prefix);
        let (fits, expected) = demand.judge(&records);
        if fits { Ok(()) } else { Err((expected, describe(&records))) }
    }
}

impl ExpectedTraffic {
    /// Whether the requests are as demanded, and the demand in words.
    fn judge(&self, records: &[Record]) -> (bool, String) {
        let sent: u64 = records.iter().map(|record| record.sent).sum();
        let ranges = records.iter().any(|record| record.status == 206);
        match self {
            ExpectedTraffic::Nothing => (records.is_empty(), "no request".to_owned()),
            ExpectedTraffic::Exactly(target) => {
                let all = !records.is_empty() && records.iter().all(|record| record.target == *target);
                (all, format!("requests for {target} only"))
            }
            ExpectedTraffic::Less(bytes) => {
                (ranges && sent < *bytes, format!("ranges, of less than {bytes} bytes in all"))
            }
            ExpectedTraffic::Frugal { requests, bytes } => {
                let asked: u64 = records.iter().map(|record| record.asked).sum();
                let few = connections(records) == 1 && records.len() <= *requests && asked <= *bytes;
                let expected = format!(
                    "ranges on one connection, in at most {requests} requests, for at most {bytes} bytes in all"
                );
                (ranges && few, expected)
            }
            ExpectedTraffic::More(bytes) => {
                let more = records.iter().any(|record| record.asked > *bytes);
                (more, format!("a request for more than {bytes} bytes"))
            }
        }
    }
}

fn connections(records: &[Record]) -> usize {
    records.iter().map(|record| record.connection).collect::<BTreeSet<u64>>().len()
}

fn describe(records: &[Record]) -> String {
    if records.is_empty() {
        return "nothing reached the server".to_owned();
    }
    let line = |record: &Record| {
        let range = record.range.as_deref().unwrap_or("no range");
        let Record { method, target, status, sent, asked, .. } = record;
        format!("{method} {target} ({range}): status {status}, {sent} of {asked} bytes sent")
    };
    let lines: Vec<String> = records.iter().take(10).map(line).collect();
    let (requests, connections) = (counted(records.len(), "request"), counted(connections(records), "connection"));
    format!("{requests} on {connections}\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smoke::server::Resource;

    #[test]
    fn what_reached_the_server_is_judged_and_shown() {
        let server = Server::start().expect("starts");
        server.put("/a b", Resource::new(*b"0123456789"));
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        for range in ["bytes=0-3", "bytes=4-"] {
            let url = server.http("/a%20b");
            agent.get(url).header("Range", range).call().expect("ok").body_mut().read_to_vec().expect("ok");
        }
        let judge = |prefix: &str, demand| Traffic::To { prefix: prefix.to_owned(), demand }.judge(&server);
        assert_eq!(judge("/a", ExpectedTraffic::Exactly("/a%20b".to_owned())), Ok(()));
        assert_eq!(judge("/a", ExpectedTraffic::Less(11)), Ok(()));
        assert_eq!(judge("/b", ExpectedTraffic::Nothing), Ok(()));
        assert_eq!(judge("/a", ExpectedTraffic::More(5)), Ok(()));
        let none = judge("/b", ExpectedTraffic::Exactly("/b".to_owned())).expect_err("nothing came");
        assert_eq!(none.1, "nothing reached the server");
        assert!(judge("/a", ExpectedTraffic::Less(10)).is_err());
        assert!(judge("/a", ExpectedTraffic::Nothing).is_err());
        let odd = judge("/a", ExpectedTraffic::Exactly("/a b".to_owned())).expect_err("another target");
        insta::assert_snapshot!(odd.1, @r"
        2 requests on 1 connection
        GET /a%20b (bytes=0-3): status 206, 4 of 4 bytes sent
        GET /a%20b (bytes=4-): status 206, 6 of 6 bytes sent
        ");
    }

    #[test]
    fn frugal_is_one_connection_and_few_small_ranges() {
        let record = |connection, status, asked| Record {
            connection,
            method: "GET".to_owned(),
            target: "/a".to_owned(),
            range: None,
            status,
            asked,
            sent: 1,
        };
        let frugal = |records: &[Record]| ExpectedTraffic::Frugal { requests: 2, bytes: 100 }.judge(records).0;
        assert!(frugal(&[record(1, 206, 50), record(1, 206, 50)]));
        assert!(!frugal(&[record(1, 206, 50), record(2, 206, 50)]), "connections");
        assert!(!frugal(&[record(1, 200, 50)]), "no range");
        assert!(!frugal(&[record(1, 206, 101)]), "bytes, even if the client hung up before they were sent");
        assert!(!frugal(&[record(1, 206, 1), record(1, 206, 1), record(1, 206, 1)]), "requests");
        assert!(!frugal(&[]), "nothing");
    }
}
