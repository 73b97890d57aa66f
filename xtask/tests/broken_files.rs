//! What a user sees when a file of the checkout is broken: the file, the place, the remedy.

mod checkout;

use std::collections::BTreeMap;

use checkout::Checkout;
use xtask::catalog::Catalog;
use xtask::error::InvalidInput;
use xtask::model::Arch;
use xtask::plan::{Override, Request, resolve};

/// The error of planning layer `app`, with the checkout's folder cut out. It must be one of exit code 2.
fn error(checkout: &Checkout) -> String {
    error_of(checkout, "app", None, &[])
}

fn error_of(checkout: &Checkout, layer: &str, version: Option<&str>, overrides: &[&str]) -> String {
    let planned = Catalog::load(checkout.path()).and_then(|catalog| {
        let own = |name: &&str| {
            let own = Override { folder: "/src".into(), tree: xtask::model::Sha256::of("tree") };
            (name.parse().expect("a name"), own)
        };
        let request = Request {
            layer: layer.parse()?,
            version: version.map(str::parse).transpose()?,
            archs: vec![Arch::X86_64],
            builder: Arch::X86_64,
            overrides: overrides.iter().map(own).collect::<BTreeMap<_, _>>(),
        };
        resolve(&catalog, &request)
    });
    let error = planned.expect_err("an error");
    assert!(error.chain().any(|cause| cause.is::<InvalidInput>()), "exit code 2 for: {error:#}");
    format!("{error:#}").replace(&format!("{}/", checkout.path().display()), "")
}

#[test]
fn unknown_key_is_shown_with_line_and_caret() {
    let checkout = Checkout::new();
    checkout.replace("recipes/lib/recipe.toml", "homepage", "home-page");
    assert_eq!(
        error(&checkout),
        r#"cannot use recipes/lib/recipe.toml
TOML parse error at line 3, column 1
  |
3 | home-page = "https://example.org"
  | ^^^^^^^^^
unknown field `home-page`, expected one of `name`, `summary`, `homepage`, `license`, `upstream`, `platform`, `programs`, `tools`, `needs`, `files-of`, `grouped`, `versions`, `steps`
"#
    );
}

#[test]
fn values_are_checked_where_they_stand() {
    let checkout = Checkout::new();
    checkout.replace("recipes/lib/recipe.toml", "https://example.org/lib", "http://example.org/lib");
    assert_eq!(
        error(&checkout),
        r#"cannot use recipes/lib/recipe.toml
TOML parse error at line 17, column 11
   |
17 | origins = ["http://example.org/lib-1.0.tar.gz"]
   |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`http://example.org/lib-1.0.tar.gz` is not an origin: expected `https://…`, `debian:pool/…` or `pypi:project/file`
"#
    );
    checkout.replace("recipes/lib/recipe.toml", "http:", "https:");
    checkout.replace("recipes/lib/recipe.toml", &"a".repeat(64), "abc");
    assert!(error(&checkout).contains("`abc` is not a SHA-256 digest: expected 64 lower-case hexadecimal digits"));
}

#[test]
fn a_recipe_must_lie_in_its_own_folder() {
    let checkout = Checkout::new();
    checkout.replace("recipes/lib/recipe.toml", "name = \"lib\"", "name = \"other\"");
    assert_eq!(error(&checkout), "in recipes/lib/recipe.toml: the name is `other`, the place says `lib`");
}

#[test]
fn what_is_needed_must_be_there() {
    let checkout = Checkout::new();
    checkout.replace("recipes/app/recipe.toml", "needs = [\"lib\"]", "needs = [\"libx\"]");
    assert_eq!(
        error(&checkout),
        "in recipes/app/recipe.toml: there is no recipe `libx`\n\nhint: did you mean `lib`? known recipes are `app`, `lib`, `zig`"
    );
    checkout.replace("recipes/app/recipe.toml", "\"libx\"", "\"lib@2.0\"");
    assert_eq!(error(&checkout), "in recipes/app/recipe.toml: `lib@2.0` is needed, but that recipe has no version 2.0");
}

#[test]
fn circles_are_shown_whole() {
    let checkout = Checkout::new();
    checkout.replace("recipes/lib/recipe.toml", "platform = \"target\"", "platform = \"target\"\nneeds = [\"app\"]");
    assert_eq!(error(&checkout), "recipes need each other in a circle: `app` needs `lib` needs `app`");
}

#[test]
fn patches_must_be_there() {
    let checkout = Checkout::new();
    checkout.replace("recipes/lib/recipe.toml", "version = \"1.0\"", "version = \"1.0\"\npatches = [\"0001-x.patch\"]");
    assert_eq!(error(&checkout), "in recipes/lib/recipe.toml: the patch `patches/0001-x.patch` is not there");
}

#[test]
fn braces_must_mean_something() {
    let checkout = Checkout::new();
    checkout.replace("recipes/app/recipe.toml", "{needs:lib}", "{needs:zlib}");
    let text = error(&checkout);
    let start = "in recipes/app/recipe.toml: `{needs:zlib}` in `{needs:zlib}/lib.a` means nothing\n\nhint: it can be ";
    assert!(text.starts_with(start), "{text}");
    assert!(text.ends_with("`{needs:lib}`, `{tool:zig}`"), "{text}");
}

#[test]
fn several_archives_need_a_tree_digest() {
    let checkout = Checkout::new();
    let second = "[[versions.sources.archives]]\nroot = \"x\"\nsize = 1\nsha256 = \"bb\"\norigins = [\"https://example.org/x\"]\n"
        .replace("bb", &"b".repeat(64));
    let file = "recipes/lib/recipe.toml";
    checkout.replace(file, "[[versions.sources.archives]]", &format!("{second}\n[[versions.sources.archives]]"));
    assert_eq!(
        error(&checkout),
        "in recipes/lib/recipe.toml: version 1.0 can come from several archives, so it needs a `tree` digest that proves them equal"
    );
}

#[test]
fn layers_and_versions_are_looked_up() {
    let checkout = Checkout::new();
    assert_eq!(
        error_of(&checkout, "ap", None, &[]),
        "there is no layer `ap`\n\nhint: did you mean `app`? known layers are `app`"
    );
    assert_eq!(error_of(&checkout, "app", Some("2.0"), &[]), "recipe `app` has no version 2.0\n\nhint: it has `1.0`");
    assert_eq!(
        error_of(&checkout, "app", None, &["zlib"]),
        "in `--override`: there is no recipe `zlib`\n\nhint: did you mean `lib`? known recipes are `app`, `lib`, `zig`"
    );
    checkout.write_recipe("other", "platform = \"any\"");
    assert_eq!(
        error_of(&checkout, "app", None, &["other"]),
        "`--override other=…` has no effect: layer `app` does not use it"
    );
    checkout.write(
        "layers/app.toml",
        "name = \"app\"\nsummary = \"\"\nrecipe = \"zlib\"\nsmoke = \"mediainfo\"\nfiles = []\n",
    );
    assert!(error(&checkout).starts_with("in layers/app.toml: there is no recipe `zlib`"));
}

#[test]
fn a_target_older_than_the_floor_is_refused() {
    let checkout = Checkout::new();
    checkout.replace("docker/targets.toml", "glibc = \"2.26\"", "glibc = \"2.12\"");
    assert_eq!(error(&checkout), "in docker/targets.toml: target `al2` has glibc 2.12, older than the floor 2.17");
}
