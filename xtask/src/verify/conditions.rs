//! What may differ between two machines and must not show in the bytes, as data.
//!
//! A condition is varied by an environment variable, by a place, or by a program of the machine that is put before
//! ours. Each such program is tried first; where it does not work, the report says so instead of claiming anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::process;

/// The user and group of the second build: `nobody`, which exists everywhere.
const NOBODY: u32 = 65534;

/// How one build is run.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Variables that are set, on top of those of this process.
    pub env: BTreeMap<String, String>,
    /// Programs that are put before ours, in this order, each ending in the command that it is given.
    pub before: Vec<Vec<String>>,
    /// The user and group it runs as; this process's where absent.
    pub user: Option<u32>,
    /// How many things it does at once.
    pub jobs: usize,
    /// Whether the entries of its source folders are made in reverse order.
    pub reversed: bool,
}

/// Two conditions, and what is different between them.
#[derive(Debug, Clone)]
pub struct Variations {
    /// Of the first build.
    pub first: Conditions,
    /// Of every other.
    pub second: Conditions,
    /// What differs: its name, and how.
    pub varied: Vec<(String, String)>,
    /// What this machine could not vary: its name, and why.
    pub not_varied: Vec<(String, String)>,
}

impl Conditions {
    /// For a line of progress.
    pub fn in_short(&self) -> String {
        let variable = |name: &str| self.env.get(name).map_or("the user's own", String::as_str).to_owned();
        format!("{} jobs, locale {}, time zone {}", self.jobs, variable("LC_ALL"), variable("TZ"))
    }
}

/// Varies all that this machine can vary; `folder` is on the disk that the builds are on.
pub fn of_this_machine(folder: &Path, jobs: usize) -> Variations {
    let mut both = Variations {
        first: Conditions { jobs, ..Conditions::default() },
        second: Conditions { jobs: jobs + 1, ..Conditions::default() },
        varied: Vec::new(),
        not_varied: Vec::new(),
    };
    both.varied("checkout, cache and home", "paths of other names and lengths".to_owned());
    both.varied("jobs", format!("{jobs} and {}", jobs + 1));
    for (what, name, first, second) in [
        ("locale", "LC_ALL", "C.UTF-8", "de_DE.UTF-8"),
        ("time zone", "TZ", "UTC", "Asia/Shanghai"),
        ("user name", "USER", "root", "somebody"),
    ] {
        both.first.env.insert(name.to_owned(), first.to_owned());
        both.second.env.insert(name.to_owned(), second.to_owned());
        both.varied(what, format!("{first} and {second}"));
    }
    // A mask that keeps everything from others is the hardest on a package that is used by all.
    let mask = |mask: &str| words(&["sh", "-c", "umask \"$0\" && exec \"$@\"", mask]);
    both.first.before.push(mask("022"));
    both.second.before.push(mask("077"));
    both.varied("umask", "022 and 077".to_owned());
    vary_host_name(&mut both);
    vary_user(&mut both);
    vary_entry_order(&mut both, folder);
    both.varied("clock", "the builds begin at least two seconds apart".to_owned());
    both.not_varied(
        "date",
        "no program can move the clock of zig, which is static; zig refuses `__DATE__` and `__TIME__`".to_owned(),
    );
    both
}

fn vary_host_name(both: &mut Variations) {
    let name = |namespace: &[&str]| {
        let script = ["sh", "-c", "hostname \"$0\" && exec \"$@\"", "another-host.example"];
        words(&[&["unshare"], namespace, &["--uts", "--"], &script].concat())
    };
    // Whoever is not root needs a namespace of users to be allowed to.
    let tried = [name(&[]), name(&["--map-root-user"])].map(|before| works(&before).map(|()| before));
    match tried {
        [Ok(before), _] | [Err(_), Ok(before)] => {
            both.second.before.push(before);
            both.varied("host name", "this machine's and another-host.example".to_owned());
        }
        [Err(why), Err(_)] => both.not_varied("host name", why),
    }
}

fn vary_user(both: &mut Variations) {
    let id = NOBODY.to_string();
    let before =
        words(&["setpriv", &format!("--reuid={id}"), &format!("--regid={id}"), "--clear-groups", "--inh-caps=-all"]);
    match works(&before) {
        Ok(()) => {
            both.second.before.push(before);
            both.second.user = Some(NOBODY);
            both.varied("user", format!("this process's and {id}"));
        }
        Err(why) => both.not_varied("user", why),
    }
}

/// Some file systems list a folder in the order in which its entries were made, others by a hash of their names.
fn vary_entry_order(both: &mut Variations, folder: &Path) {
    match entry_order_shows(folder) {
        Ok(true) => {
            both.second.reversed = true;
            both.varied("order of directory entries", "as unpacked, and made in reverse".to_owned());
        }
        Ok(false) => both.not_varied(
            "order of directory entries",
            "the file system of the temporary folder lists them by itself; name another with TMPDIR".to_owned(),
        ),
        Err(error) => both.not_varied("order of directory entries", error.to_string()),
    }
}

fn entry_order_shows(folder: &Path) -> std::io::Result<bool> {
    let list = |names: &mut dyn Iterator<Item = u32>| -> std::io::Result<Vec<_>> {
        let folder = tempfile::tempdir_in(folder)?;
        for name in names {
            fs::write(folder.path().join(format!("entry-{name}")), "")?;
        }
        fs::read_dir(folder.path())?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    };
    Ok(list(&mut (0..16))? != list(&mut (0..16).rev())?)
}

/// Whether a program can be put before others on this machine; if not, what it says.
fn works(before: &[String]) -> Result<(), String> {
    let (program, rest) = before.split_first().ok_or("nothing to try")?;
    let tried = process::output(program, rest.iter().map(String::as_str).chain(["true"]));
    let output = tried.map_err(|error| format!("cannot run `{program}`: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
            Err(if said.is_empty() { format!("`{program}` failed and printed nothing") } else { said })
        }
    }
}

fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(|&word| word.to_owned()).collect()
}

impl Variations {
    fn varied(&mut self, what: &str, how: String) {
        self.varied.push((what.to_owned(), how));
    }

    fn not_varied(&mut self, what: &str, why: String) {
        self.not_varied.push((what.to_owned(), why));
    }
}
