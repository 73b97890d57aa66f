//! Writes the inputs to begin with: `seeds FOLDER TARGET…` puts those of each target into a folder of its name.

use std::path::Path;
use std::{env, fs, io};

use xtask::model::Sha256;

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().expect("usage: seeds FOLDER TARGET…");
    for target in arguments {
        let folder = Path::new(&folder).join(&target);
        fs::create_dir_all(&folder)?;
        let seeds = fuzz_checks::seeds::of(&target);
        for seed in &seeds {
            fs::write(folder.join(Sha256::of(seed).to_string()), seed)?;
        }
        println!("{target}: {} inputs to begin with", seeds.len());
    }
    Ok(())
}
