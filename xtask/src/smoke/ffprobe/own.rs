//! The questions that only ffmpeg's programs are asked: servers that stall or drop connections, and options that turn
//! the modest way of reading off.

use crate::smoke::case::{Case, Expected};
use crate::smoke::cases::{Cases, LONG, resource};
use crate::smoke::server::{Behaviour, Resource};
use crate::smoke::traffic::{ExpectedTraffic, Traffic};
use crate::smoke::trust::Trust;

/// What a probe of a long file with its index at the end may cost. Measured: three requests, for 1.4 MB of 564 MB.
pub const MODEST: ExpectedTraffic = ExpectedTraffic::Frugal { requests: 4, bytes: 1_600_000 };

/// Gives up after half a second without a byte. Without it the layer's own default of some ten seconds applies, for which
/// these checks do not wait.
const IMPATIENT: &[&str] = &["-rw_timeout", "500000"];

/// Reads as ffmpeg does where nobody has changed it.
const STOCK: &[&str] = &["-initial_request_size", "0", "-request_size", "0", "-multiple_requests", "0"];

/// The questions.
pub fn questions(cases: &Cases<'_>) -> anyhow::Result<Vec<Case>> {
    let server = cases.setting.server;
    let movie = cases.movie()?;
    let report = || Expected::Report(movie.expected.clone());
    let mut all = Vec::new();
    for (name, file, behaviour) in [
        ("https server without ranges", "whole-tls.mp4", Behaviour::WithoutRanges),
        ("https server that closes every connection", "closing-tls.mp4", Behaviour::Closing),
    ] {
        let path = cases.put(file, resource(movie).with(behaviour));
        let case = cases.case(name.to_owned(), server.https(&path), report());
        all.push(Case { trust: Trust::Authority, ..case });
    }
    let stalling = cases.put("stalling.mp4", resource(movie).with(Behaviour::Stalling));
    let silent = cases.put("silent.mp4", Resource::empty().with(Behaviour::Silent));
    for (name, url) in [
        ("http server that stalls half-way is an error in time", server.http(&stalling)),
        ("https server that stalls half-way is an error in time", server.https(&stalling)),
        ("http server that never answers is an error in time", server.http(&silent)),
        ("https server that never answers is an error in time", server.https(&silent)),
    ] {
        let case = cases.case(name.to_owned(), url, Expected::Error);
        all.push(Case { trust: Trust::Authority, options: IMPATIENT, ..case });
    }
    let (path, long) = cases.put_long()?;
    let target = format!("{path}?stock");
    let name = "options turn bounded ranges off".to_owned();
    let case = cases.case(name, server.http(&target), Expected::Report(long));
    all.push(Case {
        options: STOCK,
        traffic: Traffic::To { prefix: target, demand: ExpectedTraffic::More(u64::from(LONG / 2)) },
        ..case
    });
    Ok(all)
}
