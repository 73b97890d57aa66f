//! What the tests of the whole command need.

pub mod checkout;
pub mod fc;
pub mod http;
pub mod moto;
pub mod proxy;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Secrets that must appear nowhere in what is printed.
pub const SECRET: &str = "SECRETtestSECRETtestSECRETtest";
/// See [`SECRET`].
pub const TOKEN: &str = "TOKENtestTOKENtest";

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Everything went well.
    #[track_caller]
    pub fn done(self) -> Ran {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }
}

/// The command on a checkout, in an environment of nothing but credentials and where everything is.
pub fn command(root: &Path, endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_publish-in"));
    command.arg(root).args(arguments).env_clear();
    command.env("HOME", root).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("AWS_ACCESS_KEY_ID", "AKIATEST").env("AWS_SECRET_ACCESS_KEY", SECRET);
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_ENDPOINT_URL", endpoint);
    command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAItest").env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET);
    command.env("MEDIA_LAYERS_FC_ENDPOINT", endpoint).env("MEDIA_LAYERS_OSS_ENDPOINT", endpoint);
    command.env("PUBLISH_TEST_SETTLE", "400").env("PUBLISH_TEST_PAUSE", "10");
    command
}

/// Runs the command to its end.
pub fn run(root: &Path, endpoint: &str, arguments: &[&str]) -> Ran {
    Ran::of(command(root, endpoint, arguments).output().expect("started"))
}
