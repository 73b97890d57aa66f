//! Names of buckets: part of a host or of a path, so nothing that could lead elsewhere may be in one.

use std::str::FromStr;

use anyhow::Result;
use xtask::error::invalid;
use xtask::model::target::Cloud;

use super::Region;

/// The name of a bucket in every region: `{region}` stands for the region's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketName(String);

/// A text that is no name of a bucket in any cloud.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a bucket: it may hold `{{region}}`, letters, digits, `-`, `_` and `.`")]
pub struct InvalidBucketName(String);

impl FromStr for BucketName {
    type Err = InvalidBucketName;

    fn from_str(text: &str) -> Result<BucketName, InvalidBucketName> {
        let rest = text.replace("{region}", "");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if text.is_empty() || !rest.bytes().all(plain) {
            return Err(InvalidBucketName(text.to_owned()));
        }
        Ok(BucketName(text.to_owned()))
    }
}

impl BucketName {
    /// The bucket's name in `region`.
    ///
    /// # Errors
    /// If the region's cloud has no buckets of that name.
    pub fn in_region(&self, region: &Region) -> Result<String> {
        let name = self.0.replace("{region}", &region.name);
        let (known, rule): (fn(u8) -> bool, &str) = match region.partition.cloud() {
            // What Lambda takes; the oldest buckets have capitals and `_`.
            Cloud::Aws => {
                (|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte), "letters, digits, `-`, `_` and `.`")
            }
            // A `.` would be one in the host.
            Cloud::Aliyun => (
                |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-',
                "small letters, digits and `-`",
            ),
        };
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = name.as_bytes();
        let fits = (3..=63).contains(&bytes.len()) && bytes.iter().copied().all(known);
        if !fits || !ends(bytes.first()) || !ends(bytes.last()) || name.contains("..") {
            return Err(invalid(format!(
                "`{name}` is not the name of a bucket in {region}: one has 3 to 63 {rule}, and begins and ends with a \
                 letter or digit\n\nhint: check `--bucket`"
            )));
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Partition;

    fn region(partition: Partition) -> Region {
        let name = if partition == Partition::Aliyun { "cn-hangzhou" } else { "eu-west-1" }.to_owned();
        Region { name, partition, title: String::new(), opt_in: false, endpoint: None }
    }

    fn filled(name: &str, partition: Partition) -> Option<String> {
        name.parse::<BucketName>().ok()?.in_region(&region(partition)).ok()
    }

    #[test]
    fn names_are_filled_in() {
        assert_eq!(filled("zips-{region}", Partition::Aws).as_deref(), Some("zips-eu-west-1"));
        assert_eq!(filled("zips-{region}", Partition::Aliyun).as_deref(), Some("zips-cn-hangzhou"));
        assert_eq!(filled("Old_bucket.1", Partition::Aws).as_deref(), Some("Old_bucket.1"));
    }

    #[test]
    fn no_name_leads_to_another_host_or_path() {
        for name in [
            "evil.test:443#",
            "evil.test/",
            "evil.test?",
            "user@evil",
            "user:word@evil",
            "a\\b",
            "a%2fb",
            "a b",
            "",
            "ab",
            "evil.test",
            "..",
            "a..b",
            "-abc",
            "abc-",
            ".abc",
            "{Region}-x",
            "{region",
            "a\nb",
            "é-bucket",
            "ABC",
            "a_b",
        ] {
            assert_eq!(filled(name, Partition::Aliyun), None, "{name}");
        }
        for name in ["evil.test:443#", "a/b", "..", "a..b", "a@b", "abc.", &"a".repeat(64)] {
            assert_eq!(filled(name, Partition::Aws), None, "{name}");
        }
    }
}
