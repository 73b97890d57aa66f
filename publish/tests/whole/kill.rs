//! Publishing that is killed and started again. Needs `ci/test-publish`.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::checkout::Checkout;
use crate::support::moto::Moto;
use crate::support::proxy::Proxy;
use crate::support::{Ran, command};
use publish::model::{Partition, Regions};
use xtask::model::Arch;

const KILLS: u64 = 20;

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn killed_at_twenty_moments_it_still_makes_one_version_in_each_region() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, Duration::from_millis(50), &[]);
    let checkout = Checkout::new();
    let regions = Regions::load(checkout.root()).expect("regions");
    let regions: Vec<_> = regions.of(Partition::Aws).take(30).map(|region| region.name.clone()).collect();
    let list = regions.join(",");
    let publish = || {
        let arguments = ["publish", "mediainfo", "--arch", "arm64", "--region", &list, "--public"];
        let mut command = command(checkout.root(), &proxy.url, &arguments);
        command.env("PUBLISH_TEST_SETTLE", "2000").stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let content = |round: u64| checkout.lock(&checkout.build("mediainfo", Arch::Arm64, &round.to_le_bytes()));

    content(0);
    let begun = Instant::now();
    Ran::of(publish().output().expect("started")).done();
    let mut whole = begun.elapsed();

    let (mut interrupted, mut round) = (0, 0);
    while interrupted < KILLS {
        round += 1;
        assert!(round <= 5 * KILLS, "only {interrupted} of {round} runs were killed before their end");
        content(round);
        let mut child = publish().spawn().expect("started");
        std::thread::sleep(whole.mul_f64(fastrand::f64()));
        match child.try_wait().expect("a state") {
            None => interrupted += 1,
            // It takes less time than it took on a busier machine.
            Some(_) => whole = whole.mul_f64(0.9),
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        Ran::of(publish().output().expect("started")).done();
    }
    let expected: Vec<u64> = (1..=round + 1).rev().collect();
    for region in &regions {
        assert_eq!(moto.versions(region, "mediainfo-arm64"), expected, "{region}");
    }
}
