//! Asking: each question once, in a bounded time, with the answers of the last hour.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::debian::SourcePackage;
use super::memory::Memory;
use super::place::{Listing, TagList};
use super::python::ProjectFile;
use super::sdk::Sdk;
use super::{debian, listing, osv, printable, python, sdk, tags};
use crate::model::{Origin, Sha256, Version};
use crate::source::http::{Patience, shown};
use crate::source::mirror::Place as Page;
use crate::source::proxy::Proxies;
use crate::source::{Client, Mirrors, Question, Small};

/// What came of a question: the answer, or why there is none, as it may be shown.
pub type Told<T> = Result<T, String>;

/// An answer and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From<T> {
    /// The address that answered.
    pub asked: String,
    /// The answer.
    pub answer: T,
}

/// The longest index of sources, packed.
const LONGEST_INDEX: u64 = 96 << 20;
/// The longest wheel of a cloud's library.
const LONGEST_WHEEL: u64 = 96 << 20;

/// Asks places about versions. Threads share it.
#[derive(Debug)]
pub struct Asker<'a> {
    mirrors: &'a Mirrors,
    /// None without the network.
    client: Option<Client>,
    memory: Memory,
    until: Instant,
}

impl<'a> Asker<'a> {
    /// Asks the places that `mirrors` knows, for at most that time, and keeps answers in `cache`.
    /// Without a client, only answers that were kept count.
    pub fn new(mirrors: &'a Mirrors, client: Option<Client>, cache: &Path, within: Duration) -> Asker<'a> {
        Asker { mirrors, client, memory: Memory::new(cache), until: Instant::now() + within }
    }

    /// A client that soon gives up.
    pub fn client() -> Client {
        Client::new(Asker::patience(), Proxies::of_environment())
    }

    /// What is enough for a host that works.
    pub fn patience() -> Patience {
        Patience {
            resolve: Duration::from_secs(3),
            connect: Duration::from_secs(3),
            silence: Duration::from_secs(6),
            attempts: 1,
            pause: Duration::from_millis(200),
        }
    }

    /// What Debian's index of that suite says of the packages.
    pub fn debian(&self, suite: &str, packages: &BTreeSet<String>) -> Told<From<BTreeMap<String, Vec<SourcePackage>>>> {
        let origin = Origin::Debian(debian::index(suite));
        let names: Vec<&str> = packages.iter().map(String::as_str).collect();
        self.first(&origin, |url| {
            self.remembered(&format!("{url} {}", names.join(" ")), || {
                debian::read(&self.get(url, "*/*", LONGEST_INDEX)?.bytes, packages)
            })
        })
    }

    /// The files of a project in the Python package index.
    pub fn python(&self, project: &str) -> Told<From<Vec<ProjectFile>>> {
        let origin = Origin::Pypi { project: project.to_owned(), file: String::new() };
        self.first(&origin, |url| {
            self.remembered(url.as_str(), || python::read(&self.get(url, python::ACCEPT, python::LONGEST)?))
        })
    }

    /// The releases among a repository's tags.
    pub fn tags(&self, list: &TagList) -> Told<From<Vec<Version>>> {
        let url = parse(&tags::address(&list.git))?;
        let answer = self.remembered(&format!("{url} {} {} {}", list.before, list.after, list.dot), || {
            tags::read(&self.get(&url, tags::ACCEPT, tags::LONGEST)?.bytes, list)
        })?;
        Ok(From { asked: shown(&url), answer })
    }

    /// The releases that a page links to.
    pub fn listing(&self, list: &Listing) -> Told<From<Vec<Version>>> {
        let url = parse(&list.page)?;
        let answer = self.remembered(&format!("{url} {} {}", list.before, list.after), || {
            listing::read(&self.get(&url, listing::ACCEPT, listing::LONGEST)?, list)
        })?;
        Ok(From { asked: shown(&url), answer })
    }

    /// What OSV, whose API is at `api`, knows about each of the packages.
    pub fn osv(&self, api: &str, queries: &[osv::Query]) -> Told<Vec<Vec<String>>> {
        let (url, body) = (parse(api)?, osv::body(queries));
        self.remembered(&format!("{url} {body}"), || {
            let answer = self.ask(&url, "application/json", Some(&body), osv::LONGEST)?;
            osv::read(&answer.bytes, queries.len())
        })
    }

    /// What AWS's library knows about Lambda.
    pub fn aws(&self) -> Told<Sdk> {
        self.library("botocore", sdk::of_aws)
    }

    /// What Alibaba Cloud's library knows about Function Compute.
    pub fn aliyun(&self) -> Told<Sdk> {
        self.library("alibabacloud-fc20230330", sdk::of_aliyun)
    }

    /// The newest wheel of a library, read by `read`.
    fn library(&self, project: &str, read: impl Fn(&[u8]) -> Told<Sdk>) -> Told<Sdk> {
        let files = self.python(project)?.answer;
        let wheels = files.iter().filter(|file| !file.yanked && file.name.ends_with(".whl"));
        let newest = wheels.filter_map(|file| Some((file.release()?, file))).max_by(|a, b| a.0.compare_age(&b.0));
        let (version, file) = newest.ok_or_else(|| format!("the index has no wheel of `{project}`"))?;
        let url = parse(&file.url)?;
        self.remembered(&format!("library {url}"), || {
            let bytes = self.get(&url, "*/*", LONGEST_WHEEL)?.bytes;
            if file.sha256.is_some_and(|pinned| pinned != Sha256::of(&bytes)) {
                return Err(format!("{}: it has another digest than the index says", printable(&file.name)));
            }
            Ok(Sdk { library: format!("{project} {version}"), ..read(&bytes)? })
        })
    }

    /// The answer of the first place that stands for `origin` and has one; else what each of them said.
    fn first<T>(&self, origin: &Origin, ask: impl Fn(&Url) -> Told<T>) -> Told<From<T>> {
        let pages = self.mirrors.remote(origin).map_err(|error| format!("{error:#}"))?;
        let mut failures = Vec::new();
        for page in pages {
            let (Page::File(url) | Page::Page(url)) = page;
            match ask(&url) {
                Ok(answer) => return Ok(From { asked: shown(&url), answer }),
                Err(why) => failures.push(format!("{}: {why}", shown(&url))),
            }
        }
        Err(failures.join("; "))
    }

    fn get(&self, url: &Url, accept: &str, most: u64) -> Told<Small> {
        self.ask(url, accept, None, most)
    }

    fn ask(&self, url: &Url, accept: &str, json: Option<&str>, most: u64) -> Told<Small> {
        let Some(client) = &self.client else { return Err("not asked, as `--offline` says".to_owned()) };
        let question = Question { url: url.clone(), accept, json, most, until: self.until };
        client.small(&question).map_err(|failure| printable(&failure.to_string()))
    }

    fn remembered<T: Serialize + DeserializeOwned>(&self, question: &str, ask: impl Fn() -> Told<T>) -> Told<T> {
        if let Some(answer) = self.memory.recall(question) {
            return Ok(answer);
        }
        let answer = ask().map_err(|why| printable(&why))?;
        self.memory.keep(question, &answer);
        Ok(answer)
    }
}

fn parse(text: &str) -> Told<Url> {
    text.parse().map_err(|_| format!("`{}` is not a URL", printable(text)))
}
