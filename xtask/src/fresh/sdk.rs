//! What the clouds' own libraries for Python say about runtimes and regions.
//!
//! AWS's `botocore` carries the model of every service and the endpoints of every region. Alibaba Cloud's
//! `alibabacloud-fc20230330` carries the endpoints of Function Compute, and names the runtimes in the remark above a
//! field; its documents themselves are pages for people, which no program can rely on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write as _};

use serde::{Deserialize, Serialize};

use crate::archive::zip::Zip;

/// What a library knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sdk {
    /// Its name and version.
    pub library: String,
    /// The runtimes that a function can have had since the service began.
    pub runtimes: BTreeSet<String>,
    /// The regions that have the service, by partition.
    pub regions: BTreeMap<String, BTreeSet<String>>,
}

/// The longest file that is read from a library, unpacked.
const LONGEST: u64 = 32 << 20;

/// AWS's partitions that no layer of ours can be published to: networks of their own, without the internet.
const CLOSED: &str = "aws-iso";

fn open(bytes: &[u8]) -> Result<Zip, String> {
    let open = || -> anyhow::Result<Zip> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        Zip::open(file)
    };
    open().map_err(|error| format!("it is not a wheel: {error:#}"))
}

fn content(wheel: &Zip, name: &str) -> Result<Vec<u8>, String> {
    let entry = wheel.entries().iter().find(|entry| entry.path == name);
    limited(wheel.read(entry.ok_or_else(|| format!("`{name}` is not in it"))?), name)
}

fn limited(reader: impl Read, name: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = reader.take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("`{name}` in it cannot be unpacked: {error}"))?;
    if bytes.len() as u64 > LONGEST { Err(format!("`{name}` in it is longer than {LONGEST} bytes")) } else { Ok(bytes) }
}

/// Only what can be the name of a runtime or a region is taken, so that nothing else is ever shown.
fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

#[derive(Deserialize)]
struct Model {
    shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
struct Shape {
    #[serde(default, rename = "enum")]
    values: Vec<String>,
}

#[derive(Deserialize)]
struct Endpoints {
    partitions: Vec<Partition>,
}

#[derive(Deserialize)]
struct Partition {
    partition: String,
    regions: BTreeMap<String, serde::de::IgnoredAny>,
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    endpoints: BTreeMap<String, serde::de::IgnoredAny>,
}

/// What a wheel of botocore says about Lambda.
pub fn of_aws(wheel: &[u8]) -> Result<Sdk, String> {
    let wheel = open(wheel)?;
    let name = "botocore/data/lambda/2015-03-31/service-2.json.gz";
    let packed = content(&wheel, name)?;
    let model = limited(flate2::read::GzDecoder::new(packed.as_slice()), name)?;
    let model: Model = serde_json::from_slice(&model).map_err(|error| format!("`{name}` in it: {error}"))?;
    let runtimes = model.shapes.get("Runtime").map(|shape| shape.values.clone()).unwrap_or_default();
    let runtimes: BTreeSet<String> = runtimes.into_iter().filter(|runtime| is_name(runtime)).collect();
    if runtimes.is_empty() {
        return Err(format!("`{name}` in it lists no runtime"));
    }
    let name = "botocore/data/endpoints.json";
    let endpoints: Endpoints =
        serde_json::from_slice(&content(&wheel, name)?).map_err(|error| format!("`{name}` in it: {error}"))?;
    let mut regions = BTreeMap::new();
    for partition in endpoints.partitions {
        if partition.partition.starts_with(CLOSED) || !is_name(&partition.partition) {
            continue;
        }
        let served = partition.services.get("lambda").map(|service| &service.endpoints);
        // Endpoints for the FIPS standard look like regions and are none.
        let served = served.into_iter().flatten().map(|(name, _)| name);
        let served = served.filter(|name| partition.regions.contains_key(*name) && is_name(name)).cloned().collect();
        regions.insert(partition.partition, served);
    }
    Ok(Sdk { library: String::new(), runtimes, regions })
}

/// What a wheel of Function Compute's library says.
pub fn of_aliyun(wheel: &[u8]) -> Result<Sdk, String> {
    let wheel = open(wheel)?;
    let names = wheel.entries().iter().map(|entry| entry.path.as_str());
    let names: Vec<&str> = names.filter(|name| name.ends_with(".py")).take(5000).collect();
    let (mut runtimes, mut regions) = (BTreeSet::new(), BTreeSet::new());
    for name in names {
        let text = content(&wheel, name)?;
        let text = String::from_utf8_lossy(&text);
        if name.ends_with("/client.py") {
            regions.extend(endpoint_map(&text));
        }
        if runtimes.is_empty() && name.contains("/models/") {
            runtimes.extend(runtimes_in_remark(&text));
        }
    }
    if regions.is_empty() {
        return Err("its `client.py` has no map of endpoints".to_owned());
    }
    Ok(Sdk { library: String::new(), runtimes, regions: [("aliyun".to_owned(), regions)].into() })
}

/// The keys of `self._endpoint_map = { 'REGION': 'ENDPOINT', … }`.
fn endpoint_map(text: &str) -> BTreeSet<String> {
    let map =
        text.split_once("_endpoint_map = {").and_then(|(_, rest)| rest.split_once('}')).map_or("", |(map, _)| map);
    let regions = map.split(',').filter_map(|pair| pair.split_once(':'));
    regions.map(|(region, _)| region.trim().trim_matches(['\'', '"']).to_owned()).filter(|name| is_name(name)).collect()
}

/// The names in `runtime environments include: NAME, NAME, and NAME.`
fn runtimes_in_remark(text: &str) -> BTreeSet<String> {
    let mark = "runtime environments include: ";
    let list = text.split_once(mark).and_then(|(_, rest)| rest.lines().next()).unwrap_or_default();
    let names = list.trim_end_matches('.').split(',');
    names.map(|name| name.trim().trim_start_matches("and ").to_owned()).filter(|name| is_name(name)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn wheel(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("an entry");
            zip.write_all(bytes).expect("written");
        }
        zip.finish().expect("a zip").into_inner()
    }

    fn gz(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).expect("packed");
        encoder.finish().expect("packed")
    }

    const SERVICE: &str = "botocore/data/lambda/2015-03-31/service-2.json.gz";
    const ENDPOINTS: &str = "botocore/data/endpoints.json";

    #[test]
    fn botocore_knows_runtimes_and_regions() {
        let model = gz(
            r#"{"shapes": {"Runtime": {"type": "string", "enum": ["nodejs24.x", "python3.14", "\u001b[2J"]}, "Other": {"type": "list"}}}"#,
        );
        let endpoints = br#"{"version": 3, "partitions": [
            {"partition": "aws", "regions": {"eu-west-1": {}, "me-west-1": {}},
             "services": {"lambda": {"endpoints": {"eu-west-1": {}, "fips-us-east-1": {}}}, "s3": {}}},
            {"partition": "aws-iso", "regions": {"us-iso-east-1": {}}, "services": {}}]}"#;
        let sdk = of_aws(&wheel(&[(SERVICE, &model), (ENDPOINTS, endpoints)])).expect("a model");
        assert_eq!(sdk.runtimes.iter().collect::<Vec<_>>(), ["nodejs24.x", "python3.14"]);
        assert_eq!(sdk.regions, [("aws".to_owned(), ["eu-west-1".to_owned()].into())].into());
    }

    #[test]
    fn broken_wheels_are_errors() {
        let model = gz(r#"{"shapes": {"Runtime": {"enum": ["a"]}}}"#);
        for (bytes, expected) in [
            (b"no zip".to_vec(), "it is not a wheel"),
            (wheel(&[]), "service-2.json.gz` is not in it"),
            (wheel(&[(SERVICE, b"no gzip")]), "cannot be unpacked"),
            (wheel(&[(SERVICE, &gz("[]"))]), "in it: invalid"),
            (wheel(&[(SERVICE, &gz(r#"{"shapes": {}}"#))]), "lists no runtime"),
            (wheel(&[(SERVICE, &gz(&" ".repeat(LONGEST as usize + 1)))]), "longer than"),
            (wheel(&[(SERVICE, &model), (ENDPOINTS, br#"{"partitions": 3}"#)]), "endpoints.json` in it: invalid type"),
        ] {
            let error = of_aws(&bytes).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
        assert!(of_aliyun(&wheel(&[("x/client.py", b"class Client:\n")])).is_err());
    }

    #[test]
    fn function_compute_names_both_in_its_source() {
        let client = b"    self._endpoint_map = {\n        'cn-beijing': 'fcv3.cn-beijing.aliyuncs.com',\n        'us-east-1': 'x'\n    }\n";
        let model =
            b"    # Currently supported runtime environments include: nodejs20, python3.12, and custom.debian12.\n";
        let sdk = of_aliyun(&wheel(&[("x/client.py", client), ("x/models/_function.py", model)])).expect("a library");
        assert_eq!(sdk.regions["aliyun"].iter().collect::<Vec<_>>(), ["cn-beijing", "us-east-1"]);
        assert_eq!(sdk.runtimes.iter().collect::<Vec<_>>(), ["custom.debian12", "nodejs20", "python3.12"]);
    }
}
