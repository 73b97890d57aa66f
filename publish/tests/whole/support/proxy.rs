//! A proxy in front of moto that does what moto never does: refuse, break off, stutter, and give lists by pages.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Reply, Request, forward, serve};

/// What happens to a request instead of an answer.
#[derive(Debug, Clone)]
pub enum Act {
    /// An error of AWS's kind; moto never sees the request.
    Refuse(u16, &'static str),
    /// Moto acts, and the client gets an error.
    LateRefusal(u16, &'static str),
    /// The connection breaks; moto never sees the request.
    HangUp,
    /// Moto acts, and the connection breaks.
    LateHangUp,
    /// Moto acts, and the answer is half of one.
    Stutter,
    /// Moto acts a while after the connection broke.
    Later(Duration),
    /// The answer takes its time.
    Delay(Duration),
}

/// When that happens.
#[derive(Debug, Clone)]
pub struct Rule {
    pub method: &'static str,
    /// A part of the path.
    pub path: &'static str,
    /// Of the signature; every one where it is empty.
    pub region: &'static str,
    /// How often.
    pub times: usize,
    pub act: Act,
}

impl Rule {
    /// For requests that make a version.
    pub fn create(region: &'static str, times: usize, act: Act) -> Rule {
        Rule { method: "POST", path: "/versions", region, times, act }
    }

    /// For requests that list versions.
    pub fn list(region: &'static str, times: usize, act: Act) -> Rule {
        Rule { method: "GET", path: "/versions", region, times, act }
    }
}

/// A proxy with its script.
#[derive(Debug)]
pub struct Proxy {
    pub url: String,
    rules: Arc<Mutex<Vec<Rule>>>,
    scopes: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// In front of the server at `moto`; every answer takes `latency` longer.
    pub fn start(moto: &str, latency: Duration, rules: &[Rule]) -> Proxy {
        let rules = Arc::new(Mutex::new(rules.to_vec()));
        let scopes = Arc::new(Mutex::new(Vec::new()));
        let (script, log, moto) = (Arc::clone(&rules), Arc::clone(&scopes), moto.to_owned());
        let url = serve(move |request| {
            log.lock().expect("the log").push(scope(&request).to_owned());
            std::thread::sleep(latency);
            handle(&moto, &script, request)
        });
        Proxy { url, rules, scopes }
    }

    /// How many requests were signed for `service`.
    pub fn asked(&self, service: &str) -> usize {
        let part = format!("/{service}/");
        self.scopes.lock().expect("the log").iter().filter(|scope| scope.contains(&part)).count()
    }

    /// Whether everything in the script has happened.
    pub fn is_through(&self) -> bool {
        self.rules.lock().expect("the script").iter().all(|rule| rule.times == 0)
    }
}

fn handle(moto: &str, script: &Mutex<Vec<Rule>>, request: Request) -> Reply {
    match next(script, &request) {
        None => through(moto, request),
        Some(Act::Refuse(status, code)) => refusal(status, code),
        Some(Act::LateRefusal(status, code)) => {
            through(moto, request);
            refusal(status, code)
        }
        Some(Act::HangUp) => Reply::Hangup,
        Some(Act::LateHangUp) => {
            through(moto, request);
            Reply::Hangup
        }
        Some(Act::Later(pause)) => {
            let moto = moto.to_owned();
            std::thread::spawn(move || {
                std::thread::sleep(pause);
                through(&moto, request);
            });
            Reply::Hangup
        }
        Some(Act::Stutter) => match through(moto, request) {
            Reply::Answer { status, headers, mut body } => {
                body.truncate(body.len() / 2);
                Reply::Answer { status, headers, body }
            }
            reply => reply,
        },
        Some(Act::Delay(pause)) => {
            std::thread::sleep(pause);
            through(moto, request)
        }
    }
}

/// What a request is signed for: key, day, region and service.
fn scope(request: &Request) -> &str {
    let authorization = request.headers.get("authorization").map(String::as_str).unwrap_or_default();
    authorization.split(',').next().unwrap_or_default()
}

fn next(script: &Mutex<Vec<Rule>>, request: &Request) -> Option<Act> {
    let scope = scope(request);
    let fits = |rule: &&mut Rule| {
        let region = rule.region.is_empty() || scope.contains(&format!("/{}/", rule.region));
        rule.times > 0 && region && rule.method == request.method && request.path.contains(rule.path)
    };
    let mut rules = script.lock().expect("the script");
    let rule = rules.iter_mut().find(fits)?;
    rule.times -= 1;
    Some(rule.act.clone())
}

fn refusal(status: u16, code: &str) -> Reply {
    let mut reply = Reply::json(status, &json!({"Message": "as the script says", "message": "as the script says"}));
    if let Reply::Answer { headers, .. } = &mut reply {
        headers.push(("x-amzn-errortype".to_owned(), code.to_owned()));
    }
    reply
}

fn through(moto: &str, mut request: Request) -> Reply {
    // Moto has another name for it.
    if request.path.ends_with("/policy") && request.method == "POST" {
        let body = String::from_utf8(request.body).expect("text");
        request.body = body.replace("\"OrganizationId\"", "\"PrincipalOrgID\"").into_bytes();
    }
    let listing = request.method == "GET" && request.path.ends_with("/versions");
    let marker = request.query.split('&').find_map(|pair| pair.strip_prefix("Marker=")?.parse::<usize>().ok());
    let reply = forward(moto, &request);
    if listing { page(reply, marker.unwrap_or(0)) } else { reply }
}

/// Cuts a list into pages of two, as AWS cuts it into pages of fifty.
fn page(reply: Reply, start: usize) -> Reply {
    let Reply::Answer { status: 200, body, .. } = &reply else { return reply };
    let Ok(mut listed) = serde_json::from_slice::<Value>(body) else { return reply };
    let all = listed["LayerVersions"].as_array().expect("a list").clone();
    listed["LayerVersions"] = all.iter().skip(start).take(2).cloned().collect();
    if all.len() > start + 2 {
        listed["NextMarker"] = json!((start + 2).to_string());
    }
    Reply::json(200, &listed)
}
