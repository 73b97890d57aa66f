//! A moto server: AWS, as far as it goes, on this machine.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::http::{Reply, Request, forward};

/// Names the Python that has moto and the AWS CLI; `ci/test-publish` makes it.
const PYTHON: &str = "PUBLISH_TEST_PYTHON";

/// The Python with moto.
pub fn python() -> String {
    std::env::var(PYTHON).unwrap_or_else(|_| panic!("{PYTHON} is not set: run this through ci/test-publish"))
}

/// A server that ends with this value.
#[derive(Debug)]
pub struct Moto {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
}

impl Moto {
    pub fn start() -> Moto {
        let mut child = Command::new(python())
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("moto");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
        let url = loop {
            let line = lines.next().expect("moto tells its address").expect("a line");
            if let Some((_, url)) = line.split_once("Running on ") {
                break url.trim().to_owned();
            }
        };
        // It stops where nobody reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        Moto { child, url }
    }

    /// The numbers of the versions of a layer, newest first, without the second that the AWS CLI takes to start.
    pub fn versions(&self, region: &str, layer: &str) -> Vec<u64> {
        let scope = format!("AWS4-HMAC-SHA256 Credential=AKIATEST/20261120/{region}/lambda/aws4_request");
        let headers = [("host", "lambda"), ("authorization", &scope)];
        let request = Request {
            method: "GET".to_owned(),
            path: format!("/2018-10-31/layers/{layer}/versions"),
            query: String::new(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: Vec::new(),
        };
        let Reply::Answer { status: 200, body, .. } = forward(&self.url, &request) else { panic!("no list") };
        let listed: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let versions = listed["LayerVersions"].as_array().expect("a list").iter();
        versions.map(|version| version["Version"].as_u64().expect("a number")).collect()
    }

    /// What the AWS CLI says, as JSON.
    pub fn cli(&self, region: &str, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_slice(&self.cli_quiet(region, arguments)).expect("JSON")
    }

    /// What the AWS CLI says.
    pub fn cli_quiet(&self, region: &str, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new(python())
            .args(["-m", "awscli", "--output", "json", "--region", region, "--endpoint-url", &self.url])
            .args(arguments)
            .env("AWS_ACCESS_KEY_ID", "AKIATEST")
            .env("AWS_SECRET_ACCESS_KEY", super::SECRET)
            .output()
            .expect("the AWS CLI");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
