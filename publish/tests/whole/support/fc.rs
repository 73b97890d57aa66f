//! A fake of Function Compute and OSS: it verifies signatures, keeps versions, and answers errors as they do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use publish::aliyun::{Credentials, acs3, oss4};
use serde_json::{Value, json};
use xtask::model::Sha256;

use super::SECRET;
use super::http::{Reply, Request, serve};

/// What the fake holds, and what it does wrong.
#[derive(Debug, Default)]
pub struct State {
    /// By layer: the versions, oldest first; a deleted one is null.
    pub layers: BTreeMap<String, Vec<Value>>,
    /// Layers that everybody may use.
    pub public: Vec<String>,
    /// By path.
    pub objects: BTreeMap<String, Vec<u8>>,
    /// How many requests are answered with 429.
    pub throttle: usize,
    /// How many answers to requests that make a version are lost.
    pub lose: usize,
    /// Actions, in their order.
    pub log: Vec<String>,
    /// What an error says of the headers that came, around them.
    pub quote: Option<[&'static str; 2]>,
    /// Versions at which pages of a list begin, over and over.
    pub circle: Vec<u64>,
    /// How versions are named, instead of as Function Compute does.
    pub arn: Option<String>,
    /// The token that must come with every request.
    pub token: Option<String>,
}

/// The fake.
#[derive(Debug)]
pub struct Fake {
    pub url: String,
    pub state: Arc<Mutex<State>>,
}

impl Fake {
    pub fn start() -> Fake {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        Fake { url: serve(move |request| handle(&mut shared.lock().expect("the state"), &request)), state }
    }

    pub fn with<T>(&self, read: impl FnOnce(&mut State) -> T) -> T {
        read(&mut self.state.lock().expect("the state"))
    }

    /// The numbers of the versions there are.
    pub fn versions(&self, layer: &str) -> Vec<u64> {
        let numbers = |all: &Vec<Value>| all.iter().filter_map(|version| version["version"].as_u64()).collect();
        self.with(|state| state.layers.get(layer).map(numbers).unwrap_or_default())
    }
}

fn trouble(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"Code": code, "Message": message, "RequestId": "1-2-3"}))
}

fn handle(state: &mut State, request: &Request) -> Reply {
    let authorization = request.headers.get("authorization").cloned().unwrap_or_default();
    if authorization.starts_with("OSS4") {
        return object(state, request, &authorization);
    }
    if let Err(reply) = verify(state, request, &authorization) {
        return *reply;
    }
    let action = request.headers["x-acs-action"].clone();
    state.log.push(action.clone());
    if let Some([before, after]) = state.quote {
        let headers: String = request.headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        return trouble(403, "SignatureDoesNotMatch", &format!("{before}{headers}{after}"));
    }
    if state.throttle > 0 {
        state.throttle -= 1;
        return trouble(429, "Throttling.User", "request was denied due to user flow control");
    }
    act(state, request, &action)
}

/// Holds every signed header and the body against the signature.
fn verify(state: &State, request: &Request, authorization: &str) -> Result<(), Box<Reply>> {
    let wrong = |code: &str| Err(Box::new(trouble(403, code, "the request signature we calculated does not match")));
    let Some((_, rest)) = authorization.split_once("SignedHeaders=") else { return wrong("MissingAuthorization") };
    let names = rest.split(',').next().unwrap_or_default();
    if !authorization.contains("Credential=LTAItest,") {
        return wrong("InvalidAccessKeyId.NotFound");
    }
    let value = |name: &str| (name.to_owned(), request.headers.get(name).cloned().unwrap_or_default());
    let headers: BTreeMap<_, _> = names.split(';').map(value).collect();
    let body = Sha256::of(&request.body).to_string();
    let signed = acs3::Request {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers: &headers,
        body: &body,
    };
    let needed =
        ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];
    let complete = needed.iter().all(|name| headers.contains_key(*name)) && headers["x-acs-content-sha256"] == body;
    let token = request.headers.get("x-acs-security-token") == state.token.as_ref();
    let token = token && (state.token.is_none() || headers.contains_key("x-acs-security-token"));
    if !complete || !token || acs3::sign(&signed, &Credentials::new("LTAItest", SECRET, None)) != authorization {
        return wrong("SignatureDoesNotMatch");
    }
    Ok(())
}

fn act(state: &mut State, request: &Request, action: &str) -> Reply {
    let parts: Vec<_> = request.path.trim_start_matches("/2023-03-30/layers").split('/').collect();
    let name = parts.get(1).copied().unwrap_or_default().to_owned();
    let number = parts.get(3).and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let host = &request.headers["host"];
    match (request.method.as_str(), action) {
        ("GET", "ListLayers") => Reply::json(200, &json!({"layers": []})),
        ("POST", "CreateLayerVersion") => create(state, request, &name, host),
        ("GET", "ListLayerVersions") => list(state, request, &name),
        ("GET", "GetLayerVersion") => match found(state, &name, number) {
            Some(version) => {
                let mut version = version.clone();
                version["acl"] = json!(if state.public.contains(&name) { "1" } else { "0" });
                Reply::json(200, &version)
            }
            None => trouble(404, "LayerVersionNotFound", "no such version"),
        },
        ("DELETE", "DeleteLayerVersion") => {
            if let Some(version) = state.layers.get_mut(&name).and_then(|all| all.get_mut(number.wrapping_sub(1))) {
                *version = Value::Null;
            }
            Reply::Answer { status: 204, headers: Vec::new(), body: Vec::new() }
        }
        ("PUT", "PutLayerACL") => {
            assert_eq!(request.query, "public=true");
            state.public.push(name);
            Reply::Answer { status: 204, headers: Vec::new(), body: Vec::new() }
        }
        _ => trouble(400, "InvalidAction", action),
    }
}

fn found<'a>(state: &'a State, name: &str, number: usize) -> Option<&'a Value> {
    state.layers.get(name)?.get(number.checked_sub(1)?).filter(|version| !version.is_null())
}

fn create(state: &mut State, request: &Request, name: &str, host: &str) -> Reply {
    let mut body: Value = serde_json::from_slice(&request.body).expect("JSON");
    let zip = match body["code"]["zipFile"].as_str() {
        Some(text) => BASE64.decode(text).expect("base64"),
        None => {
            let bucket = body["code"]["ossBucketName"].as_str().expect("a bucket");
            let key = body["code"]["ossObjectName"].as_str().expect("an object");
            match state.objects.get(&format!("/{bucket}/{key}")) {
                Some(zip) => zip.clone(),
                None => return trouble(400, "InvalidArgument", "no such object"),
            }
        }
    };
    let arn = state.arn.clone();
    let all = state.layers.entry(name.to_owned()).or_default();
    let number = all.len() + 1;
    body.as_object_mut().expect("an object").remove("code");
    body["version"] = json!(number);
    body["layerName"] = json!(name);
    body["codeSize"] = json!(zip.len());
    body["layerVersionArn"] =
        json!(arn.unwrap_or_else(|| format!("acs:fc:{host}:123:layers/{name}/versions/{number}")));
    all.push(body.clone());
    if state.lose > 0 {
        state.lose -= 1;
        return Reply::Hangup;
    }
    Reply::json(200, &body)
}

/// Pages of two at most, newest first.
fn list(state: &State, request: &Request, name: &str) -> Reply {
    if !state.circle.is_empty() {
        let next = state.circle[state.log.len() % state.circle.len()];
        return Reply::json(200, &json!({"layers": [], "nextVersion": next}));
    }
    let Some(all) = state.layers.get(name) else { return trouble(404, "LayerNotFound", "no such layer") };
    let start = request.query.split('&').find_map(|pair| pair.strip_prefix("startVersion=")?.parse().ok());
    let numbers = all.iter().rev().filter(|version| !version.is_null());
    let rest: Vec<_> =
        numbers.filter(|it| start.is_none_or(|start: u64| it["version"].as_u64() <= Some(start))).collect();
    let mut page = json!({"layers": rest.iter().take(2).collect::<Vec<_>>()});
    if let Some(next) = rest.get(2) {
        page["nextVersion"] = next["version"].clone();
    }
    Reply::json(200, &page)
}

fn object(state: &mut State, request: &Request, authorization: &str) -> Reply {
    let scope = authorization.split("Credential=LTAItest/").nth(1).unwrap_or_default();
    let region = scope.split('/').nth(1).unwrap_or_default();
    let signed = |name: &String| name.starts_with("x-oss-") || name == "content-type" || name == "content-md5";
    let headers: BTreeMap<_, _> = request.headers.clone().into_iter().filter(|(name, _)| signed(name)).collect();
    let ours = oss4::Request { method: &request.method, resource: &request.path, headers: &headers, region };
    let token = request.headers.get("x-oss-security-token") == state.token.as_ref();
    if !token || oss4::sign(&ours, &Credentials::new("LTAItest", SECRET, None)) != authorization {
        let body = "<Error><Code>SignatureDoesNotMatch</Code><Message>it does not</Message></Error>";
        return Reply::Answer { status: 403, headers: Vec::new(), body: body.into() };
    }
    state.log.push(format!("{} object", request.method));
    let status = match request.method.as_str() {
        "HEAD" if !state.objects.contains_key(&request.path) => 404,
        "PUT" => {
            state.objects.insert(request.path.clone(), request.body.clone());
            200
        }
        _ => 200,
    };
    Reply::Answer { status, headers: Vec::new(), body: Vec::new() }
}
