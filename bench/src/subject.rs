//! A subject: one program that is measured, and how it is called.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::debian::Debian;
use crate::peers::Kind;
use xtask::model::Sha256;

/// One program that is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Subject {
    /// What it is called on the command line and in results.
    pub name: String,
    /// How it is called, and what it is compared with.
    pub kind: Kind,
    /// Whose it is.
    pub role: Role,
    /// What it is, for a reader: a package with its version.
    pub title: String,
    /// What it says of its own version.
    pub version: String,
    /// Of the layer's zip, of the package file, or else of the program.
    pub sha256: Sha256,
}

/// A subject that can be started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Candidate {
    /// What results call it.
    pub subject: Subject,
    /// How it is started.
    pub call: Call,
    /// Files and folders that a function brings along for it, as its runtime does not have them.
    pub brings: Vec<PathBuf>,
}

/// Whose a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// From a layer in `dist/`.
    Ours,
    /// The same version without our patches, named by the user.
    Stock,
    /// From a registry.
    Peer,
}

/// How a program is started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// The program, with what stands in front of it.
    argv: Vec<OsString>,
    /// What follows when a URL is probed, with `{url}` in its place.
    probe: Vec<String>,
    /// What comes before that if it must be told where certificates are, with `{file}` in their place.
    trust: Vec<String>,
    /// What follows when it is only to start and tell its version.
    version: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, OsString>,
}

/// Probes with MediaInfo's Python module, or tells the version of its library.
const PYTHON: &str = "\
import sys
sys.path.insert(0, sys.argv[1])
from pymediainfo import MediaInfo
if len(sys.argv) > 2:
    told = sys.argv[2:-1]
    options = {'Ssl_CertificateAuthorityFileName': told[0]} if told else None
    print(MediaInfo.parse(sys.argv[-1], output='JSON', mediainfo_options=options))
else:
    print('MediaInfoLib - v' + MediaInfo._get_library()[2])
";

impl Call {
    /// A program of the kind that is started by `argv`.
    pub fn program(kind: Kind, argv: Vec<OsString>) -> Call {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let (probe, trust, version): (&[_], &[_], &[_]) = match kind {
            Kind::Mediainfo | Kind::Pymediainfo => {
                (&["--Output=JSON", "{url}"], &["--Ssl_CertificateAuthorityFileName={file}"], &["--Version"])
            }
            Kind::Ffprobe => {
                let probe = &["-v", "error", "-of", "json", "-show_format", "-show_streams", "{url}"];
                (probe, &["-ca_file", "{file}"], &["-version"])
            }
        };
        Call { argv, probe: words(probe), trust: words(trust), version: words(version), env: BTreeMap::new() }
    }

    /// The library beside the Python module in `folder`, in Debian's Python.
    pub fn python(folder: &Path, debian: &Debian) -> Call {
        let mut argv = debian.argv("usr/bin/python3");
        // Neither the user's settings nor anything that is installed is seen; and no byte code is left behind,
        // as the first run would otherwise differ from the others.
        argv.extend(["-I", "-S", "-B", "-c", PYTHON].map(OsString::from));
        argv.push(folder.into());
        // Python finds its standard library by its own position, which the loader hides from it.
        let (probe, trust) = (vec!["{url}".to_owned()], vec!["{file}".to_owned()]);
        let mut call = Call { argv, probe, trust, version: Vec::new(), env: BTreeMap::new() };
        call.env.insert("PYTHONHOME".to_owned(), debian.path("usr").into());
        call
    }

    /// What probes a URL; with `certificates` if it does not find them by itself.
    pub fn for_url(&self, url: &str, certificates: Option<&str>) -> Vec<OsString> {
        let trust =
            certificates.into_iter().flat_map(|file| self.trust.iter().map(|word| word.replace("{file}", file)));
        let probe = self.probe.iter().map(|word| word.replace("{url}", url));
        self.argv.iter().cloned().chain(trust.chain(probe).map(OsString::from)).collect()
    }

    /// What only starts it.
    pub fn for_version(&self) -> Vec<OsString> {
        self.argv.iter().cloned().chain(self.version.iter().map(Into::into)).collect()
    }
}

/// The version in what a program of the kind says of it.
pub fn version_in(kind: Kind, said: &str) -> Option<String> {
    let mark = match kind {
        Kind::Mediainfo | Kind::Pymediainfo => "MediaInfoLib - v",
        Kind::Ffprobe => "ffprobe version ",
    };
    let rest = said.split_once(mark)?.1;
    rest.split_whitespace().next().map(str::to_owned)
}

/// The digest of a probe's report of a file, whatever the order and the layout of its fields; none if it reports
/// nothing: a program may end well and still have read nothing.
pub fn answer(kind: Kind, stdout: &[u8]) -> Option<Sha256> {
    // MediaInfo 23.04 may say where it looks for certificates in front of the answer.
    let start = stdout.iter().position(|byte| *byte == b'{').unwrap_or(stdout.len());
    let answer: serde_json::Value = serde_json::from_slice(&stdout[start..]).ok()?;
    let list = answer.pointer(match kind {
        Kind::Mediainfo | Kind::Pymediainfo => "/media/track",
        Kind::Ffprobe => "/streams",
    });
    let list = list.and_then(|list| list.as_array()).filter(|list| !list.is_empty());
    list.map(|_| Sha256::of(answer.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_programs_tell_them() {
        let said = "MediaInfo Command line, \nMediaInfoLib - v23.04\n";
        assert_eq!(version_in(Kind::Mediainfo, said).as_deref(), Some("23.04"));
        let said = "ffprobe version 5.1.9-0+deb12u1 Copyright (c) 2007-2026 the FFmpeg developers\n";
        assert_eq!(version_in(Kind::Ffprobe, said).as_deref(), Some("5.1.9-0+deb12u1"));
        assert_eq!(version_in(Kind::Ffprobe, "Segmentation fault"), None);
    }

    #[test]
    fn an_empty_answer_is_none() {
        let answered = |kind, text: &str| answer(kind, text.as_bytes()).is_some();
        assert!(answered(Kind::Mediainfo, "default ca info path: x\n{\"media\":{\"track\":[{}]}}"));
        assert!(!answered(Kind::Mediainfo, "{\"media\":null}"));
        assert!(answered(Kind::Ffprobe, "{\"streams\":[{}]}"));
        assert!(!answered(Kind::Ffprobe, "{}\n"));
        assert!(!answered(Kind::Ffprobe, ""));
    }

    #[test]
    fn answers_are_the_same_field_by_field() {
        let answer = |text: &str| answer(Kind::Ffprobe, text.as_bytes()).expect("an answer");
        let one = answer(r#"{"streams":[{"index":0,"codec_name":"aac"}]}"#);
        assert_eq!(one, answer(r#"{ "streams": [ {"codec_name":"aac","index":0} ] }"#));
        assert_ne!(one, answer(r#"{"streams":[{"index":1,"codec_name":"aac"}]}"#));
    }

    #[test]
    fn the_url_is_one_word() {
        let call = Call::program(Kind::Ffprobe, vec!["/bin/ffprobe".into()]);
        assert_eq!(call.for_url("https://a/b c?d=e", None).last(), Some(&OsString::from("https://a/b c?d=e")));
        let told = call.for_url("https://a", Some("/ca.pem"));
        assert_eq!(told[..3], ["/bin/ffprobe", "-ca_file", "/ca.pem"].map(OsString::from));
        assert_eq!(call.for_version(), ["/bin/ffprobe", "-version"].map(OsString::from));
    }
}
