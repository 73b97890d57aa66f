//! Inputs to begin with, by target: made from files of this checkout, and from what the tests make to be refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[cfg(feature = "clouds")]
use crate::clouds;
use crate::ours::{LAYER, recipe};
use crate::places::folder;
use crate::{archives_to_refuse, cache, layers_to_refuse, tarring, zipping};

/// Longer ones would make every round slow.
const LONGEST: usize = 64 << 10;

/// The inputs to begin with for a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = match target {
        "elf" => programs(),
        "tar" => archives(&["tar"]),
        "compressed" => archives(&["tar.gz", "tar.xz", "tar.bz2"]),
        "deb" => archives(&["deb"]),
        "zip" => zips(),
        "inspect" => documents(),
        "files" => files(&["recipes", "layers", "docker"], "toml"),
        "plan" => plans(),
        "patch" => patches(),
        "server" => texts(&REQUESTS),
        "apt" => texts(&APT),
        "pip" => texts(&PIP),
        "versions" => texts(&VERSIONS),
        "shown" => [texts(&VERSIONS), texts(&["\u{1b}[2J\u{202e}\r\n\t", "A-secret%2Fof%2Bthe%3Dtests"])].concat(),
        "cache" => cache::seeds(&archives(&["tar.gz"])),

        #[cfg(feature = "clouds")]
        "published" => clouds::indexes(),

        #[cfg(feature = "clouds")]
        "aliyun" => texts(&clouds::ALIYUN),

        #[cfg(feature = "clouds")]
        "lambda" => texts(&clouds::LAMBDA),
        other => panic!("there are no seeds for `{other}`"),
    };
    seeds.retain(|seed| seed.len() <= LONGEST);
    seeds.sort();
    seeds.dedup();
    seeds
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the checkout")
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// A program and libraries as small as a compiler makes them, with versions, symbols and folders to search.
fn programs() -> Vec<Vec<u8>> {
    let folder = folder();
    let source =
        "extern int puts(const char *); int shown(void) { return puts(\"x\"); } int main(void) { return shown(); }";
    fs::write(folder.path().join("a.c"), source).expect("a file");
    fs::write(folder.path().join("map"), "A_1 { global: shown; local: *; }; A_2 { global: main; } A_1;")
        .expect("a file");
    let small = ["-s", "-Os", "-Wl,-z,noseparate-code,--build-id=none,--hash-style=both"];
    let kinds: [&[&str]; 5] = [
        &["-rdynamic", "-Wl,-rpath,$ORIGIN/../lib"],
        &["-shared", "-fPIC", "-Wl,-soname,libx.so.1,--version-script,map"],
        &["-shared", "-fPIC", "-Wl,-z,now,-z,relro,-z,execstack,--disable-new-dtags,-rpath,/opt/lib:"],
        &["-static", "-nostdlib", "-Wl,--unresolved-symbols=ignore-all"],
        &["-c"],
    ];
    let compiled = kinds.iter().map(|flags| {
        let mut command = Command::new("cc");
        command.current_dir(folder.path()).args(["a.c", "-o", "a.out"]).args(small).args(*flags);
        let output = command.output().expect("`cc` is a prerequisite");
        assert!(output.status.success(), "cc {flags:?}: {}", String::from_utf8_lossy(&output.stderr));
        fs::read(folder.path().join("a.out")).expect("a program")
    });
    compiled.collect()
}

/// Archives that are sound, and all that the tests refuse.
fn archives(endings: &[&str]) -> Vec<Vec<u8>> {
    let sound = tarring::tar(&[
        tarring::entry(b'5', "app/", ""),
        tarring::file("app/LICENSE", "do what you like\n"),
        tarring::link(b'2', "app/link", "LICENSE"),
        tarring::link(b'1', "app/hard", "app/LICENSE"),
        tarring::long_name("n".repeat(120)),
        tarring::file("app/short", "text"),
        tarring::pax(b'x', &[("path", "app/named"), ("mtime", "1.5")]),
        tarring::file("app/x", ""),
    ]);
    let package = |name: &str, data: &[u8]| {
        let member = tarring::member;
        tarring::deb(&[member("debian-binary", b"2.0\n"), member("control.tar.xz", b"x"), member(name, data)])
    };
    let made = [
        ("tar", sound.clone()),
        ("tar.gz", tarring::gzip(&sound)),
        ("tar.xz", tarring::xz(&sound)),
        ("tar.bz2", tarring::bzip2(&sound)),
        ("deb", package("data.tar", &sound)),
        ("deb", package("data.tar.xz", &tarring::xz(&sound))),
    ];
    // The others are refused only after gigabytes, or many thousand entries.
    let refused = archives_to_refuse::quick().into_iter().map(|archive| (archive.ending, archive.bytes));
    made.into_iter().chain(refused).filter(|(ending, _)| endings.contains(ending)).map(|(_, bytes)| bytes).collect()
}

fn zips() -> Vec<Vec<u8>> {
    let program = programs().swap_remove(0);
    let entries = [zipping::file("bin/x", &program).mode(0o100_755), zipping::stored("share/readme.txt", b"text")];
    let made = [layers_to_refuse::sound(), zipping::zip(&entries)];
    made.into_iter().chain(layers_to_refuse::all().into_iter().map(|layer| layer.bytes)).collect()
}

/// The files below folders of the checkout whose names end like this.
fn files(folders: &[&str], extension: &str) -> Vec<Vec<u8>> {
    let mut pending: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the checkout") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|ending| ending == extension) {
                found.push(fs::read(path).expect("a file of the checkout"));
            }
        }
    }
    found
}

fn patches() -> Vec<Vec<u8>> {
    let ours = files(&["recipes"], "patch");
    // Ours fit no file of the target's tree; these do.
    let fitting = [
        "why\n\n--- a/file.c\n+++ b/file.c\n@@ -1,3 +1,3 @@\n one\n-two\r\n+2\r\n three\n@@ -9,0 +10 @@\n+ten\n",
        "--- a/file.c\n+++ b/file.c\n@@ -9 +9 @@\n-three\n+3\n",
        "--- a/sub/deep/file.c\n+++ b/sub/deep/file.c\n@@ -4,2 +4,3 @@\n {\n+x\n }\n",
        "--- a/file.c\n+++ b/file.c\n@@ -8,2 +8,2 @@\n }\n-five\n\\ No newline at end of file\n+5\n",
        "--- /dev/null\n+++ b/dir/new.c\n@@ -0,0 +1 @@\n+new\n",
        "--- /dev/null\n+++ b/up/new.c\n@@ -0,0 +1 @@\n+new\n",
        "--- /dev/null\n+++ b/../new.c\n@@ -0,0 +1 @@\n+new\n",
        "--- a/file.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n",
        "diff --git a/file.c b/other.c\nrename from file.c\nrename to other.c\n",
    ];
    [ours, texts(&fitting)].concat()
}

/// A layer and a recipe, with everything that may stand in braces.
fn plans() -> Vec<Vec<u8>> {
    let of_checkout = files(&["recipes"], "toml").into_iter().map(|recipe| {
        let recipe = String::from_utf8_lossy(&recipe).into_owned();
        let own = recipe.lines().find(|line| line.starts_with("name = ")).unwrap_or_default();
        format!("{LAYER}\n---\n{}", recipe.replacen(own, "name = \"app\"", 1)).into_bytes()
    });
    let bodies = [
        "platform = \"target\"\nsteps = [{ run = { argv = [\"make\", \"{src}\", \"{out}\", \"-j{jobs}\", \"{arch}\", \"{version}\", \"{glibc}\"], env = { A = \"{work}/{{x}}\" } } }]\n",
        "platform = \"target\"\nneeds = [\"app\"]\ntools = [\"zig\"]\nsteps = [{ run = { argv = [\"{needs:app}\", \"{tool:zig}\"] } }]\n",
        "platform = \"builder\"\nprograms = [\"app\"]\n",
        "platform = \"any\"\nsteps = [{ copy = { from = \"{src}/a\", to = \"{out}/a\" } }]\n",
    ];
    of_checkout.chain(bodies.map(|lines| format!("{LAYER}\n---\n{}", recipe("app", lines)).into_bytes())).collect()
}

/// A manifest and an SBOM that agree, but for the digests, with a program.
fn documents() -> Vec<Vec<u8>> {
    let digest = "a".repeat(64);
    let manifest = format!(
        r#"{{"format":1,"layer":"app","version":"1.0","summary":"s","arch":"x86_64","glibc":"2.17","pinned":true,"compiler":{{"name":"zig","version":"1.0"}},"targets":["al2"],"recipes":[{{"name":"app","version":"1.0","license":"MIT","homepage":"https://example.org","pinned":true,"needs":[],"sources":[],"patches":[],"steps":[],"key":"{digest}"}}],"files":[{{"path":"bin/app","size":4,"sha256":"{digest}","mode":"0755","recipe":"app"}}]}}"#
    );
    let sbom = r#"{"bomFormat":"CycloneDX","components":[{"bom-ref":"recipe:app@1.0","purl":"pkg:github/a/app@1.0"},{"purl":""}]}"#;
    let folder = "share/media-layers/app";
    let parts = format!(
        "bin/app\ntext\n---\n{folder}/manifest.json\n{manifest}\n---\n{folder}/sbom.cdx.json\n{sbom}\n---\n{folder}/licenses/app/LICENSE\nMIT"
    );
    [parts.clone(), parts.replace("bin/app\n", "bin/\n"), parts.replace("\"app\"", "\"b\"")]
        .map(String::into_bytes)
        .into()
}

const REQUESTS: [&str; 6] = [
    "GET /film HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\n\r\nGET /film HTTP/1.1\r\nRange: bytes=-10\r\n\r\n",
    "HEAD /whole HTTP/1.1\r\nrange: bytes=990-\r\n\r\nGET /changing HTTP/1.1\r\nConnection: close\r\n\r\n",
    "GET /a%20b+%C3%BC?X=1%2F2 HTTP/1.1\r\n\r\nGET /away HTTP/1.0\r\n\r\n",
    "GET /a b HTTP/1.1\r\n\r\nPOST /film HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde",
    "GET /closing HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET /empty HTTP/1.1\r\nRange: bytes=0-\r\n\r\nGET /no HTTP/1.1\r\n\r\nGET /dropping HTTP/1.1\r\n\r\n",
];

const APT: [&str; 4] = [
    "# x\ndeb [ arch=amd64 signed-by=/k.gpg ] https://mirror.test/debian bookworm main contrib # x\ndeb-src http://m.test/debian-security sid main\n",
    "Types: deb deb-src\n# x\nURIs: http://mirror.test/debian\n https://second.test/debian\nSuites: sid\nComponents: main\n\nEnabled: No\nTypes: deb\nURIs: x\n",
    "http://near.test/debian/\tpriority:1\n\nhttp://far.test/debian\n",
    "Package: ffmpeg\nVersion: 7:9.0.2-4+dfsg\nDirectory: pool/main/f/ffmpeg\nChecksums-Sha256:\n aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 12 ffmpeg_9.0.2.orig.tar.xz\n\nPackage: curl\nVersion: 1:1.3.dfsg+really1.3.2-3\n",
];

const PIP: [&str; 3] = [
    "[global]\nindex-url = https://site.test/simple\nextra-index-url: https://a.test/ https://b.test/\nfind_links =\n    /srv/wheels\n; x\n[download]\nno-index = 1\n",
    "<!DOCTYPE html><a href=\"../../packages/tool-1.0.tar.gz#sha256=00\" data-requires-python=\"&gt;=3.7\">tool-1.0.tar.gz</a><br/><A class=x HREF='https://files.test/tool-1.0%2Btar.gz'>x</A>",
    "<a href=/files/?name=tool-1.0.tar.gz&amp;x=&#x2B; >tool-1.0.tar.gz</a><a name=top>",
];

const VERSIONS: [&str; 4] = [
    "<a href=\"tool-1.2.tar.xz\">x</a> <a href='/pub/tool-1.10.tar.xz'>x</a>",
    "001e# service=git-upload-pack\n0000004daaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa refs/tags/v1.2\0multi_ack thin-pack\n003faaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa refs/tags/v1_10\n0000",
    "{\"meta\":{\"api-version\":\"1.0\"},\"files\":[{\"filename\":\"tool-1.0-py3-none-any.whl\",\"url\":\"../a\",\"hashes\":{\"sha256\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"},\"yanked\":\"why\"},{\"filename\":\"tool-2.0.tar.gz\",\"url\":\"b\"}]}",
    "{\"results\":[{\"vulns\":[{\"id\":\"CVE-2026-1\",\"modified\":\"x\"}],\"next_page_token\":\"t\"}]}",
];
