//! Answers of the last hour, kept in the cache.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::Sha256;

/// How long an answer counts.
const AGE: Duration = Duration::from_secs(3600);

/// Raised when the meaning of kept answers changes.
const FORMAT: &str = "1";

/// Answers by what was asked. Whatever goes wrong with a file only means that the question is asked again.
#[derive(Debug, Clone)]
pub struct Memory {
    folder: PathBuf,
}

impl Memory {
    /// In the folder `fresh` of a cache.
    pub fn new(cache: &std::path::Path) -> Memory {
        Memory { folder: cache.join("fresh") }
    }

    /// The answer to that question, if there was one within the hour.
    pub fn recall<T: DeserializeOwned>(&self, question: &str) -> Option<T> {
        let file = self.file(question);
        // A time in the future comes from another clock.
        let age = fs::metadata(&file).ok()?.modified().ok()?.elapsed().ok()?;
        if age > AGE {
            return None;
        }
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    /// Keeps an answer.
    pub fn keep(&self, question: &str, answer: &impl Serialize) {
        let _ = self.write(question, answer);
    }

    fn write(&self, question: &str, answer: &impl Serialize) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(answer)?)?;
        file.persist(self.file(question))?;
        Ok(())
    }

    fn file(&self, question: &str) -> PathBuf {
        self.folder.join(format!("{}.json", Sha256::of(format!("{FORMAT} {question}"))))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn answers_count_for_an_hour() {
        let cache = tempfile::tempdir().expect("a folder");
        let memory = Memory::new(cache.path());
        assert_eq!(memory.recall::<u32>("how many"), None);
        memory.keep("how many", &3);
        assert_eq!(memory.recall::<u32>("how many"), Some(3));
        assert_eq!(memory.recall::<String>("how many"), None, "another kind of answer");
        let set = |time: SystemTime| {
            fs::File::options()
                .write(true)
                .open(memory.file("how many"))
                .and_then(|file| file.set_modified(time))
                .expect("a time");
        };
        set(SystemTime::now() - AGE - Duration::from_secs(60));
        assert_eq!(memory.recall::<u32>("how many"), None, "too old");
        set(SystemTime::now() + AGE);
        assert_eq!(memory.recall::<u32>("how many"), None, "from the future");
        fs::write(memory.file("how many"), "no JSON").expect("a file");
        assert_eq!(memory.recall::<u32>("how many"), None);
    }
}
