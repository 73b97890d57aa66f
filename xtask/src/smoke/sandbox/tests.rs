//! The sandbox as a small C program sees it.

use std::path::Path;

use super::*;
use crate::model::Arch;

/// Says what it finds: libraries that know TLS, certificates, a variable, a file of the machine, a host by name.
const PROBE: &str = r#"
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
    const char *libraries[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libssl.so.3", "libssl.so.1.1", "libgnutls.so.30"};
    for (unsigned at = 0; at < sizeof libraries / sizeof *libraries; at++)
        if (dlopen(libraries[at], RTLD_NOW)) printf("library %s\n", libraries[at]);
    const char *files[] = {"/etc/ssl/certs", "/etc/pki", "/usr/share/ca-certificates", "/bin/sh"};
    for (unsigned at = 0; at < sizeof files / sizeof *files; at++)
        if (access(files[at], F_OK) == 0) printf("file %s\n", files[at]);
    extern char **environ;
    for (char **variable = environ; *variable; variable++) printf("variable %s\n", *variable);
    struct addrinfo *found;
    printf("localhost %s\n", getaddrinfo("localhost", "80", NULL, &found) == 0 ? "found" : "not found");
    return 0;
}
"#;

/// A layer whose only program is the probe.
fn layer() -> tempfile::TempDir {
    let layer = tempfile::tempdir().expect("a folder");
    std::fs::write(layer.path().join("probe.c"), PROBE).expect("writes");
    std::fs::create_dir(layer.path().join("bin")).expect("a folder");
    let compiled = std::process::Command::new("cc")
        .args(["probe.c", "-o", "bin/probe", "-ldl"])
        .current_dir(layer.path())
        .status();
    assert!(compiled.expect("a C compiler").success());
    layer
}

fn content(layer: &Path) -> Content<'_> {
    Content { layer, at: "/opt", program: "bin/probe", hosts: "127.0.0.1 localhost\n", python: None }
}

fn machine() -> Machine {
    Machine::find(Arch::of_this_machine().expect("a known architecture"), None).expect("this machine")
}

#[test]
fn hides_everything_but_glibc_and_the_layer() {
    let layer = layer();
    let sandbox = Sandbox::build(&machine(), &content(layer.path()), &Isolation::ALL).expect("builds");
    let output = bounded::run(&sandbox.command(&BTreeMap::new(), [sandbox.path("/opt/bin/probe")])).expect("runs");
    if sandbox.hides_the_machine() {
        assert_eq!(String::from_utf8_lossy(&output.stdout), "localhost found\n", "{:?}", output);
    } else {
        eprintln!("skipped: neither user namespaces nor chroot work here");
    }
}

#[test]
fn without_isolation_the_program_still_runs_with_an_empty_environment() {
    let layer = layer();
    let sandbox = Sandbox::build(&machine(), &content(layer.path()), &[Isolation::None]).expect("builds");
    assert!(!sandbox.hides_the_machine());
    assert!(sandbox.place().contains("NO isolation"));
    let output = bounded::run(&sandbox.command(&BTreeMap::new(), [sandbox.path("/opt/bin/probe")])).expect("runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("file /bin/sh") && !text.contains("variable"), "{text}");
}

#[test]
fn says_every_way_that_was_tried() {
    let layer = layer();
    let mut machine = machine();
    machine.emulator = Some(machine::Emulator { program: "/bin/false".into(), linkage: Linkage::Dynamic });
    let error = Sandbox::build(&machine, &content(layer.path()), &Isolation::ALL).expect_err("cannot work").to_string();
    assert!(error.contains("qemu-user-static") && error.contains("exit code 1"), "{error}");
}

#[test]
fn python_runs_in_the_sandbox_without_its_tls() {
    let Ok(python) = Python::find(&machine()) else {
        eprintln!("skipped: no python3");
        return;
    };
    let layer = layer();
    let content = Content { python: Some(&python), ..content(layer.path()) };
    let sandbox = Sandbox::build(&machine(), &content, &Isolation::ALL).expect("builds");
    if !sandbox.hides_the_machine() {
        eprintln!("skipped: neither user namespaces nor chroot work here");
        return;
    }
    let script =
        "import ctypes, json, xml.etree.ElementTree\ntry:\n  import ssl\nexcept ImportError:\n  print('no ssl')";
    let output = bounded::run(&sandbox.command(&BTreeMap::new(), [sandbox.python(&python).as_str(), "-c", script]))
        .expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "no ssl\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn another_architecture_runs_under_an_emulator() {
    let other = Arch::ALL.into_iter().find(|arch| Some(*arch) != Arch::of_this_machine()).expect("another");
    let root = std::env::var_os("MEDIA_LAYERS_ARM64_ROOT").map(PathBuf::from);
    let machine = match Machine::find(other, root.as_deref()) {
        Ok(machine) => machine,
        Err(unavailable) => {
            eprintln!("skipped: {unavailable}");
            return;
        }
    };
    // To build it is to run the other architecture's loader in it.
    let layer = layer();
    let sandbox = Sandbox::build(&machine, &content(layer.path()), &Isolation::ALL).expect("builds");
    let output = bounded::run(&sandbox.command(&BTreeMap::new(), [sandbox.path("/opt/bin/probe")])).expect("runs");
    assert!(!output.success(), "a program of this machine does not run there");
}
