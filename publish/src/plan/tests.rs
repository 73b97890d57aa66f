use std::path::PathBuf;

use super::*;
use crate::order::tests::order;

fn version(number: u64, content: &str) -> Version {
    let description = crate::model::version::description("a tool", "1.2", Sha256::of(content));
    Version { number, arn: format!("arn:{number}"), description }
}

fn details(order: &Order, number: u64) -> Details {
    Details {
        version: Version { number, arn: format!("arn:{number}"), description: order.description.clone() },
        sha256: Some(order.sha256),
        size: order.size,
        runtimes: order.runtimes.iter().cloned().collect(),
        architectures: Some([order.arch.name().to_owned()].into()),
        license: order.license.clone(),
    }
}

fn public() -> SharingAndRetention {
    SharingAndRetention { audience: [Audience::Public].into(), keep: None }
}

#[test]
fn nothing_there_means_create_and_share() {
    let order = order(PathBuf::new(), b"zip");
    let plan = decide(&order, &Observed::default(), &public());
    assert_eq!(plan.actions, [Action::Create, Action::Permit(Audience::Public)]);
    assert_eq!(plan.present, None);
}

#[test]
fn what_is_there_is_not_made_again() {
    let order = order(PathBuf::new(), b"zip");
    let mut observed = Observed {
        versions: vec![version(2, "other"), version(1, "zip")],
        present: Some(details(&order, 1)),
        ..Observed::default()
    };
    let plan = decide(&order, &observed, &public());
    assert_eq!(plan.actions, [Action::Permit(Audience::Public)]);
    observed.grants = [Audience::Public].into();
    let plan = decide(&order, &observed, &public());
    assert_eq!((plan.actions, plan.notes), (Vec::new(), Vec::new()));
    assert_eq!(plan.present.expect("present").number, 1);
}

#[test]
fn only_older_versions_are_deleted_and_only_beyond_the_number_kept() {
    let order = order(PathBuf::new(), b"zip");
    let deleted = |present: Option<u64>, keep: usize| -> Vec<u64> {
        let observed = Observed {
            versions: [9, 7, 4, 2].map(|number| version(number, "x")).into(),
            present: present.map(|number| details(&order, number)),
            ..Observed::default()
        };
        let plan =
            decide(&order, &observed, &SharingAndRetention { keep: Some(keep), ..SharingAndRetention::default() });
        let number = |action: &Action| match action {
            Action::Delete(version) => Some(version.number),
            _ => None,
        };
        plan.actions.iter().filter_map(number).collect()
    };
    // The new version will be the newest.
    assert_eq!(deleted(None, 1), [9, 7, 4, 2]);
    assert_eq!(deleted(None, 2), [7, 4, 2]);
    assert_eq!(deleted(None, 5), [0; 0]);
    assert_eq!(deleted(Some(9), 2), [4, 2]);
    // What is newer than the published version is not ours to judge.
    assert_eq!(deleted(Some(7), 1), [4, 2]);
    assert_eq!(deleted(Some(2), 1), [0; 0]);
}

#[test]
fn differences_are_told_one_by_one() {
    let order = order(PathBuf::new(), b"zip");
    let mut found = details(&order, 3);
    assert_eq!(differences(&order, &found), Vec::<String>::new());
    found.size = 7;
    found.runtimes.insert("cobol".to_owned());
    found.architectures = Some(["arm64".to_owned()].into());
    assert_eq!(
        differences(&order, &found),
        [
            "its size is `7`, not `3`",
            "its list of runtimes is `cobol, python3.12`, not `python3.12`",
            "its list of architectures is `arm64`, not `x86_64`",
        ]
    );
    let observed = Observed { present: Some(found), pretenders: vec![8], ..Observed::default() };
    let notes = decide(&order, &observed, &SharingAndRetention::default()).notes;
    assert_eq!(notes[0], "version 8 is described with this digest and holds other bytes");
    assert_eq!(notes[1], "version 3 holds these bytes, but its size is `7`, not `3`; versions cannot be changed");
}
