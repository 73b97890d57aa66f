//! What a group defines, compared with what its members define alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::ir::{Forms, Module, Symbol};

/// The longest line that is shown, in characters: a call of a template's function may take thousands.
const LONGEST: usize = 240;

/// Something that is not the same.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The group.
    pub group: String,
    /// What is defined, as the linker knows it.
    pub name: String,
    /// The member that defines it.
    pub file: String,
    /// The first line that differs, where the file is compiled alone.
    pub alone: String,
    /// The same where it is compiled with its group.
    pub together: String,
}

/// Compares a group with its members, which have names. Sorted by what is defined.
pub fn compare(group: &str, together: &Module<'_>, members: &[(String, Module<'_>)]) -> Vec<Difference> {
    let mut whole = Forms::new(together);
    let mut parts: Vec<Forms<'_, '_>> = members.iter().map(|(_, module)| Forms::new(module)).collect();
    let different = |name: &str, file: &str, alone: &str, together: &str| Difference {
        group: group.to_owned(),
        name: name.trim_start_matches('@').to_owned(),
        file: file.to_owned(),
        alone: shortened(alone),
        together: shortened(together),
    };
    let mut differences = Vec::new();
    for (name, symbol) in together.named().collect::<BTreeMap<_, _>>() {
        let own: Vec<(usize, Symbol<'_>)> =
            members.iter().enumerate().filter_map(|(at, (_, module))| Some((at, module.symbol(name)?))).collect();
        let form = whole.of_text(symbol.text);
        // What several files define, such as a function of a header, the linker takes from any of them.
        if own.iter().any(|(at, own)| parts[*at].of_text(own.text) == form) {
            continue;
        }
        differences.push(match own.first() {
            Some((at, own)) => {
                let (one, other) = (parts[*at].of_lines(own.text), whole.of_lines(symbol.text));
                let (alone, together) = first_difference(&one, &other);
                different(name, &members[*at].0, alone, together)
            }
            None => different(name, "none of its files", "nothing", symbol.text.lines().next().unwrap_or_default()),
        });
    }
    for (file, module) in members {
        for (name, symbol) in module.named().collect::<BTreeMap<_, _>>() {
            if together.symbol(name).is_none() {
                differences.push(different(name, file, symbol.text.lines().next().unwrap_or_default(), "nothing"));
            }
        }
    }
    let alone = members.iter().zip(&mut parts).map(|((_, module), forms)| module.initialisers(forms));
    if !same_initialisers(alone, together.initialisers(&mut whole)) {
        differences.push(different(
            "what runs before main",
            "all of its files",
            "the initialisers of the files, one file after the other",
            "others, or in another order",
        ));
    }
    differences
}

/// Whether the same variables are initialised, in the order of the files.
fn same_initialisers(alone: impl Iterator<Item = (Vec<u64>, Vec<u64>)>, together: (Vec<u64>, Vec<u64>)) -> bool {
    let (mut free, mut ordered) = (BTreeSet::new(), Vec::new());
    for (of_one, in_order) in alone {
        free.extend(of_one);
        ordered.extend(in_order);
    }
    free == together.0.into_iter().collect() && ordered == together.1
}

/// The first line of each that the other has not at the same place.
fn first_difference<'t>(one: &[(u64, &'t str)], other: &[(u64, &'t str)]) -> (&'t str, &'t str) {
    let at = one.iter().zip(other).position(|(one, other)| one.0 != other.0).unwrap_or(one.len().min(other.len()));
    let line = |lines: &[(u64, &'t str)]| lines.get(at).map_or("nothing", |(_, line)| *line);
    (line(one), line(other))
}

fn shortened(line: &str) -> String {
    let line = line.trim();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the compiler wrote for two files, and for both together: other numbers, another order, the same code.
    const A: &str = r#"
%struct.anon = type { i64, ptr }
@.str = private unnamed_addr constant [6 x i8] c"a; %1\00", align 1
@size = internal global i32 7, align 4
@other = external global i32
@llvm.global_ctors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 65535, ptr @_GLOBAL__sub_I_a.cpp, ptr null }]

define internal void @__cxx_global_var_init() #0 section ".text.startup" {
  call void @make(ptr @size)
  ret void
}

define ptr @first(i32 %0) #1 {
  %2 = alloca %struct.anon, align 8
  br label %3, !llvm.loop !4

3:                                                ; preds = %1
  ret ptr @.str
}

define linkonce_odr void @shared() #1 {
  ret void
}

define internal void @_GLOBAL__sub_I_a.cpp() #0 section ".text.startup" {
  call void @__cxx_global_var_init()
  ret void
}

attributes #0 = { noinline uwtable "x"="1" }
attributes #1 = { mustprogress }
"#;
    const B: &str = r#"
%struct.anon = type { i8 }
@.str = private unnamed_addr constant [2 x i8] c"b\00", align 1

define ptr @second() #0 {
  %1 = alloca %struct.anon, align 1
  ret ptr @.str
}

define linkonce_odr void @shared() #0 {
  ret void
}

attributes #0 = { mustprogress }
"#;
    const TOGETHER: &str = r#"
%struct.anon = type { i8 }
%struct.anon.0 = type { i64, ptr }
@.str = private unnamed_addr constant [2 x i8] c"b\00", align 1
@.str.1 = private unnamed_addr constant [6 x i8] c"a; %1\00", align 1
@size = internal global i32 7, align 4
@llvm.global_ctors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 65535, ptr @_GLOBAL__sub_I_unity.cxx, ptr null }]

define internal void @__cxx_global_var_init() #2 section ".text.startup" {
  call void @make(ptr @size)
  ret void
}

define ptr @first(i32 %0) #0 {
  %2 = alloca %struct.anon.0, align 8
  br label %3, !llvm.loop !8

3:                                                ; preds = %1
  ret ptr @.str.1
}

define linkonce_odr void @shared() #0 {
  ret void
}

define ptr @second() #0 {
  %1 = alloca %struct.anon, align 1
  ret ptr @.str
}

define internal void @_GLOBAL__sub_I_unity.cxx() #2 section ".text.startup" {
  call void @__cxx_global_var_init()
  ret void
}

attributes #0 = { mustprogress nounwind }
attributes #2 = { noinline uwtable "x"="1" }
"#;

    fn differences(together: &str) -> Vec<[String; 4]> {
        let members = [("a.cpp".to_owned(), Module::read(A)), ("b.cpp".to_owned(), Module::read(B))];
        let found = compare("g", &Module::read(together), &members);
        found.into_iter().map(|one| [one.name, one.file, one.alone, one.together]).collect()
    }

    /// The same with one text of the group changed, which must be there.
    fn changed(from: &str, to: &str) -> Vec<[String; 4]> {
        let together = TOGETHER.replacen(from, to, 1);
        assert_ne!(together, TOGETHER, "{from}");
        differences(&together)
    }

    #[test]
    fn other_numbers_are_the_same_code() {
        assert_eq!(differences(TOGETHER), Vec::<[String; 4]>::new());
        assert_eq!(Module::read(TOGETHER).functions(), 3);
    }

    #[test]
    fn other_code_is_a_difference() {
        let line =
            |name: &str, file: &str, alone: &str, together: &str| [name, file, alone, together].map(str::to_owned);
        // A string, a type, attributes and a variable, each in a place of its own.
        assert_eq!(changed("c\"a; %1", "c\"c; %1"), [line("first", "a.cpp", "ret ptr @.str", "ret ptr @.str.1")]);
        assert_eq!(
            changed("%struct.anon.0 = type { i64, ptr }", "%struct.anon.0 = type { i32, ptr }"),
            [line("first", "a.cpp", "%2 = alloca %struct.anon, align 8", "%2 = alloca %struct.anon.0, align 8")]
        );
        assert_eq!(
            changed("@first(i32 %0) #0", "@first(i32 %0) #2"),
            [line("first", "a.cpp", "define ptr @first(i32 %0) #1 {", "define ptr @first(i32 %0) #2 {")]
        );
        assert_eq!(
            changed("@size = internal global i32 7", "@size = internal global i32 8"),
            [line("size", "a.cpp", "@size = internal global i32 7, align 4", "@size = internal global i32 8, align 4")]
        );
        assert_eq!(
            changed("  ret void\n}\n\ndefine ptr @second", "  unreachable\n}\n\ndefine ptr @second"),
            [line("shared", "a.cpp", "ret void", "unreachable")]
        );
    }

    #[test]
    fn what_is_not_there_is_a_difference() {
        let [[name, file, alone, together]] = changed("@second()", "@third()")
            .into_iter()
            .filter(|found| found[0] == "second")
            .collect::<Vec<_>>()
            .try_into()
            .expect("one difference");
        assert_eq!([&*name, &*file, &*alone, &*together], ["second", "b.cpp", "define ptr @second() #0 {", "nothing"]);
        let more = changed("@second()", "@third()");
        assert!(more.iter().any(|found| found[0] == "third" && found[2] == "nothing"), "{more:?}");
    }

    #[test]
    fn initialisers_run_in_the_order_of_the_files() {
        for (from, to) in [
            ("  call void @__cxx_global_var_init()\n", ""),
            ("@make(ptr @size)", "@make(ptr @other)"),
            ("[{ i32, ptr, ptr } { i32 65535, ptr @_GLOBAL__sub_I_unity.cxx, ptr null }]", "zeroinitializer"),
        ] {
            let found = changed(from, to);
            assert_eq!(found.len(), 1, "{from}: {found:?}");
            assert_eq!(found[0][0], "what runs before main", "{from}");
        }
    }
}
