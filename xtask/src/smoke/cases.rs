//! The questions for every tool that reads media from files and URLs.

use std::sync::Arc;

use super::case::{Case, Expected};
use super::fixture::{ExpectedReport, Fixture};
use super::long_files::pad_mp4;
use super::server::{Behaviour, Resource};
use super::setting::{MEDIA, ODD_NAME, Setting};
use super::traffic::{ExpectedTraffic, Traffic};
use super::trust::Trust;

/// What a signed URL of S3 looks like, as to the characters in it. The key and the signature are those of nobody.
pub const SIGNED_QUERY: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-east-1%2Fs3%2Faws4_request\
    &X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&response-content-disposition=attachment%3B%20filename%3D%22a%2Bb.mp4%22\
    &X-Amz-Security-Token=IQoJb3JpZ2luX2Vj%2F%2F%2B%3D&X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// How much longer the long mp4 is than the fixture it is made of, in bytes. More than the buffers of a socket hold, so
/// that a client that asks for everything and then hangs up cannot look modest by chance.
pub const LONG: u32 = 32 * 1024 * 1024;

/// A path that is hard to handle.
#[derive(Debug, Clone, Copy)]
pub struct OddPath {
    /// What is odd about it.
    pub name: &'static str,
    /// How the last part of the URL is written.
    pub written: &'static str,
    /// What that is on the server.
    pub decoded: &'static str,
    /// What must reach the server.
    pub sent: &'static str,
}

/// Paths that are written as the standard for URLs wants it, or not, which tools may mend.
pub const ODD_PATHS: [OddPath; 9] = [
    OddPath { name: "path with %20", written: "a%20b.mp4", decoded: "a b.mp4", sent: "a%20b.mp4" },
    OddPath { name: "path with a raw space", written: "a b.mp4", decoded: "a b.mp4", sent: "a%20b.mp4" },
    OddPath { name: "path with +", written: "a+b.mp4", decoded: "a+b.mp4", sent: "a+b.mp4" },
    OddPath { name: "path with %2B", written: "a%2Bb.mp4", decoded: "a+b.mp4", sent: "a%2Bb.mp4" },
    OddPath {
        name: "path with percent-encoded UTF-8",
        written: "%C3%BCb%E6%98%A0.mp4",
        decoded: "üb映.mp4",
        sent: "%C3%BCb%E6%98%A0.mp4",
    },
    OddPath { name: "path with raw UTF-8", written: "üb映.mp4", decoded: "üb映.mp4", sent: "%C3%BCb%E6%98%A0.mp4" },
    OddPath { name: "path with . and ..", written: "./a/../b.mp4", decoded: "./a/../b.mp4", sent: "./a/../b.mp4" },
    OddPath {
        name: "path with small escapes",
        written: "a%2fb%c3%bc.mp4",
        decoded: "a/bü.mp4",
        sent: "a%2fb%c3%bc.mp4",
    },
    OddPath { name: "path with %25", written: "100%25.mp4", decoded: "100%.mp4", sent: "100%25.mp4" },
];

/// Builds cases for one sandbox, putting what they need onto the server.
#[derive(Debug)]
pub struct Cases<'a> {
    /// The server, the files and the sandbox.
    pub setting: Setting<'a>,
    /// Begins every path on the server, so that no two runs share one.
    pub prefix: String,
}

impl Cases<'_> {
    /// Files in the sandbox.
    pub fn local(&self) -> anyhow::Result<Vec<Case>> {
        let case = |name: String, file: &str, expected| {
            self.case(name, self.setting.sandbox.path(&format!("{MEDIA}/{file}")), expected)
        };
        let files = self.setting.fixtures.all.iter().map(|fixture| &fixture.expected);
        let mut cases: Vec<Case> = files
            .map(|expected| case(format!("file {}", expected.file), &expected.file, Expected::Report(expected.clone())))
            .collect();
        let odd = self.movie()?.expected.clone();
        cases.push(case("file with a space, a plus and an umlaut".to_owned(), ODD_NAME, Expected::Report(odd)));
        cases.push(case(
            "file that is not there".to_owned(),
            "none.mp4",
            Expected::ErrorSaying(&["no such file", "not found", "filenotfounderror"]),
        ));
        Ok(cases)
    }

    /// Every fixture over http.
    pub fn plain(&self) -> Vec<Case> {
        let fixtures = self.setting.fixtures.all.iter();
        fixtures
            .map(|fixture| {
                let path = self.put_fixture("", fixture);
                let name = format!("http {}", fixture.expected.file);
                self.case(name, self.setting.server.http(&path), Expected::Report(fixture.expected.clone()))
            })
            .collect()
    }

    /// Every fixture over https, whom it is trusted from, and how one comes there.
    pub fn certificates(&self) -> anyhow::Result<Vec<Case>> {
        let movie = self.movie()?;
        let report = || Expected::Report(movie.expected.clone());
        let mut cases = Vec::new();
        for fixture in &self.setting.fixtures.all {
            let path = self.put_fixture("tls-", fixture);
            let name = format!("https {} with the authority in SSL_CERT_FILE", fixture.expected.file);
            let case = self.case(name, self.setting.server.https(&path), Expected::Report(fixture.expected.clone()));
            cases.push(Case { trust: Trust::Authority, ..case });
        }
        for (name, trust) in [
            ("https with an authority that nobody trusts is refused", Trust::Default),
            ("https with only another authority in SSL_CERT_FILE is refused", Trust::UntrustedCa),
        ] {
            let path = self.put(&format!("untrusted-{trust:?}.mp4"), resource(movie));
            let case = self.case(name.to_owned(), self.setting.server.https(&path), Expected::CertificateError);
            cases.push(Case { trust, traffic: Traffic::To { prefix: path, demand: ExpectedTraffic::Nothing }, ..case });
        }
        let target = self.put("moved/here.mp4", resource(movie));
        for (name, from, to) in [
            ("https through a redirect", self.setting.server.https("/"), self.setting.server.https(&target)),
            ("http redirected to https", self.setting.server.http("/"), self.setting.server.https(&target)),
        ] {
            let path = self.put(&format!("{}.mp4", name.replace(' ', "-")), redirect(to));
            let url = format!("{}{path}", from.trim_end_matches('/'));
            cases.push(Case { trust: Trust::Authority, ..self.case(name.to_owned(), url, report()) });
        }
        let path = self.put("untrusted-redirect.mp4", redirect(self.setting.server.https(&target)));
        let name = "http redirected to https with an authority that nobody trusts is refused";
        cases.push(self.case(name.to_owned(), self.setting.server.http(&path), Expected::CertificateError));
        Ok(cases)
    }

    /// Signed queries and odd paths, which must reach the server as they are.
    pub fn targets(&self, odd: &[OddPath]) -> anyhow::Result<Vec<Case>> {
        let movie = self.movie()?;
        let report = || Expected::Report(movie.expected.clone());
        let mut cases = Vec::new();
        let signed = self.put("signed.mp4", resource(movie).with(Behaviour::Signed(SIGNED_QUERY.to_owned())));
        let target = format!("{signed}?{SIGNED_QUERY}");
        let exactly = |prefix: &str, target: &str| Traffic::To {
            prefix: prefix.into(),
            demand: ExpectedTraffic::Exactly(target.into()),
        };
        for (name, url) in [
            ("http with a signed query", self.setting.server.http(&target)),
            ("https with a signed query", self.setting.server.https(&target)),
        ] {
            let case = self.case(name.to_owned(), url, report());
            cases.push(Case { trust: Trust::Authority, traffic: exactly(&signed, &target), ..case });
        }
        let path = self.put("to-signed.mp4", redirect(self.setting.server.https(&target)));
        let case = self.case("redirect to a signed query".to_owned(), self.setting.server.http(&path), report());
        cases.push(Case { trust: Trust::Authority, traffic: exactly(&signed, &target), ..case });

        for (number, odd) in odd.iter().enumerate() {
            self.put(&format!("{number}/{}", odd.decoded), resource(movie));
            let prefix = self.path(&format!("{number}/"));
            let url = self.setting.server.http(&format!("{prefix}{}", odd.written));
            let case = self.case(odd.name.to_owned(), url, report());
            cases.push(Case { traffic: exactly(&prefix, &format!("{prefix}{}", odd.sent)), ..case });
        }
        Ok(cases)
    }

    /// What cannot be read, and must be said to be so.
    pub fn failures(&self) -> anyhow::Result<Vec<Case>> {
        let (movie, server) = (self.movie()?, self.setting.server);
        let forbidden = self.put("forbidden.mp4", resource(movie).with(Behaviour::Refuse(403)));
        let signed = self.put("expired.mp4", resource(movie).with(Behaviour::Signed(SIGNED_QUERY.to_owned())));
        let circle = self.path("circle.mp4");
        self.put("circle.mp4", redirect(server.http(&circle)));
        let expired = server.http(&format!("{signed}?X-Amz-Expires=900"));
        let urls: [(&str, String, &'static [&'static str]); 7] = [
            ("status 404 is an error", server.http(&self.path("none.mp4")), &["404"]),
            ("status 403 is an error", server.http(&forbidden), &["403"]),
            ("status 403 over https is an error", server.https(&forbidden), &["403"]),
            ("a signature that does not fit is an error", expired, &["403"]),
            ("redirects in a circle are an error", server.http(&circle), &["redirect", "input/output error"]),
            // Port 1 belongs to a service that nobody runs.
            ("a closed port is an error", "http://localhost:1/a.mp4".to_owned(), &["refused", "could not connect"]),
            ("an unknown host is an error", "http://no-such-host.invalid/a.mp4".to_owned(), &["no-such-host"]),
        ];
        let case = |(name, url, words): (&str, String, _)| Case {
            trust: Trust::Authority,
            ..self.case(name.to_owned(), url, Expected::ErrorSaying(words))
        };
        Ok(urls.map(case).to_vec())
    }

    /// A long file that is another one with every request.
    pub fn changing(&self) -> anyhow::Result<Case> {
        let (long, _) = self.long()?;
        let path = self.put("changing.mp4", long.with(Behaviour::Changing));
        let name = "content that changes while it is read is an error".to_owned();
        Ok(self.case(name, self.setting.server.http(&path), Expected::ErrorSaying(&["changed"])))
    }

    /// A long file, and servers that know no ranges or keep no connection.
    pub fn modest(&self, demand: &ExpectedTraffic) -> anyhow::Result<Vec<Case>> {
        let movie = self.movie()?;
        let report = || Expected::Report(movie.expected.clone());
        let (path, long) = self.put_long()?;
        let mut cases = Vec::new();
        for (name, url) in [
            ("http of a long file is read in ranges", self.setting.server.http(&path)),
            ("https of a long file is read in ranges", self.setting.server.https(&path)),
        ] {
            // A query of its own, so that each is counted by itself.
            let prefix = format!("{path}?{}", cases.len());
            let case = self.case(name.to_owned(), format!("{url}?{}", cases.len()), Expected::Report(long.clone()));
            let traffic = Traffic::To { prefix, demand: demand.clone() };
            cases.push(Case { trust: Trust::Authority, traffic, ..case });
        }
        for (name, file, behaviour) in [
            ("server without ranges", "whole.mp4", Behaviour::WithoutRanges),
            ("server that closes every connection", "closing.mp4", Behaviour::Closing),
        ] {
            let path = self.put(file, resource(movie).with(behaviour));
            cases.push(self.case(name.to_owned(), self.setting.server.http(&path), report()));
        }
        Ok(cases)
    }

    /// The fixture that is served where it does not matter which: a reader must seek in it.
    pub fn movie(&self) -> anyhow::Result<&Fixture> {
        self.setting.fixtures.get("moov-end.mp4")
    }

    /// Puts a long file on the server whose index is at the end. Gives its path and the truth about it.
    pub fn put_long(&self) -> anyhow::Result<(String, ExpectedReport)> {
        let (long, expected) = self.long()?;
        Ok((self.put("long.mp4", long), expected))
    }

    /// A long file whose index is at the end, and the truth about it.
    fn long(&self) -> anyhow::Result<(Resource, ExpectedReport)> {
        let movie = self.movie()?;
        let long: Arc<[u8]> = pad_mp4(movie.bytes, LONG)?.into();
        let expected = ExpectedReport { size: Some(long.len() as u64), ..movie.expected.clone() };
        Ok((Resource::new(long), expected))
    }

    /// A path on the server.
    pub fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.prefix)
    }

    /// Puts a resource on the server; gives its whole path.
    pub fn put(&self, path: &str, resource: Resource) -> String {
        let path = self.path(path);
        self.setting.server.put(&path, resource);
        path
    }

    /// Puts a fixture and the files it leads to on the server, under its own name with `before` in front.
    pub fn put_fixture(&self, before: &str, fixture: &Fixture) -> String {
        for (name, bytes) in &fixture.parts {
            self.put(name, Resource::new(*bytes));
        }
        self.put(&format!("{before}{}", fixture.expected.file), resource(fixture))
    }

    /// A case without anything special.
    pub fn case(&self, name: String, input: String, expected: Expected) -> Case {
        Case { name, input, options: &[], trust: Trust::Default, expected, traffic: Traffic::Any }
    }
}

/// A fixture as it is.
pub fn resource(fixture: &Fixture) -> Resource {
    Resource::new(fixture.bytes)
}

fn redirect(location: String) -> Resource {
    Resource::empty().with(Behaviour::Redirect(location))
}
