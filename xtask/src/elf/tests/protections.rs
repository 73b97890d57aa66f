//! What compilers add against attacks, in files that they made.

use super::super::protections::{Presence, Protections};
use super::*;
use crate::model::{Arch, ByArch, Protection};

/// A function that overflows its buffer if it is told to, and that no compiler can check in advance.
const CARELESS: &str = "#include <string.h>
    void use(char *);
    void copy(const char *from, unsigned long length) { char to[64]; memcpy(to, from, length); use(to); }";

const PLAIN: &[&str] = &["-O2", "-shared", "-fPIC", "-nostartfiles", "-fno-stack-protector", "-U_FORTIFY_SOURCE"];

fn protections(source: &str, flags: &[&str]) -> Protections {
    Workshop::new().facts(source, &[PLAIN, flags].concat()).protections
}

#[test]
fn the_stack_protector_and_checked_functions_are_seen_by_their_calls() {
    let without = protections(CARELESS, &[]);
    assert_eq!(without, Protections::default());
    assert_eq!(without.presence(Protection::StackProtector), Presence::Absent);

    let canary = protections(CARELESS, &["-fstack-protector-strong"]);
    assert_eq!(canary.presence(Protection::StackProtector), Presence::Present);
    assert_eq!(canary.presence(Protection::Fortify), Presence::Absent, "its function is no checked function");

    let fortified = protections(CARELESS, &["-D_FORTIFY_SOURCE=2"]);
    assert_eq!(fortified.checked_functions, ["__memcpy_chk"]);
    assert_eq!(fortified.presence(Protection::StackProtector), Presence::Absent);
    assert_eq!(fortified.presence(Protection::Fortify), Presence::Present);
}

#[test]
fn what_takes_nothing_from_a_library_hides_its_calls() {
    let alone = protections("int one(void) { return 1; }", &["-nostdlib"]);
    assert_eq!(alone.presence(Protection::StackProtector), Presence::Unknown);
    assert_eq!(alone.presence(Protection::Fortify), Presence::Unknown);
    // Marks for the processor are in the file itself, or are not.
    assert_eq!(alone.presence(Protection::ShadowStack), Presence::Absent);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn marks_for_the_processor_are_read_from_the_note() {
    let one = "int one(void) { return 1; }";
    for (flag, expected) in [
        ("none", &[][..]),
        ("branch", &[Protection::BranchTargets]),
        ("return", &[Protection::ShadowStack]),
        ("full", &[Protection::BranchTargets, Protection::ShadowStack]),
    ] {
        let seen = protections(one, &["-nostdlib", &format!("-fcf-protection={flag}")]).seen;
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected, "{flag}");
    }
}

/// The protections of a library whose only code is `text`, as a processor of arm64 would see it.
#[cfg(target_arch = "x86_64")]
fn on_arm(text: &str) -> Protections {
    let shop = Workshop::new();
    let path =
        shop.cc("x.so", &format!("__asm__(\"{text}\");"), &[PLAIN, &["-nostdlib", "-fcf-protection=none"]].concat());
    let mut bytes = fs::read(&path).expect("a library");
    bytes[18..20].copy_from_slice(&0xb7u16.to_le_bytes());
    let file = read(&bytes).expect("a sound file").expect("an ELF file");
    assert_eq!(file.arch, Some(Arch::Arm64));
    file.protections
}

#[test]
#[cfg(target_arch = "x86_64")]
fn signed_returns_are_seen_by_their_instructions_or_the_note() {
    let signed = BTreeSet::from([Protection::SignedReturns]);
    assert_eq!(on_arm(".balign 4; .long 0xd503233f").seen, signed);
    assert_eq!(on_arm(".balign 4; .long 0xd503237f").seen, signed);
    // Not at the place of an instruction, not in code, and an instruction of another kind.
    for other in [".balign 4; .short 0; .long 0xd503233f; .short 0", ".data; .long 0xd503233f", ".long 0xd503201f"] {
        assert_eq!(on_arm(other).seen, BTreeSet::new(), "{other}");
    }
    let note = |flags: u32| {
        format!(
            ".section .note.gnu.property, \\\"a\\\"; .balign 8; .long 4, 16, 5; .asciz \\\"GNU\\\"; .long 0xc0000000, 4, {flags}, 0"
        )
    };
    assert_eq!(on_arm(&note(2)).seen, signed);
    assert_eq!(on_arm(&note(1)).seen, BTreeSet::from([Protection::BranchTargets]));
    assert_eq!(on_arm(&note(4)).seen, BTreeSet::from([Protection::ShadowStack]));
}

#[test]
fn only_layers_of_our_own_are_held_to_their_promises() {
    let shop = Workshop::new();
    shop.cc("layer/bin/x.so", CARELESS, &[PLAIN, &["-s", "-Wl,-z,now,-z,relro,-z,noexecstack"]].concat());
    for file in ["layer/bin", "layer/bin/x.so"] {
        super::layers::mode(&shop.path(file), 0o755);
    }
    let options = Options {
        own_protections: ByArch { any: vec![Protection::StackProtector], ..ByArch::default() },
        ..Options::default()
    };
    let findings = || layer::audit(&shop.path("layer"), &one_target("2.99"), &options).expect("a layer").findings;
    assert_eq!(findings(), []);

    let own = shop.path("layer/share/media-layers/x");
    fs::create_dir_all(&own).expect("a folder");
    fs::write(own.join("manifest.json"), "{}").expect("a file");
    for folder in ["layer/share", "layer/share/media-layers", "layer/share/media-layers/x"] {
        super::layers::mode(&shop.path(folder), 0o755);
    }
    super::layers::mode(&own.join("manifest.json"), 0o644);
    assert_eq!(rules(&findings()), [Rule::Unprotected]);
    assert_eq!(findings()[0].path, "bin/x.so");
}
