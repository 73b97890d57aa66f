//! Requests that the official Python clients sent, captured: ours must be signed alike, byte for byte.

use std::collections::BTreeMap;

use super::{Credentials, acs3, encode, oss4};

const CAPTURED: &str = include_str!("../../tests/golden/alibaba-requests.tsv");

/// Method, path, query, body, headers and `Authorization`.
type Captured<'a> = (&'a str, &'a str, &'a str, &'a str, BTreeMap<String, String>, &'a str);

fn captured() -> Vec<Captured<'static>> {
    let line = |line: &'static str| {
        let fields: Vec<_> = line.split('\t').collect();
        let [method, path, query, body, headers, authorization] = fields[..] else { panic!("six fields: {line}") };
        let header = |text: &str| {
            let (name, value) = text.split_once(':').expect("a header");
            (name.to_owned(), value.to_owned())
        };
        (method, path, query, body, headers.split('\u{1}').map(header).collect(), authorization)
    };
    CAPTURED.lines().map(line).collect()
}

fn credentials() -> Credentials {
    Credentials::new("LTAItest", "SECRETtest", None)
}

#[test]
fn all_ten_captured_requests_are_signed_alike() {
    let mut signed = [0, 0];
    for (method, path, query, body, headers, authorization) in captured() {
        let ours = if authorization.starts_with("ACS3") {
            signed[0] += 1;
            let body = encode::sha256(body.as_bytes());
            assert_eq!(headers["x-acs-content-sha256"], body);
            acs3::sign(&acs3::Request { method, path, query, headers: &headers, body: &body }, &credentials())
        } else {
            signed[1] += 1;
            let request = oss4::Request { method, resource: path, headers: &headers, region: "cn-hangzhou" };
            oss4::sign(&request, &credentials())
        };
        assert_eq!(ours, authorization, "{method} {path}");
    }
    assert_eq!(signed, [7, 3]);
}

#[test]
fn paths_and_queries_are_written_as_captured() {
    assert_eq!(encode::path("/2023-03-30/layers/my layer/versions"), captured()[0].1);
    assert_eq!(encode::query(&[("startVersion", "1".to_owned()), ("limit", "100".to_owned())]), captured()[2].2);
    assert_eq!(encode::path("/bkt/layers/a b.zip"), captured()[7].1);
}

#[test]
fn another_key_signs_otherwise() {
    let (method, path, query, body, headers, authorization) = captured().swap_remove(3);
    let body = encode::sha256(body.as_bytes());
    let request = acs3::Request { method, path, query, headers: &headers, body: &body };
    assert_ne!(acs3::sign(&request, &Credentials::new("LTAItest", "SECRETtesu", None)), authorization);
}
