//! Small work: a step that sleeps, a layer that hangs.

use std::fs;
use std::path::Path;
use std::process::Command;

use xtask::source::Store;

use crate::checkout::{Checkout, SOURCES};
use crate::tool::{BUSY_LIMIT, KILLS, Place, wait};

/// A step that starts another process and waits, as `make` does.
const SLOW: &str = r#"["sh", "-c", "touch {work}/begun; sleep 61 & sleep 62; true"]"#;

/// A checkout whose library takes a minute to compile, with its archives in the cache of a place.
fn slow_checkout(place: &Place) -> Checkout {
    let checkout = Checkout::real();
    checkout.write_recipe("lib", &format!("platform = \"target\"\nsteps = [{{ run = {{ argv = {SLOW} }} }}]\n"));
    let store = Store::new(place.cache());
    for (recipe, files) in SOURCES {
        let (sha256, archive) = checkout.pack(recipe, files);
        let path = store.path(&sha256);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::copy(archive, path).expect("a copy");
    }
    checkout
}

/// What `verify` starts, which builds a checkout that the program was not compiled in.
fn order(place: &Place, checkout: &Checkout) -> String {
    let file = place.path().join("order.json");
    let order = serde_json::json!({
        "checkout": checkout.path(), "cache": place.cache(), "reversed": false,
        "arguments": ["build-layer", "app@1.0", "--offline", "--jobs", "2"],
    });
    fs::write(&file, order.to_string()).expect("a file");
    file.display().to_string()
}

#[test]
fn a_step_ends_with_the_tool_and_its_folder_goes() {
    let place = Place::new();
    let checkout = slow_checkout(&place);
    let order = order(&place, &checkout);
    let begun = || {
        let works = fs::read_dir(place.cache().join("work")).into_iter().flatten().flatten();
        works.into_iter().any(|work| work.path().join("begun").exists())
    };
    for kill in KILLS {
        let mut run = place.begin(&["verify-build", &order]);
        wait("the step begins", || {
            assert!(run.runs(), "{}", run.log());
            begun()
        });
        let id = run.id();
        assert!(place.left(Some(id)).len() >= 3, "the tool, its guard and the step: {:?}", place.left(Some(id)));
        run.kill(kill, BUSY_LIMIT);
        // The guard had less than a second for it; the next run has all the time it needs.
        if !place.leftovers().is_empty() {
            eprintln!("{kill:?} left {:?}", place.leftovers());
        }
    }
    let step = r#"["sh", "-c", "touch {out}/lib.a"]"#;
    checkout.replace("recipes/lib/recipe.toml", SLOW, step);
    let output = place.run(&["verify-build", &order]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(place.leftovers().is_empty(), "{:?}", place.leftovers());
    assert_eq!(fs::read_dir(checkout.path().join("dist")).expect("dist").count(), 2, "a zip and its record");
}

#[test]
fn a_layer_that_hangs_ends_with_the_tool_and_its_root_goes() {
    let place = Place::new();
    let layer = place.path().join("layer");
    fs::create_dir_all(layer.join("bin")).expect("a folder");
    hanging_program(&layer.join("bin/mediainfo"));
    let layer = layer.display().to_string();
    let hangs = || place.left(None).iter().any(|left| left.argv.contains("bin/mediainfo"));
    for kill in KILLS {
        let mut run = place.begin(&["smoke", &layer]);
        wait("it runs", || {
            assert!(run.runs(), "{}", run.log());
            hangs()
        });
        run.kill(kill, BUSY_LIMIT);
        let output = place.run(&["list"]);
        assert!(output.status.success());
        assert!(place.leftovers().is_empty(), "{:?}", place.leftovers());
    }
}

/// A program that does nothing for ever, whatever its arguments are.
fn hanging_program(path: &Path) {
    let source = path.with_extension("c");
    fs::write(&source, "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n").expect("a file");
    let compiled = Command::new("cc").arg("-o").arg(path).arg(&source).status().expect("cc");
    assert!(compiled.success());
    fs::remove_file(source).expect("removed");
}

#[test]
fn what_a_run_left_when_the_guard_was_killed_too_goes_with_the_next_run() {
    let place = Place::new();
    let checkout = slow_checkout(&place);
    let mut run = place.begin(&["verify-build", &order(&place, &checkout)]);
    wait("the step begins", || {
        assert!(run.runs(), "{}", run.log());
        place.leftovers().iter().any(|work| work.join("begun").exists())
    });
    for folder in ["media-layers.smoke.left", "media-layers.verify.left/deep"] {
        fs::create_dir_all(place.temporary().join(folder)).expect("a folder");
    }
    run.crash();
    assert_eq!(place.leftovers().len(), 3, "{:?}", place.leftovers());
    checkout.replace("recipes/lib/recipe.toml", SLOW, r#"["sh", "-c", "touch {out}/lib.a"]"#);
    assert!(place.run(&["verify-build", &order(&place, &checkout)]).status.success());
    assert!(place.leftovers().is_empty(), "{:?}", place.leftovers());
}
