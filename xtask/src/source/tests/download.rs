//! One archive from one place: what is resumed, tried again, given up, and what is said of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use super::server::{Asked, Reply, Server};
use super::*;
use crate::source::download::{copy, download};

/// Downloads from `server` into a file that already holds `there`. Gives what the file then holds, or the error.
fn run(server: &Server, archive: &Archive, there: &[u8]) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let partial = folder.path().join("partial");
    if !there.is_empty() {
        fs::write(&partial, there).expect("a file");
    }
    let url = server.url("a.tar.gz").parse().expect("a URL");
    let progress = Ui::silent().transfer("a", archive.most());
    match download(&client(), &url, archive, &partial, &progress) {
        Ok(()) => Ok(fs::read(&partial).expect("a file")),
        Err(failure) => {
            let left = fs::read(&partial).map_or_else(|_| "nothing".to_owned(), |left| format!("{} bytes", left.len()));
            Err(format!("{failure}; {left} left"))
        }
    }
}

fn serve(body: &[u8], script: impl Fn(&[u8], &Asked) -> Reply + Send + Sync + 'static) -> Server {
    let body = body.to_vec();
    Server::start(move |asked| script(&body, asked))
}

#[test]
fn a_good_server_is_asked_once() {
    let body = bytes(300_000);
    for script in
        [|body: &[u8], _: &Asked| Reply::whole(body), |body: &[u8], _: &Asked| Reply::whole(body).unsized_body()]
    {
        let server = serve(&body, script);
        assert_eq!(run(&server, &archive(&body, &[]), b"").as_ref(), Ok(&body));
        assert_eq!(server.ranges(), [None]);
    }
}

#[test]
fn goes_on_where_an_earlier_run_was_broken_off() {
    let body = bytes(300_000);
    let archive = archive(&body, &[]);
    let server = serve(&body, Reply::ranged);
    assert_eq!(run(&server, &archive, &body[..100_000]).as_ref(), Ok(&body));
    assert_eq!(server.ranges(), [Some(100_000)]);

    // A file that is already whole needs no request at all.
    let server = serve(&body, Reply::ranged);
    assert_eq!(run(&server, &archive, &body).as_ref(), Ok(&body));
    assert_eq!(server.ranges(), []);
}

#[test]
fn starts_anew_where_the_server_cannot_go_on() {
    let body = bytes(300_000);
    let archive = archive(&body, &[]);
    // No ranges at all.
    let server = serve(&body, |body, _| Reply::whole(body));
    assert_eq!(run(&server, &archive, &body[..100_000]).as_ref(), Ok(&body));
    assert_eq!(server.ranges(), [Some(100_000)]);
    // A range is refused.
    let server = serve(&body, |body, asked| if asked.from.is_some() { Reply::status(416) } else { Reply::whole(body) });
    assert_eq!(run(&server, &archive, &body[..100_000]).as_ref(), Ok(&body));
    assert_eq!(server.ranges(), [Some(100_000), None]);
    // Another range than the one asked for.
    let server = serve(&body, |body, asked| match asked.from {
        Some(_) => Reply::whole(&body[7..]).with_status(206).header("Content-Range: bytes 7-299999/300000"),
        None => Reply::whole(body),
    });
    assert_eq!(run(&server, &archive, &body[..100_000]).as_ref(), Ok(&body));
    assert_eq!(server.ranges(), [Some(100_000), None]);
}

#[test]
fn wrong_bytes_of_an_earlier_run_are_forgotten() {
    let body = bytes(300_000);
    let archive = archive(&body, &[]);
    let server = serve(&body, Reply::ranged);
    assert_eq!(run(&server, &archive, &[7; 100_000]).as_ref(), Ok(&body));
    assert_eq!(server.ranges(), [Some(100_000), None]);
    for there in [vec![7; 300_000], vec![7; 300_001]] {
        let server = serve(&body, Reply::ranged);
        assert_eq!(run(&server, &archive, &there).as_ref(), Ok(&body));
        assert_eq!(server.ranges(), [None]);
    }
}

#[test]
fn a_transfer_that_breaks_goes_on() {
    let body = bytes(300_000);
    let archive = archive(&body, &[]);
    let server = serve(&body, |body, asked| match asked.number {
        0 => Reply::ranged(body, asked).cut(150_000),
        1 => Reply::ranged(body, asked).unsized_body().cut(50_000),
        _ => Reply::ranged(body, asked),
    });
    assert_eq!(run(&server, &archive, b"").as_ref(), Ok(&body));
    assert_eq!(server.ranges(), [None, Some(150_000), Some(200_000)]);
}

#[test]
fn a_transfer_that_breaks_again_and_again_is_given_up() {
    let body = bytes(300_000);
    let archive = archive(&body, &[]);
    let server = serve(&body, |body, asked| Reply::ranged(body, asked).cut(1000));
    assert_eq!(
        run(&server, &archive, b""),
        Err("the transfer broke 3 times, at last: it ended after 3000 of 300000 bytes: peer disconnected; 3000 bytes left"
            .to_owned())
    );
    // As long as it gets on, it is not given up.
    let long = bytes(6 << 20);
    let server = serve(&long, |body, asked| Reply::ranged(body, asked).cut(3 << 19));
    assert_eq!(run(&server, &super::archive(&long, &[]), b"").as_ref(), Ok(&long));
}

#[test]
fn a_silent_server_is_not_waited_for_forever() {
    let body = bytes(3000);
    let archive = archive(&body, &[]);
    let began = Instant::now();
    let server = serve(&body, |body, _| Reply::whole(body).pace(1000, Duration::from_secs(5)));
    let error = run(&server, &archive, b"").expect_err("silence");
    assert!(
        error.starts_with("the transfer broke 3 times, at last: it ended after 1000 of 3000 bytes: timeout"),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(3));
    // Slow is not silent.
    let server = serve(&body, |body, _| Reply::whole(body).pace(300, Duration::from_millis(50)));
    assert_eq!(run(&server, &archive, b"").as_ref(), Ok(&body));
}

#[test]
fn wrong_bytes_are_discarded() {
    let body = bytes(3000);
    let archive = archive(&body, &[]);
    let server = serve(&body, |body, _| Reply::whole(&vec![7; body.len()]));
    assert_eq!(
        run(&server, &archive, b""),
        Err("expected sha256 12722e06930f5221e058bd0d1d7e3d34c0dd08dd7818a74be17d737e86b5d0a2, \
             got 48c187767dddb44e5b7af78dabdec2b14f0f983e86e1fe695c65bc6a2a3cb42f; nothing left"
            .to_owned())
    );
}

#[test]
fn a_file_of_another_size_is_not_even_read() {
    let body = bytes(3000);
    let archive = archive(&body, &[]);
    let server = serve(&body, |body, _| Reply::whole(&body[..2999]));
    assert_eq!(run(&server, &archive, b""), Err("expected 3000 bytes, got 2999; nothing left".to_owned()));
    let server = serve(&body, |body, _| Reply::whole(&[body, b"x"].concat()));
    assert_eq!(run(&server, &archive, b""), Err("expected 3000 bytes, got 3001; nothing left".to_owned()));
    let server = serve(&body, |body, _| Reply::whole(&[body, b"x"].concat()).unsized_body());
    assert_eq!(run(&server, &archive, b""), Err("expected 3000 bytes, but more came; nothing left".to_owned()));
}

#[test]
fn statuses_decide_about_another_try() {
    let body = bytes(3000);
    let archive = archive(&body, &[]);
    let server = serve(&body, |_, _| Reply::status(404));
    assert_eq!(run(&server, &archive, b""), Err("it answers with status 404 (not found); nothing left".to_owned()));
    assert_eq!(server.asked().len(), 1);
    let server = serve(&body, |body, asked| match asked.number {
        0 => Reply::status(500),
        1 => Reply::status(429).header("Retry-After: 0"),
        _ => Reply::whole(body),
    });
    assert_eq!(run(&server, &archive, b"").as_ref(), Ok(&body));
    let server = serve(&body, |_, _| Reply::status(503));
    assert_eq!(
        run(&server, &archive, b""),
        Err("the transfer broke 3 times, at last: it answers with status 503 (service unavailable); nothing left"
            .to_owned())
    );
}

#[test]
fn redirects_are_followed() {
    let body = bytes(3000);
    let archive = archive(&body, &[]);
    let server = serve(&body, |body, asked| match asked.path.as_str() {
        "/a.tar.gz" => Reply::status(302).header("Location: /elsewhere/b?sign=%2B"),
        "/elsewhere/b?sign=%2B" => Reply::ranged(body, asked),
        _ => Reply::status(404),
    });
    assert_eq!(run(&server, &archive, &body[..1000]).as_ref(), Ok(&body));
    assert_eq!(server.ranges(), [Some(1000), Some(1000)]);
    let server = serve(&body, |_, _| Reply::status(301).header("Location: a.tar.gz"));
    let error = run(&server, &archive, b"").expect_err("a circle");
    let expected = format!("it redirects to ever other places, the last {}; nothing left", server.url("a.tar.gz"));
    assert_eq!(error, expected);
    assert_eq!(server.asked().len(), 11);
}

#[test]
fn an_unreachable_host_is_asked_twice_at_most() {
    let gone = Server::start(|_| Reply::status(404));
    let (url, address) = (gone.url("a"), gone.address().to_owned());
    drop(gone);
    // The listener's thread needs a moment to go.
    while std::net::TcpStream::connect(&address).is_ok() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let client = client();
    let url = url.parse().expect("a URL");
    for _ in 0..2 {
        let failure = client.get(&url, 0, "*/*").expect_err("nobody listens");
        assert_eq!(failure.to_string(), format!("cannot connect to {address}: Connection refused (os error 111)"));
    }
    let unknown = "http://no-such-host.invalid/a".parse().expect("a URL");
    let failure = client.get(&unknown, 0, "*/*").expect_err("no such host");
    assert_eq!(failure.to_string(), "no-such-host.invalid:80: the host is not known here");
}

#[test]
fn a_proxy_is_used_and_named() {
    let proxy = Server::start(|_| Reply::status(403));
    let address = proxy.address().to_owned();
    let behind = |proxy: String| client_behind(Proxies::new(&|name| (name == "all_proxy").then(|| proxy.clone())));
    let url = "http://mirror.invalid/a".parse().expect("a URL");
    let failure = behind(address.clone()).get(&url, 0, "*/*").expect_err("the proxy refuses");
    let text = failure.to_string();
    assert!(text.starts_with(&format!("cannot connect to mirror.invalid:80 through the proxy {address}: ")), "{text}");
    assert!(!proxy.asked().is_empty());
    let failure = behind("socks5://user:secret@127.0.0.1".to_owned()).get(&url, 0, "*/*").expect_err("not supported");
    assert_eq!(failure.to_string(), "the proxy for it is not an http or https URL");
}

#[test]
fn a_full_disk_is_not_the_servers_fault() {
    let body = bytes(300_000);
    let archive = archive(&body, &[]);
    let folder = tempfile::tempdir().expect("a folder");
    let partial = folder.path().join("partial");
    // This device answers every write with "no space left".
    symlink("/dev/full", &partial).expect("a link");
    let server = serve(&body, Reply::ranged);
    let url = server.url("a").parse().expect("a URL");
    let progress = Ui::silent().transfer("a", archive.most());
    let expected = format!(
        "cannot write `{}`: the disk is full\n\nhint: 300000 more bytes are needed in `{}`",
        partial.display(),
        folder.path().display()
    );
    let failure = download(&client(), &url, &archive, &partial, &progress).expect_err("a full disk");
    assert_eq!(failure.to_string(), expected);
    assert!(partial.symlink_metadata().is_err(), "nothing is left");
    assert_eq!(server.asked().len(), 1);

    symlink("/dev/full", &partial).expect("a link");
    let original = folder.path().join("original");
    fs::write(&original, &body).expect("a file");
    let failure = copy(&original, &archive, &partial, &progress).expect_err("a full disk");
    assert_eq!(failure.to_string(), expected);
}
