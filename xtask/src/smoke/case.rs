//! A question to a tool and its expected answer, as data: programs and modules are asked alike.

use std::fmt;

use super::fixture::ExpectedReport;
use super::report::{Failure, Outcome, excerpt};
use super::server::Server;
use super::traffic::Traffic;
use super::trust::Trust;

/// One question, and what must come of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// What must hold, in a few words.
    pub name: String,
    /// The path or URL that is asked about.
    pub input: String,
    /// What else the program is given, in front of the input.
    pub options: &'static [&'static str],
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// What the answer must be.
    pub expected: Expected,
    /// What must have reached the server.
    pub traffic: Traffic,
}

/// What an answer must be.
#[derive(Debug, Clone)]
pub enum Expected {
    /// A report that agrees with this.
    Report(ExpectedReport),
    /// An error, said as such.
    Error,
    /// An error whose text has one of these in it, in whatever case.
    ErrorSaying(&'static [&'static str]),
    /// An error that is about the certificate.
    CertificateError,
}

/// A report on a file, in whatever form a tool gave it.
pub trait Findings: fmt::Debug {
    /// Every difference from the truth, in words. Durations may be off by `tolerance` seconds.
    fn differences(&self, expected: &ExpectedReport, tolerance: f64) -> Vec<String>;
}

/// What somebody answered.
#[derive(Debug)]
pub enum Answer {
    /// A report, and nothing that speaks against it.
    Report(Box<dyn Findings + Send>),
    /// An error, said as such; its text.
    Error(String),
    /// Neither, or both; in words.
    Odd(String),
}

impl Case {
    /// A question about a file in the sandbox.
    pub fn local(input: String, expected: ExpectedReport) -> Case {
        let (expected, trust, traffic) = (Expected::Report(expected), Trust::Default, Traffic::Any);
        Case { name: String::new(), input, options: &[], trust, expected, traffic }
    }

    /// Judges an answer and what has reached the server.
    pub fn judge(&self, answer: &Answer, tolerance: f64, server: &Server, command: &str) -> Outcome {
        let answered = self.expected.judge(answer, tolerance).and_then(|()| self.keeps_secrets(answer));
        let judged = answered.and_then(|()| self.traffic.judge(server));
        let failure = |(expected, actual): (String, String)| Failure { expected, actual, command: command.to_owned() };
        judged.map_err(failure).into()
    }

    /// Errors end up in logs, so they must not show a URL's query, which may be a signature.
    fn keeps_secrets(&self, answer: &Answer) -> Result<(), (String, String)> {
        match (answer, self.input.split_once('?')) {
            (Answer::Error(text), Some((_, query))) if text.contains(query) => {
                Err(("an error without the query of the URL".to_owned(), excerpt(text.as_bytes())))
            }
            _ => Ok(()),
        }
    }
}

impl Expected {
    /// Judges an answer.
    ///
    /// # Errors
    /// What was expected, and what came.
    pub fn judge(&self, answer: &Answer, tolerance: f64) -> Result<(), (String, String)> {
        let actual = match (self, answer) {
            (_, Answer::Odd(text)) => text.clone(),
            (Expected::Report(expected), Answer::Report(findings)) => {
                findings.differences(expected, tolerance).join("\n")
            }
            (Expected::Report(_), Answer::Error(text)) => format!("an error: {}", excerpt(text.as_bytes())),
            (_, Answer::Report(_)) => "a report, as if all were well".to_owned(),
            (Expected::Error, Answer::Error(_)) => String::new(),
            (Expected::ErrorSaying(words), Answer::Error(text)) if says(text, words) => String::new(),
            (Expected::CertificateError, Answer::Error(text)) if is_about_certificate(text) => String::new(),
            (Expected::ErrorSaying(_) | Expected::CertificateError, Answer::Error(text)) => {
                format!("another error: {}", excerpt(text.as_bytes()))
            }
        };
        if actual.is_empty() { Ok(()) } else { Err((self.to_string(), actual)) }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Report(expected) => {
                write!(f, "a report that agrees with the expected report of {}", expected.file)
            }
            Expected::Error => f.write_str("an error, a failure as exit code, and no report"),
            Expected::ErrorSaying(words) => {
                write!(f, "an error that says `{}`, a failure as exit code, and no report", words.join("` or `"))
            }
            Expected::CertificateError => f.write_str("an error about the certificate, and no report"),
        }
    }
}

/// Whether a text has one of the words in it, in whatever case.
pub fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(&word.to_lowercase()))
}

/// Whether an error is about a certificate that was looked at, and not about a bundle that could not be read.
fn is_about_certificate(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("certificate") && !text.contains("error reading") && !text.contains("no such file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_about_a_certificate_is_not_one_about_a_file() {
        for (text, fine) in [
            ("E: https://localhost/a.mp4, The remote server's SSL certificate was deemed not OK.", true),
            ("RuntimeError: An error occured while opening https://localhost/a.mp4 with libmediainfo", false),
            ("E: error reading CA cert file /etc/ssl/cert.pem: certificate missing", false),
            ("E: could not connect", false),
        ] {
            let answer = Answer::Error(text.to_owned());
            assert_eq!(Expected::CertificateError.judge(&answer, 0.0).is_ok(), fine, "{text}");
        }
    }

    #[test]
    fn an_error_must_say_what_is_expected_of_it() {
        let expected = Expected::ErrorSaying(&["403", "forbidden"]);
        let judge = |text: &str| expected.judge(&Answer::Error(text.to_owned()), 0.0);
        assert!(judge("server returned 403").is_ok() && judge("Forbidden").is_ok());
        let (expected, actual) = judge("input/output error").expect_err("says nothing");
        assert_eq!(expected, "an error that says `403` or `forbidden`, a failure as exit code, and no report");
        assert_eq!(actual, "another error: input/output error");
    }
}
