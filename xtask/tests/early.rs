//! What would make long work useless is noticed before it.

mod checkout;

use std::process::Command;

use checkout::Checkout;

/// Makes a checkout unusable.
type Spoil = fn(&Checkout);

#[test]
fn an_unusable_dist_is_noticed_before_anything_is_fetched_or_compiled() {
    let ways: [(&str, Spoil); 4] = [
        ("dist", |checkout| checkout.write("dist", "not a folder")),
        ("dist", |checkout| std::os::unix::fs::symlink("nowhere", checkout.path().join("dist")).expect("a link")),
        ("app-1.0-x86_64.zip`: it is a folder", |checkout| checkout.write("dist/app-1.0-x86_64.zip/file", "")),
        ("app-1.0-x86_64.json`: it is a folder", |checkout| checkout.write("dist/app-1.0-x86_64.json/file", "")),
    ];
    for (named, spoil) in ways {
        let checkout = Checkout::real();
        spoil(&checkout);
        let order = serde_json::json!({
            "checkout": checkout.path(), "cache": checkout.cache(), "reversed": false,
            "arguments": ["build-layer", "app@1.0", "--arch", "x86_64", "--offline"],
        });
        checkout.write("order.json", &order.to_string());
        let order = checkout.path().join("order.json");
        // What `verify` starts, as only that builds a checkout which the program was not compiled in.
        let output =
            Command::new(env!("CARGO_BIN_EXE_xtask")).arg("verify-build").arg(order).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with("error: cannot write `") && said.contains(named), "{said}");
        // The archives are missing too, which would have been said next.
        assert!(!checkout.cache().exists(), "something was begun");
    }
}
