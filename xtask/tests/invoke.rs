//! `cargo xtask invoke` with functions that behave badly. They need pip and a package index: `ci/test-examples` runs them.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Does what its event says.
const FUNCTION: &str = r#"
import os, time

def handler(event, context):
    how = event["how"]
    if how == "sleep":
        time.sleep(600)
    if how == "memory":
        bytearray(10 ** 9)
    if how == "exit":
        os._exit(3)
    if how == "raise":
        raise ValueError("no")
    if how == "large":
        return "x" * 7_000_000
    if how == "look":
        written = []
        for path in ["/x", "/opt/x", "/var/task/x", "/tmp/x", "/etc/hosts"]:
            try:
                open(path, "w").close()
                written.append(path)
            except OSError:
                pass
        disk = os.statvfs("/tmp")
        return {
            "written": written,
            "uid": os.getuid(),
            "root": sorted(os.listdir("/")),
            "processes": sum(name.isdigit() for name in os.listdir("/proc")),
            "tmp": disk.f_blocks * disk.f_frsize,
            "rights": [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")],
            "variables": sorted(os.environ),
            "left": context.get_remaining_time_in_millis(),
        }
    if how == "spin":
        begin, cpu = time.monotonic(), time.process_time()
        while time.monotonic() - begin < 1:
            pass
        return (time.process_time() - cpu) / (time.monotonic() - begin)
    return how
"#;

struct Function(tempfile::TempDir);

impl Function {
    fn new(code: &str) -> Function {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = "cloud = \"aws\"\nruntime = \"python3.13\"\nhandler = \"app.handler\"\nlayers = []\nmemory = 256\ntimeout = 2\nenvironment = [\"OWN\"]\n";
        fs::write(folder.path().join("function.toml"), settings).expect("written");
        fs::write(folder.path().join("app.py"), code).expect("written");
        Function(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, how: &[&str], options: &[&str]) -> Command {
        // Where the tests run in the background, they ignore some signals, and so would the tool.
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP,INT,TERM").arg(env!("CARGO_BIN_EXE_xtask"));
        command.arg("invoke").arg(self.path()).args(options).env("OWN", "1").env("FOREIGN", "1");
        for how in how {
            let event = self.path().join(format!("{how}.json"));
            fs::write(&event, format!("{{\"how\": \"{how}\"}}")).expect("written");
            command.arg("--event").arg(event);
        }
        command
    }

    fn run(&self, how: &[&str], options: &[&str]) -> (Vec<Value>, String, Option<i32>) {
        let output = self.command(how, options).output().expect("runs");
        let (results, log) = parts(&output);
        (results, log, output.status.code())
    }
}

fn parts(output: &Output) -> (Vec<Value>, String) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let results = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (results, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Control groups of a process of ours.
fn groups(id: u32) -> Vec<String> {
    let name = format!("media-layers-invoke-{id}");
    let places = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu"];
    places.iter().map(|place| format!("{place}/{name}")).filter(|path| Path::new(path).exists()).collect()
}

/// The processes that one has started, and those that they have started.
fn descendants(id: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let own: Vec<u32> =
        lists.flat_map(|list| list.split(' ').filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect();
    own.iter().flat_map(|id| descendants(*id)).chain(own.iter().copied()).collect()
}

/// Whether a process has this word in its command line.
fn runs(id: u32, word: &str) -> bool {
    fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(word))
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "not {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
#[ignore = "needs pip and a package index"]
fn a_function_sees_what_lambda_shows() {
    let function = Function::new(FUNCTION);
    let (results, log, code) = function.run(&["look", "ok"], &["--timeout", "900"]);
    assert_eq!(code, Some(0), "{log}");
    let seen = &results[0];
    assert_eq!(seen["written"], serde_json::json!(["/tmp/x"]));
    assert_eq!((&seen["uid"], &seen["processes"]), (&993.into(), &1.into()));
    assert_eq!((&seen["tmp"], &seen["rights"][0]), (&536_870_912.into(), &"0000000000000000".into()));
    let root = serde_json::json!(["dev", "etc", "lib", "lib64", "opt", "proc", "tmp", "usr", "var"]);
    assert!(root.as_array().expect("names").iter().all(|name| seen["root"].as_array().expect("names").contains(name)));
    let variables = seen["variables"].as_array().expect("names");
    for name in ["OWN", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] {
        assert!(variables.contains(&name.into()), "{name} is missing");
    }
    assert!(!variables.contains(&"FOREIGN".into()) && !variables.contains(&"HOME".into()), "{variables:?}");
    assert!(seen["left"].as_u64().expect("milliseconds") > 890_000);
    assert_eq!(results[1], "ok");
    assert_eq!(log.matches("Init Duration").count(), 1, "the second event finds the function warm: {log}");
}

#[test]
#[ignore = "needs pip and a package index"]
fn each_bad_end_is_said_and_the_next_event_is_handled() {
    let function = Function::new(FUNCTION);
    let (results, log, code) = function.run(&["sleep", "exit", "raise", "large", "ok"], &[]);
    assert_eq!(code, Some(1), "{log}");
    for words in [
        "sleep.json: the function failed: it timed out after 2 s",
        "exit.json: the function failed: its process ended by itself: exit code 3",
        "raise.json: the function failed: ValueError: no",
        "large.json: the function failed: Function.ResponseSizeTooLarge",
    ] {
        assert!(log.contains(words), "`{words}` is not in:\n{log}");
    }
    assert_eq!(results.last(), Some(&"ok".into()));
}

#[test]
#[ignore = "needs pip and a package index"]
fn memory_and_share_of_a_core_are_limited_or_it_is_said() {
    let function = Function::new(FUNCTION);
    let (results, log, code) = function.run(&["spin", "memory"], &["--memory", "512", "--timeout", "30"]);
    if log.contains("neither memory nor the share of a core is limited") {
        eprintln!("skipped: this machine gives no control groups");
        return;
    }
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("memory.json: the function failed: it needs more than its 512 MB of memory"), "{log}");
    let share = results[0].as_f64().expect("a number");
    assert!(share < 0.5, "512 of 1769 MB are 0.29 of a core, and it had {share}");
}

#[test]
#[ignore = "needs pip and a package index"]
fn a_function_that_cannot_be_loaded_says_why() {
    let (_, log, code) = Function::new("import nothing_of_that_name\n").run(&["ok"], &[]);
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("the function failed: it cannot be loaded: Runtime.ImportModuleError"), "{log}");
}

#[test]
#[ignore = "needs pip and a package index"]
fn nothing_is_left_however_it_ends() {
    // A terminal sends signals to the group.
    for (signal, whole_group) in
        [("KILL", false), ("INT", false), ("TERM", false), ("HUP", false), ("KILL", true), ("INT", true)]
    {
        let function = Function::new(FUNCTION);
        let mut child = function.command(&["sleep"], &["--timeout", "600"]).process_group(0).spawn().expect("starts");
        until("started", || descendants(child.id()).into_iter().any(|id| runs(id, "awslambdaric")));
        std::thread::sleep(Duration::from_millis(500));
        let started = descendants(child.id());
        assert!(started.iter().all(|id| !runs(*id, "AWS_")), "credentials are arguments, which everybody may read");
        let id = if whole_group { format!("-{}", child.id()) } else { child.id().to_string() };
        assert!(Command::new("kill").args(["-s", signal, "--", &id]).status().expect("runs").success());
        child.wait().expect("ends");
        until(&format!("without groups after {signal}"), || groups(child.id()).is_empty());
        let alive = |id: &u32| Path::new(&format!("/proc/{id}")).exists();
        until(&format!("without processes after {signal}"), || !started.iter().any(alive));
    }
}

#[test]
fn wrong_use_is_said_before_anything_is_made() {
    let function = Function::new(FUNCTION);
    let said = |options: &[&str]| {
        let (_, log, code) = function.run(&["ok"], options);
        assert_eq!(code, Some(2), "{log}");
        log
    };
    assert!(said(&["--memory", "64"]).contains("`--memory`: a function has 128 to 10240 MB of memory, not 64"));
    assert!(said(&["--timeout", "901"]).contains("`--timeout`: a function has 1 to 900 seconds, not 901"));
    assert!(said(&["--layer", "nothing.zip"]).contains("there is no nothing.zip"));
    assert!(said(&["--layer", "nothing"]).contains("nothing"));
    assert!(said(&["--event", "/nonexistent.json"]).contains("cannot read /nonexistent.json"));
    fs::write(function.path().join("broken.txt"), "{").expect("written");
    let broken = function.path().join("broken.txt");
    assert!(said(&["--event", &broken.to_string_lossy()]).contains("is not JSON"));
    fs::write(function.path().join("function.toml"), "runtime = 1\nstranger = 2\n").expect("written");
    assert!(said(&[]).contains("function.toml"));
}
