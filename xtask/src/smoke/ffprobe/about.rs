//! What a program of ffmpeg's says about itself: its name, how it was built, under which licence.

use crate::process::bounded::Output;
use crate::smoke::program::Program;
use crate::smoke::report::Outcome;

/// What must not be compiled in, as it would change the licence.
const FORBIDDEN: [&str; 2] = ["--enable-gpl", "--enable-nonfree"];

/// Checks what the program that is called `name` says about itself. Gives the names of the checks with what came of them.
pub fn about(program: &Program<'_>, name: &str) -> Vec<(String, Outcome)> {
    let banner = format!("{name} version ");
    let version = program.check(&["-version"], &format!("exit code 0 and a first line `{banner}…`"), |output| {
        output.success() && stdout(output).starts_with(&banner)
    });
    let configuration =
        program.check(&["-version"], "a line `configuration:` without a path of the builder", |output| {
            let text = stdout(output);
            let line = text.lines().find_map(|line| line.trim_start().strip_prefix("configuration:"));
            line.is_some_and(|line| absolute_paths(line).is_empty())
        });
    let licence = program.check(&["-L"], "the GNU Lesser General Public License, and no other", |output| {
        // The text is broken into lines anywhere.
        let text = stdout(output).split_whitespace().collect::<Vec<_>>().join(" ");
        let lesser = text.matches("GNU Lesser General Public License").count();
        output.success() && lesser > 0 && text.matches("General Public License").count() == lesser
    });
    let without = format!("options of configure, without {}", FORBIDDEN.join(" and "));
    let parts = program.check(&["-buildconf"], &without, |output| {
        let text = stdout(output);
        let options: Vec<&str> = text.split_whitespace().filter(|word| word.starts_with("--")).collect();
        output.success() && !options.is_empty() && !options.iter().any(|option| FORBIDDEN.contains(option))
    });
    let protocols = program.check(&["-v", "error", "-protocols"], "http, https, hls's file and crypto", |output| {
        let text = stdout(output);
        let words: Vec<&str> = text.split_whitespace().collect();
        output.success() && ["http", "https", "tls", "file", "crypto"].iter().all(|protocol| words.contains(protocol))
    });
    let usage = program.check(&["-no-such-option"], "a failure as exit code, and words about the option", |output| {
        !output.success() && String::from_utf8_lossy(&output.stderr).contains("no-such-option")
    });
    vec![
        (format!("{name} -version"), version),
        (format!("{name} says nothing about the machine that built it"), configuration),
        (format!("{name} is under the LGPL"), licence),
        (format!("{name} has no parts under another licence"), parts),
        (format!("{name} knows https"), protocols),
        (format!("{name} refuses an unknown option"), usage),
    ]
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The absolute paths in a line of options, wherever a shell or a compiler would see one begin.
fn absolute_paths(line: &str) -> Vec<&str> {
    let words = line.split(|character: char| character.is_whitespace() || "='\":,".contains(character));
    let path = |word: &str| ["-I/", "-L/", "/"].iter().any(|begin| word.starts_with(begin));
    words.filter(|word| path(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_builder_are_seen_wherever_they_stand() {
        let line = " --prefix=/usr --cc='/opt/zig cc' --extra-cflags='-I/home/me -Ineeds' --extra-ldflags=-L/x a/b";
        assert_eq!(absolute_paths(line), ["/usr", "/opt/zig", "-I/home/me", "-L/x"]);
        let line = " --cc=cc --extra-cflags='-Ineeds/include' --host-cc='zig cc' --extra-libs=-ldl";
        assert_eq!(absolute_paths(line), Vec::<&str>::new());
    }
}
