//! Mirrors that flags name and those of a made-up machine.

use super::*;
use crate::model::Sha256;

fn url(text: &str) -> Base {
    Base::Url(text.parse().expect(text))
}

fn archive(origins: &[&str]) -> Archive {
    let origins = origins.iter().map(|origin| origin.parse().expect(origin)).collect();
    Archive { root: ".".to_owned(), size: Some(1), sha256: Sha256::of("a"), origins, note: None }
}

#[test]
fn a_base_is_a_url_or_a_folder() {
    for (text, expected) in [
        ("http://mirror.test/debian", url("http://mirror.test/debian/")),
        ("https://mirror.test", url("https://mirror.test/")),
        ("file:///srv/debian", Base::Folder("/srv/debian".into())),
        ("file:/srv/debian", Base::Folder("/srv/debian".into())),
        ("/srv/with:colon", Base::Folder("/srv/with:colon".into())),
        ("wheels", Base::Folder("wheels".into())),
    ] {
        assert_eq!(Base::parse(text).expect(text), expected, "{text}");
    }
    assert_eq!(
        Base::parse("ftp://mirror.test/").expect_err("unsupported").to_string(),
        "`ftp://mirror.test/` is not a mirror: `ftp:` is not supported, expected http, https or a folder"
    );
}

#[test]
fn flags_that_cannot_work_are_refused() {
    let args = MirrorArgs { mirror_dir: vec!["/nonexistent/mirror".into()], ..MirrorArgs::default() };
    assert_eq!(
        Mirrors::new(&args).expect_err("no such folder").to_string(),
        "`--mirror-dir` names `/nonexistent/mirror`, which is not a folder"
    );
    let args = MirrorArgs { debian_mirror: vec!["gopher://mirror.test".to_owned()], ..MirrorArgs::default() };
    assert_eq!(
        format!("{:#}", Mirrors::new(&args).expect_err("not a mirror")),
        "cannot use `--debian-mirror`: `gopher://mirror.test` is not a mirror: `gopher:` is not supported, \
         expected http, https or a folder"
    );
}

#[test]
fn flags_decide_where_origins_are() {
    let args = MirrorArgs {
        debian_mirror: vec!["http://mirror.test/debian".to_owned()],
        pypi_index: vec!["https://index.test/simple/".to_owned()],
        mirror_dir: Vec::new(),
    };
    let mirrors = Mirrors::new(&args).expect("usable flags");
    let remote = |origin: &str| mirrors.remote(&origin.parse().expect(origin)).expect("a place");
    let parsed = |text: &str| text.parse::<Url>().expect(text);
    assert_eq!(
        remote("debian:pool/main/a/a+b.tar.gz"),
        [Place::File(parsed("http://mirror.test/debian/pool/main/a/a+b.tar.gz"))]
    );
    assert_eq!(remote("pypi:tool/tool.whl"), [Place::Page(parsed("https://index.test/simple/tool/"))]);
    assert_eq!(remote("https://up.test/a.tar.gz"), [Place::File(parsed("https://up.test/a.tar.gz"))]);
}

#[test]
fn folders_are_searched_by_digest_name_and_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, "a").expect("a file");
        path
    };
    let digest = put(&format!("all/{}", Sha256::of("a")));
    let named = put("all/a.tar.gz");
    let debian = put("debian/pool/main/a/a.orig.tar.gz");
    let wheel = put("wheels/tool/tool.whl");
    let text = |name: &str| folder.path().join(name).display().to_string();
    let args = MirrorArgs {
        debian_mirror: vec![text("debian")],
        pypi_index: vec![text("wheels")],
        mirror_dir: vec![folder.path().join("all")],
    };
    let mirrors = Mirrors::new(&args).expect("usable flags");
    let archive = archive(&["https://up.test/a.tar.gz", "debian:pool/main/a/a.orig.tar.gz", "pypi:tool/tool.whl"]);
    assert_eq!(mirrors.local(&archive), [digest, named, debian, wheel]);
    assert_eq!(
        mirrors.remote(&archive.origins[1]).expect_err("no network place").to_string(),
        "only folders are configured, and none of them has it"
    );
}

#[test]
fn apt_is_read_as_a_machine_has_it() {
    let etc = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: &str| {
        let path = etc.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    put("sources.list", "deb cdrom:[disc]/ bookworm main\ndeb http://old.test/debian bookworm main\n");
    put("mirrors/debian.list", "https://near.test/debian/\n");
    let list = etc.path().join("mirrors/debian.list");
    let stanza =
        format!("Types: deb\nURIs: mirror+file://{} file:/srv/debian\nSuites: sid\nComponents: main\n", list.display());
    put("sources.list.d/debian.sources", &stanza);
    put("sources.list.d/off.list.disabled", "deb http://off.test/debian bookworm main\n");
    put("sources.list.d/security.list", "deb http://safe.test/debian-security sid main\n");
    assert_eq!(
        debian_of_apt(etc.path()),
        [
            url("http://old.test/debian/"),
            url("https://near.test/debian/"),
            Base::Folder("/srv/debian".into()),
            url("http://safe.test/debian-security/"),
        ]
    );
    assert_eq!(debian_of_apt(Path::new("/nonexistent")), []);
}
