//! All the questions that are asked of MediaInfo.

use std::sync::Arc;

use super::case::{Case, Demand, Expected, Traffic, Trust};
use crate::smoke::fixture::{Fixture, Fixtures, stretch};
use crate::smoke::sandbox::Sandbox;
use crate::smoke::server::{Behaviour, Resource, Server};

/// What a signed URL of S3 looks like, as to the characters in it. The key and the signature are those of nobody.
pub const SIGNED_QUERY: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-east-1%2Fs3%2Faws4_request\
    &X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&response-content-disposition=attachment%3B%20filename%3D%22a%2Bb.mp4%22\
    &X-Amz-Security-Token=IQoJb3JpZ2luX2Vj%2F%2F%2B%3D&X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// How much longer the long mp4 is than the fixture it is made of, in bytes. More than the buffers of a socket hold, so
/// that a client that asks for everything and then hangs up cannot look modest by chance.
const LONG: u32 = 32 * 1024 * 1024;

/// Builds cases for one sandbox, putting what they need onto the server.
#[derive(Debug)]
pub struct Cases<'a> {
    /// The server.
    pub server: &'a Server,
    /// The files.
    pub fixtures: &'a Fixtures,
    /// Where the files are.
    pub sandbox: &'a Sandbox,
    /// Begins every path on the server, so that no two runs share one.
    pub prefix: String,
}

/// Where the fixtures are in the sandbox.
pub const MEDIA: &str = "/tmp/media";

/// The name of a file and of a path that is hard to handle.
pub const ODD_NAME: &str = "ein Übungs+video.mp4";

impl Cases<'_> {
    /// All cases, in the order in which they are asked.
    pub fn all(&self) -> anyhow::Result<Vec<Case>> {
        let mut cases = self.local()?;
        cases.extend(self.plain());
        cases.extend(self.certificates()?);
        cases.extend(self.targets()?);
        cases.extend(self.failures()?);
        cases.extend(self.modest()?);
        Ok(cases)
    }

    fn local(&self) -> anyhow::Result<Vec<Case>> {
        let case = |name: String, file: &str, expected| Case {
            name,
            input: self.sandbox.path(&format!("{MEDIA}/{file}")),
            trust: Trust::Default,
            expected,
            traffic: Traffic::Any,
        };
        let files = self.fixtures.all.iter().map(|fixture| &fixture.truth);
        let mut cases: Vec<Case> = files
            .map(|truth| case(format!("file {}", truth.file), &truth.file, Expected::Report(truth.clone())))
            .collect();
        let odd = self.movie()?.truth.clone();
        cases.push(case("file with a space, a plus and an umlaut".to_owned(), ODD_NAME, Expected::Report(odd)));
        cases.push(case("file that is not there".to_owned(), "none.mp4", Expected::Error));
        Ok(cases)
    }

    fn plain(&self) -> Vec<Case> {
        let fixtures = self.fixtures.all.iter();
        fixtures
            .map(|fixture| {
                let path = self.put(&fixture.truth.file, resource(fixture));
                let name = format!("http {}", fixture.truth.file);
                self.case(name, self.server.http(&path), Expected::Report(fixture.truth.clone()))
            })
            .collect()
    }

    fn certificates(&self) -> anyhow::Result<Vec<Case>> {
        let movie = self.movie()?;
        let report = || Expected::Report(movie.truth.clone());
        let mut cases = Vec::new();
        for fixture in &self.fixtures.all {
            let path = self.put(&format!("tls-{}", fixture.truth.file), resource(fixture));
            let name = format!("https {} with the authority in SSL_CERT_FILE", fixture.truth.file);
            let case = self.case(name, self.server.https(&path), Expected::Report(fixture.truth.clone()));
            cases.push(Case { trust: Trust::Authority, ..case });
        }
        for (name, trust) in [
            ("https with an authority that nobody trusts is refused", Trust::Default),
            ("https with only another authority in SSL_CERT_FILE is refused", Trust::Stranger),
        ] {
            let path = self.put(&format!("untrusted-{trust:?}.mp4"), resource(movie));
            let case = self.case(name.to_owned(), self.server.https(&path), Expected::CertificateError);
            cases.push(Case { trust, traffic: Traffic::To { prefix: path, demand: Demand::Nothing }, ..case });
        }
        let target = self.put("moved/here.mp4", resource(movie));
        for (name, from, to) in [
            ("https through a redirect", self.server.https("/"), self.server.https(&target)),
            ("http redirected to https", self.server.http("/"), self.server.https(&target)),
        ] {
            let path = self.put(&format!("{}.mp4", name.replace(' ', "-")), redirect(to));
            let url = format!("{}{path}", from.trim_end_matches('/'));
            cases.push(Case { trust: Trust::Authority, ..self.case(name.to_owned(), url, report()) });
        }
        let path = self.put("untrusted-redirect.mp4", redirect(self.server.https(&target)));
        let name = "http redirected to https with an authority that nobody trusts is refused";
        cases.push(self.case(name.to_owned(), self.server.http(&path), Expected::CertificateError));
        Ok(cases)
    }

    fn targets(&self) -> anyhow::Result<Vec<Case>> {
        let movie = self.movie()?;
        let report = || Expected::Report(movie.truth.clone());
        let mut cases = Vec::new();
        let signed = self.put("signed.mp4", resource(movie).with(Behaviour::Signed(SIGNED_QUERY.to_owned())));
        let target = format!("{signed}?{SIGNED_QUERY}");
        let exactly =
            |prefix: &str, target: &str| Traffic::To { prefix: prefix.into(), demand: Demand::Exactly(target.into()) };
        for (name, url) in [
            ("http with a signed query", self.server.http(&target)),
            ("https with a signed query", self.server.https(&target)),
        ] {
            let case = self.case(name.to_owned(), url, report());
            cases.push(Case { trust: Trust::Authority, traffic: exactly(&signed, &target), ..case });
        }
        let path = self.put("to-signed.mp4", redirect(self.server.https(&target)));
        let case = self.case("redirect to a signed query".to_owned(), self.server.http(&path), report());
        cases.push(Case { trust: Trust::Authority, traffic: exactly(&signed, &target), ..case });

        // What is written, where it is on the server, and what must reach it.
        for (name, folder, written, decoded, sent) in [
            ("path with %20", "1", "a%20b.mp4", "a b.mp4", "a%20b.mp4"),
            ("path with a raw space", "2", "a b.mp4", "a b.mp4", "a%20b.mp4"),
            ("path with +", "3", "a+b.mp4", "a+b.mp4", "a+b.mp4"),
            ("path with %2B", "4", "a%2Bb.mp4", "a+b.mp4", "a%2Bb.mp4"),
            ("path with percent-encoded UTF-8", "5", "%C3%BCb%E6%98%A0.mp4", "üb映.mp4", "%C3%BCb%E6%98%A0.mp4"),
            ("path with raw UTF-8", "6", "üb映.mp4", "üb映.mp4", "%C3%BCb%E6%98%A0.mp4"),
            ("path with %25", "7", "100%25.mp4", "100%.mp4", "100%25.mp4"),
        ] {
            self.put(&format!("{folder}/{decoded}"), resource(movie));
            let prefix = self.path(folder) + "/";
            let case = self.case(name.to_owned(), self.server.http(&format!("{prefix}{written}")), report());
            cases.push(Case { traffic: exactly(&prefix, &format!("{prefix}{sent}")), ..case });
        }
        Ok(cases)
    }

    fn failures(&self) -> anyhow::Result<Vec<Case>> {
        let movie = self.movie()?;
        let forbidden = self.put("forbidden.mp4", resource(movie).with(Behaviour::Refuse(403)));
        let signed = self.put("expired.mp4", resource(movie).with(Behaviour::Signed(SIGNED_QUERY.to_owned())));
        let circle = self.path("circle.mp4");
        self.put("circle.mp4", redirect(self.server.http(&circle)));
        let urls = [
            ("status 404 is an error", self.server.http(&self.path("none.mp4"))),
            ("status 403 is an error", self.server.http(&forbidden)),
            ("status 403 over https is an error", self.server.https(&forbidden)),
            ("a signature that does not fit is an error", self.server.http(&format!("{signed}?X-Amz-Expires=900"))),
            ("redirects in a circle are an error", self.server.http(&circle)),
            // Port 1 belongs to a service that nobody runs.
            ("a closed port is an error", "http://localhost:1/a.mp4".to_owned()),
            ("an unknown host is an error", "http://no-such-host.invalid/a.mp4".to_owned()),
        ];
        let case = |(name, url): (&str, String)| Case {
            trust: Trust::Authority,
            ..self.case(name.to_owned(), url, Expected::Error)
        };
        Ok(urls.map(case).to_vec())
    }

    fn modest(&self) -> anyhow::Result<Vec<Case>> {
        let movie = self.movie()?;
        let report = || Expected::Report(movie.truth.clone());
        let long: Arc<[u8]> = stretch(movie.bytes, LONG)?.into();
        let path = self.put("long.mp4", Resource::new(long));
        let mut cases = Vec::new();
        for (name, url) in [
            ("http of a long file is read in ranges", self.server.http(&path)),
            ("https of a long file is read in ranges", self.server.https(&path)),
        ] {
            // A query of its own, so that each is counted by itself.
            let prefix = format!("{path}?{}", cases.len());
            let case = self.case(name.to_owned(), format!("{url}?{}", cases.len()), report());
            let traffic = Traffic::To { prefix, demand: Demand::Less(u64::from(LONG / 2)) };
            cases.push(Case { trust: Trust::Authority, traffic, ..case });
        }
        for (name, file, behaviour) in [
            ("server without ranges", "whole.mp4", Behaviour::WithoutRanges),
            ("server that closes every connection", "closing.mp4", Behaviour::Closing),
        ] {
            let path = self.put(file, resource(movie).with(behaviour));
            cases.push(self.case(name.to_owned(), self.server.http(&path), report()));
        }
        Ok(cases)
    }

    /// The fixture that is served where it does not matter which: a reader must seek in it.
    fn movie(&self) -> anyhow::Result<&Fixture> {
        self.fixtures.get("moov-end.mp4")
    }

    fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.prefix)
    }

    fn put(&self, path: &str, resource: Resource) -> String {
        let path = self.path(path);
        self.server.put(&path, resource);
        path
    }

    fn case(&self, name: String, input: String, expected: Expected) -> Case {
        Case { name, input, trust: Trust::Default, expected, traffic: Traffic::Any }
    }
}

fn resource(fixture: &Fixture) -> Resource {
    Resource::new(fixture.bytes)
}

fn redirect(location: String) -> Resource {
    Resource::empty().with(Behaviour::Redirect(location))
}
