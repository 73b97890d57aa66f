//! Who we are for Alibaba Cloud.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use xtask::error::invalid;

/// An access key.
#[derive(Clone)]
pub struct Credentials {
    /// Its identifier, which is no secret.
    pub id: String,
    secret: String,
    /// Goes with keys that end.
    token: Option<String>,
}

/// Nobody who prints this may see the secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What `aliyun configure` writes: one of several profiles.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    current: String,
    #[serde(default)]
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    name: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    access_key_id: String,
    #[serde(default)]
    access_key_secret: String,
    #[serde(default)]
    sts_token: String,
}

impl Credentials {
    /// An access key.
    pub fn new(id: &str, secret: &str, token: Option<&str>) -> Credentials {
        Credentials { id: id.to_owned(), secret: secret.to_owned(), token: token.map(str::to_owned) }
    }

    /// The secret, to sign with.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The token that goes with the key.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// What must never be shown.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.secret.as_str()).chain(self.token())
    }

    /// Finds credentials in the environment, or else in the file of Alibaba Cloud's command line.
    ///
    /// # Errors
    /// If there are none.
    pub fn find() -> Result<Credentials> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let id = variable("ALIBABA_CLOUD_ACCESS_KEY_ID");
        if let (Some(id), Some(secret)) = (id, variable("ALIBABA_CLOUD_ACCESS_KEY_SECRET")) {
            let token = variable("ALIBABA_CLOUD_SECURITY_TOKEN");
            return Ok(Credentials::new(&id, &secret, token.as_deref()));
        }
        let file = variable("HOME").map(|home| PathBuf::from(home).join(".aliyun/config.json"));
        if let Some(file) = file.filter(|file| file.exists()) {
            return Credentials::of_file(&file, variable("ALIBABA_CLOUD_PROFILE").as_deref());
        }
        Err(invalid(
            "there are no credentials for Alibaba Cloud\n\nhint: set `ALIBABA_CLOUD_ACCESS_KEY_ID` and \
             `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, run `aliyun configure`, or see docs/publishing.md",
        ))
    }

    fn of_file(path: &Path, profile: Option<&str>) -> Result<Credentials> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        // The error names the place where the JSON is broken, but not the text there: it may be a secret.
        let file: File = serde_json::from_str(&text).map_err(|error| {
            invalid(format!("{}: broken at line {}, column {}", path.display(), error.line(), error.column()))
        })?;
        let name = profile.unwrap_or(&file.current);
        let said = |what: &str| invalid(format!("{}: {what}", path.display()));
        let profile = file.profiles.iter().find(|profile| profile.name == name);
        let profile = profile.ok_or_else(|| said(&format!("there is no profile `{name}`")))?;
        if !["AK", "StsToken"].contains(&profile.mode.as_str()) {
            let mode = &profile.mode;
            return Err(said(&format!(
                "profile `{name}` is of mode `{mode}`, and only `AK` and `StsToken` can be used\n\n\
                 hint: set `ALIBABA_CLOUD_ACCESS_KEY_ID` and `ALIBABA_CLOUD_ACCESS_KEY_SECRET`"
            )));
        }
        let token = Some(profile.sts_token.as_str()).filter(|token| !token.is_empty());
        Ok(Credentials::new(&profile.access_key_id, &profile.access_key_secret, token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, profile: Option<&str>) -> Result<Credentials> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.json");
        std::fs::write(&path, text).expect("written");
        Credentials::of_file(&path, profile)
    }

    const FILE: &str = r#"{"current": "work", "profiles": [
        {"name": "work", "mode": "StsToken", "access_key_id": "STS.a", "access_key_secret": "hush", "sts_token": "t"},
        {"name": "home", "mode": "AK", "access_key_id": "LTAIb", "access_key_secret": "hush"},
        {"name": "role", "mode": "EcsRamRole"}], "meta_path": ""}"#;

    #[test]
    fn the_current_profile_or_a_named_one() {
        let work = of(FILE, None).expect("a profile");
        assert_eq!((work.id.as_str(), work.secret(), work.token()), ("STS.a", "hush", Some("t")));
        let home = of(FILE, Some("home")).expect("a profile");
        assert_eq!((home.id.as_str(), home.token()), ("LTAIb", None));
        assert!(of(FILE, Some("none")).expect_err("unknown").to_string().ends_with("there is no profile `none`"));
        let error = of(FILE, Some("role")).expect_err("unsupported").to_string();
        assert!(error.contains("is of mode `EcsRamRole`"), "{error}");
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(format!("{:?}", of(FILE, None).expect("a profile")), r#"Credentials { id: "STS.a", .. }"#);
        let error = format!("{:#}", of(r#"{"profiles": "hush"}"#, None).expect_err("broken"));
        assert!(error.contains("broken at line 1") && !error.contains("hush"), "{error}");
    }
}
