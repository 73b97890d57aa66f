//! Publishing that is killed and started again. Needs `ci/test-publish`.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::checkout::Checkout;
use crate::support::moto::Moto;
use crate::support::proxy::Proxy;
use crate::support::{command, run};

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn killed_at_twenty_moments_it_still_makes_one_version_in_each_region() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, Duration::from_millis(50), &[]);
    let checkout = Checkout::with(&["mediainfo"]);
    let regions = publish::model::Regions::load(checkout.root()).expect("regions");
    let regions: Vec<_> = regions.of(publish::model::Partition::Aws).take(30).map(|it| it.name.clone()).collect();
    let list = regions.join(",");
    let arguments = |arch| ["publish", "mediainfo", "--arch", arch, "--region", &list, "--public"];

    let begun = Instant::now();
    run(checkout.root(), &proxy.url, &arguments("x86_64")).done();
    let whole = begun.elapsed();

    let mut interrupted = 0;
    for _ in 0..20 {
        let mut child = command(checkout.root(), &proxy.url, &arguments("arm64"))
            .env("PUBLISH_TEST_SETTLE", "3000")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        std::thread::sleep(whole.mul_f64(fastrand::f64()));
        interrupted += usize::from(child.try_wait().expect("a state").is_none());
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    assert!(interrupted >= 5, "only {interrupted} of 20 runs were killed before their end");
    let ran = command(checkout.root(), &proxy.url, &arguments("arm64")).env("PUBLISH_TEST_SETTLE", "3000").output();
    crate::support::Ran::of(ran.expect("started")).done();
    for region in &regions {
        assert_eq!(moto.versions(region, "mediainfo-arm64"), [1], "{region}");
    }
}
