//! `regions`, and what it makes of what accounts see.

use crate::support::checkout::Checkout;
use crate::support::fc::Fake;
use crate::support::http::{Reply, serve};
use crate::support::run;
use publish::model::{Partition, Regions};
use serde_json::json;

#[test]
fn they_are_listed_by_cloud() {
    let checkout = Checkout::new();
    let ran = run(checkout.root(), "http://127.0.0.1:1", &["regions"]).done();
    assert!(ran.stdout.contains("af-south-1               Africa (Cape Town) (opt-in)\n"), "{}", ran.stdout);
    let ran = run(checkout.root(), "http://127.0.0.1:1", &["regions", "--cloud", "aliyun"]).done();
    assert!(ran.stdout.contains("cn-hangzhou              China (Hangzhou)\n"), "{}", ran.stdout);
}

#[test]
fn what_an_aws_account_sees_is_compared() {
    let checkout = Checkout::new();
    let known = Regions::load(checkout.root()).expect("regions");
    let status = |opt_in| if opt_in { "DISABLED" } else { "ENABLED_BY_DEFAULT" };
    let seen: Vec<_> = known
        .of(Partition::Aws)
        .map(|region| json!({"RegionName": region.name, "RegionOptStatus": status(region.opt_in)}))
        .collect();
    let check = |seen: Vec<serde_json::Value>| {
        // Two pages, as an account would see it.
        let url = serve(move |request| {
            let first = !String::from_utf8(request.body).expect("text").contains("NextToken");
            let (begin, rest) = seen.split_at(20);
            Reply::json(
                200,
                &if first { json!({"Regions": begin, "NextToken": "2"}) } else { json!({"Regions": rest}) },
            )
        });
        run(checkout.root(), &url, &["regions", "--check"])
    };
    check(seen.clone()).done();
    let mut other = seen;
    other[0]["RegionOptStatus"] = json!("ENABLED_BY_DEFAULT");
    other[33]["RegionName"] = json!("us-new-1");
    let ran = check(other);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        "af-south-1: `opt-in` should be false\n\
         us-new-1: the account sees it, and layers/regions.toml does not list it\n\
         us-west-2: layers/regions.toml lists it, and the account does not see it\n"
    );
}

#[test]
fn every_region_of_function_compute_is_asked() {
    let (checkout, fake) = (Checkout::new(), Fake::start());
    run(checkout.root(), &fake.url, &["regions", "--check", "--cloud", "aliyun"]).done();
    let known = Regions::load(checkout.root()).expect("regions");
    let asked = fake.with(|state| state.log.len());
    assert_eq!(asked, known.of(Partition::Aliyun).count());
}
