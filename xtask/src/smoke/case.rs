//! A question to MediaInfo and what must come of it, as data: the program and the Python module are asked alike.

use std::collections::BTreeSet;

use super::output::Media;
use crate::smoke::fixture::Truth;
use crate::smoke::report::{Failure, Outcome};
use crate::smoke::server::{Record, Server};

/// One question, and what must come of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// What must hold, in a few words.
    pub name: String,
    /// The path or URL that is asked about.
    pub input: String,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// What the answer must be.
    pub expected: Expected,
    /// What must have reached the server.
    pub traffic: Traffic,
}

/// Whose certificates the program is told to trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Nobody in particular: the environment is empty.
    Default,
    /// The test server's authority, through `SSL_CERT_FILE`.
    Authority,
    /// Another authority, through `SSL_CERT_FILE`.
    Stranger,
}

/// What an answer must be.
#[derive(Debug, Clone)]
pub enum Expected {
    /// A report that agrees with this.
    Report(Truth),
    /// An error, said as such.
    Error,
    /// An error that is about the certificate.
    CertificateError,
}

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
        demand: Demand,
    },
}

/// What requests must be.
#[derive(Debug, Clone)]
pub enum Demand {
    /// None.
    Nothing,
    /// At least one, and all for this target, byte for byte.
    Exactly(String),
    /// For ranges, with all of them less than this many bytes of the body.
    Less(u64),
}

/// What somebody answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A report, and nothing that speaks against it.
    Report(Media),
    /// An error, said as such; its text.
    Error(String),
    /// Neither, or both; in words.
    Odd(String),
}

impl Case {
    /// Judges an answer and what has reached the server.
    pub fn judge(&self, answer: &Answer, tolerance: f64, server: &Server, command: &str) -> Outcome {
        let answered = self.judge_answer(answer, tolerance);
        let judged = answered.and_then(|()| self.judge_traffic(server));
        let failure = |(expected, actual): (String, String)| Failure { expected, actual, command: command.to_owned() };
        judged.map_err(failure).into()
    }

    fn judge_answer(&self, answer: &Answer, tolerance: f64) -> Result<(), (String, String)> {
        let expected = match &self.expected {
            Expected::Report(truth) => format!("a report that agrees with the truth about {}", truth.file),
            Expected::Error => "an error, a failure as exit code, and no report".to_owned(),
            Expected::CertificateError => "an error about the certificate, and no report".to_owned(),
        };
        let actual = match (&self.expected, answer) {
            (_, Answer::Odd(text)) => text.clone(),
            (Expected::Report(truth), Answer::Report(media)) => media.differences(truth, tolerance).join("\n"),
            (Expected::Report(_), Answer::Error(text)) => format!("an error: {text}"),
            (Expected::Error | Expected::CertificateError, Answer::Report(_)) => {
                "a report, as if all were well".to_owned()
            }
            (Expected::Error, Answer::Error(_)) => String::new(),
            (Expected::CertificateError, Answer::Error(text)) if is_about_certificate(text) => String::new(),
            (Expected::CertificateError, Answer::Error(text)) => format!("another error: {text}"),
        };
        if actual.is_empty() { Ok(()) } else { Err((expected, actual)) }
    }

    fn judge_traffic(&self, server: &Server) -> Result<(), (String, String)> {
        let (prefix, demand) = match &self.traffic {
            Traffic::Any => return Ok(()),
            Traffic::To { prefix, demand } => (prefix, demand),
        };
        let records = server.requests(prefix);
        let (fits, expected) = match demand {
            Demand::Nothing => (records.is_empty(), "no request".to_owned()),
            Demand::Exactly(target) => {
                let all = !records.is_empty() && records.iter().all(|record| record.target == *target);
                (all, format!("requests for {target} only"))
            }
            Demand::Less(bytes) => {
                let sent: u64 = records.iter().map(|record| record.sent).sum();
                let ranges = records.iter().any(|record| record.status == 206);
                (ranges && sent < *bytes, format!("ranges, of less than {bytes} bytes in all"))
            }
        };
        if fits { Ok(()) } else { Err((expected, describe(&records))) }
    }
}

/// Whether an error is about a certificate that was looked at, and not about a bundle that could not be read.
fn is_about_certificate(text: &str) -> bool {
    let text = text.to_lowercase();
    // pymediainfo has no text of its own for why a file cannot be opened.
    let silent = text.starts_with("runtimeerror: an error occured while opening");
    silent || text.contains("certificate") && !text.contains("error reading") && !text.contains("no such file")
}

fn describe(records: &[Record]) -> String {
    if records.is_empty() {
        return "nothing reached the server".to_owned();
    }
    let connections: BTreeSet<u64> = records.iter().map(|record| record.connection).collect();
    let line = |record: &Record| {
        let range = record.range.as_deref().unwrap_or("no range");
        format!("{} {} ({range}): status {}, {} bytes sent", record.method, record.target, record.status, record.sent)
    };
    let lines: Vec<String> = records.iter().take(10).map(line).collect();
    format!("{} requests on {} connections\n{}", records.len(), connections.len(), lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smoke::server::Resource;

    fn judge(expected: Expected, traffic: Traffic, answer: &Answer, server: &Server) -> Outcome {
        let case = Case { name: String::new(), input: String::new(), trust: Trust::Default, expected, traffic };
        case.judge(answer, 0.0, server, "command")
    }

    fn actual(outcome: Outcome) -> String {
        match outcome {
            Outcome::Failed(failure) => failure.actual,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn an_error_about_a_certificate_is_not_one_about_a_file() {
        for (text, fine) in [
            ("E: https://localhost/a.mp4, The remote server's SSL certificate was deemed not OK.", true),
            ("RuntimeError: An error occured while opening https://localhost/a.mp4 with libmediainfo", true),
            ("E: error reading CA cert file /etc/ssl/cert.pem: certificate missing", false),
            ("E: could not connect", false),
        ] {
            let error = Answer::Error(text.to_owned());
            let server = Server::start().expect("starts");
            let outcome = judge(Expected::CertificateError, Traffic::Any, &error, &server);
            assert_eq!(outcome == Outcome::Passed, fine, "{text}");
        }
    }

    #[test]
    fn what_reached_the_server_is_judged_and_shown() {
        let server = Server::start().expect("starts");
        server.put("/a b", Resource::new(*b"0123456789"));
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        for range in ["bytes=0-3", "bytes=4-"] {
            agent
                .get(server.http("/a%20b"))
                .header("Range", range)
                .call()
                .expect("ok")
                .body_mut()
                .read_to_vec()
                .expect("ok");
        }
        let error = Answer::Error("no".to_owned());
        let outcome = |prefix: &str, demand| {
            let traffic = Traffic::To { prefix: prefix.to_owned(), demand };
            judge(Expected::Error, traffic, &error, &server)
        };
        assert_eq!(outcome("/a", Demand::Exactly("/a%20b".to_owned())), Outcome::Passed);
        assert_eq!(outcome("/a", Demand::Less(11)), Outcome::Passed);
        assert_eq!(outcome("/b", Demand::Nothing), Outcome::Passed);
        assert_eq!(actual(outcome("/b", Demand::Exactly("/b".to_owned()))), "nothing reached the server");
        assert!(matches!(outcome("/a", Demand::Less(10)), Outcome::Failed(_)));
        assert!(matches!(outcome("/a", Demand::Nothing), Outcome::Failed(_)));
        insta::assert_snapshot!(actual(outcome("/a", Demand::Exactly("/a b".to_owned()))), @r"
        2 requests on 1 connections
        GET /a%20b (bytes=0-3): status 206, 4 bytes sent
        GET /a%20b (bytes=4-): status 206, 6 bytes sent
        ");
    }
}
