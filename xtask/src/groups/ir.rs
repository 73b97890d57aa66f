//! LLVM IR as text, as far as telling whether two definitions are the same code needs it.
//!
//! The same function is written differently in another module: numbers are given to string constants, attributes,
//! metadata and to types of the same name in the order in which they come. [`Forms`] writes what they stand for instead.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A module: what one call of the compiler wrote.
#[derive(Debug, Default)]
pub struct Module<'t> {
    /// What a type's name stands for, by the name.
    types: HashMap<&'t str, &'t str>,
    /// What an attribute's number stands for.
    attributes: HashMap<&'t str, &'t str>,
    /// What it defines, by name.
    symbols: HashMap<&'t str, Symbol<'t>>,
    /// The list of what runs before `main`.
    constructors: &'t str,
}

/// Something that a module defines.
#[derive(Debug, Clone, Copy)]
pub struct Symbol<'t> {
    /// Its definition.
    pub text: &'t str,
    /// Whether it is code.
    pub is_function: bool,
    /// Whether its name means nothing outside the module: it is known by what it is.
    nameless: bool,
}

impl<'t> Module<'t> {
    /// Reads a module.
    pub fn read(text: &'t str) -> Module<'t> {
        let mut module = Module::default();
        let mut at = 0;
        while let Some(line) = text[at..].lines().next() {
            let mut length = line.len();
            if line.starts_with("define ") {
                length = text[at..].find("\n}").map_or(length, |end| end + 2);
                module.define(&text[at..at + length], true);
            } else if line.starts_with('@') {
                module.define(line, false);
            } else if let Some((name, meaning)) = line.split_once(" = type ").filter(|_| line.starts_with('%')) {
                module.types.insert(name, meaning);
            } else if let Some((number, meaning)) =
                line.strip_prefix("attributes ").and_then(|rest| rest.split_once(" = "))
            {
                module.attributes.insert(number, meaning);
            }
            at = (at + length + 1).min(text.len());
        }
        module
    }

    fn define(&mut self, text: &'t str, is_function: bool) {
        let head = text.lines().next().unwrap_or_default();
        let Some(start) = head.find('@') else { return };
        let name = &head[start..start + name_length(&head[start..])];
        if name == "@llvm.global_ctors" {
            self.constructors = text;
        }
        let keywords = if is_function { &head[..start] } else { &head[name.len()..] };
        let has = |word| keywords.split(' ').take(6).any(|other| other == word);
        if name.starts_with("@llvm.") || !is_function && (has("external") || has("extern_weak")) {
            return;
        }
        // What the compiler makes for itself has a name without a meaning: constants, what initialises a variable.
        let own = ["@.", "@__cxx_global_", "@_GLOBAL__"].iter().any(|prefix| name.starts_with(prefix));
        let nameless = has("private") || has("internal") && own;
        self.symbols.insert(name, Symbol { text, is_function, nameless });
    }

    /// How many functions it defines that have a name.
    pub fn functions(&self) -> usize {
        self.named().filter(|(_, symbol)| symbol.is_function).count()
    }

    /// What it defines by name.
    pub fn named(&self) -> impl Iterator<Item = (&'t str, Symbol<'t>)> {
        self.symbols.iter().filter(|(_, symbol)| !symbol.nameless).map(|(name, symbol)| (*name, *symbol))
    }

    /// What it defines under that name.
    pub fn symbol(&self, name: &str) -> Option<Symbol<'t>> {
        self.symbols.get(name).copied().filter(|symbol| !symbol.nameless)
    }

    /// The functions that run before `main`: those that the linker puts into an order of its own, and those that follow
    /// each other as the variables do in their file.
    pub fn initialisers(&self, forms: &mut Forms<'_, 't>) -> (Vec<u64>, Vec<u64>) {
        let (mut free, mut ordered) = (Vec::new(), Vec::new());
        for name in names(self.constructors, "ptr @") {
            match self.symbols.get(name).filter(|symbol| symbol.is_function) {
                Some(symbol) if name.starts_with("@_GLOBAL__sub_I") => {
                    ordered.extend(names(symbol.text, "call void @").map(|called| forms.of_symbol(called)));
                }
                Some(_) => free.push(forms.of_symbol(name)),
                None => {}
            }
        }
        (free, ordered)
    }
}

/// The names that follow `before`, whose last character is the first of theirs.
fn names<'t>(text: &'t str, before: &'static str) -> impl Iterator<Item = &'t str> {
    text.match_indices(before).map(move |(at, _)| {
        let rest = &text[at + before.len() - 1..];
        &rest[..name_length(rest)]
    })
}

/// The length of a name with its sigil: `%5`, `@main`, `%"class.a::b"`.
fn name_length(text: &str) -> usize {
    let quoted = text[1..].strip_prefix('"').and_then(|rest| rest.find('"')).map(|end| end + 3);
    let plain = |c: char| !(c.is_ascii_alphanumeric() || "_.$-".contains(c));
    quoted.unwrap_or_else(|| text[1..].find(plain).map_or(text.len(), |end| end + 1))
}

/// The forms of a module's definitions that do not depend on its numbers.
#[derive(Debug)]
pub struct Forms<'m, 't> {
    module: &'m Module<'t>,
    known: HashMap<&'t str, u64>,
}

impl<'m, 't> Forms<'m, 't> {
    /// Of the definitions of `module`.
    pub fn new(module: &'m Module<'t>) -> Forms<'m, 't> {
        Forms { module, known: HashMap::new() }
    }

    /// The form of a definition.
    pub fn of_text(&mut self, text: &'t str) -> u64 {
        digest(&self.written(text, ""))
    }

    /// The form of each line of a definition.
    pub fn of_lines(&mut self, text: &'t str) -> Vec<(u64, &'t str)> {
        text.lines().map(|line| (digest(&self.written(line, "")), line)).collect()
    }

    /// What a name stands for: itself, or what it is if the compiler made it up.
    fn of_symbol(&mut self, name: &'t str) -> u64 {
        match self.module.symbols.get(name).filter(|symbol| symbol.nameless) {
            Some(symbol) => self.once(name, |forms| digest(&forms.written(symbol.text, name))),
            None => digest(name),
        }
    }

    fn once(&mut self, name: &'t str, work: impl FnOnce(&mut Self) -> u64) -> u64 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        // What leads back to itself is known by the rest.
        self.known.insert(name, 0);
        let form = work(self);
        self.known.insert(name, form);
        form
    }

    /// `text` with meanings in place of names and numbers. `own` is the name of what it defines.
    fn written(&mut self, text: &'t str, own: &str) -> String {
        let mut to = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(next) = text[at..].find(['@', '%', '#', '!', '"', ';']) {
            to.push_str(&text[at..at + next]);
            at += next;
            let rest = &text[at..];
            let length = match rest.as_bytes()[0] {
                b'"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
                b';' => rest.find('\n').unwrap_or(rest.len()),
                _ => name_length(rest),
            };
            let token = &rest[..length];
            self.write_token(&mut to, token, own);
            at += length;
        }
        to.push_str(&text[at..]);
        to
    }

    fn write_token(&mut self, to: &mut String, token: &'t str, own: &str) {
        let number = |form: u64| format!("{}{form:x}", &token[..1]);
        match token.as_bytes()[0] {
            // Only who jumps where, which the jumps say themselves.
            b';' => {}
            b'@' if token == own => to.push_str("@self"),
            b'@' if self.module.symbols.get(token).is_some_and(|symbol| symbol.nameless) => {
                to.push_str(&number(self.of_symbol(token)));
            }
            b'%' => match self.module.types.get(token).copied() {
                Some(meaning) => {
                    let form = self.once(token, |forms| digest(&forms.written(meaning, "")));
                    to.push_str(&number(form));
                }
                None => to.push_str(token),
            },
            // The compiler writes `nounwind` itself where it has seen that nothing called in a function throws, which
            // depends on the order in which it came to them.
            b'#' => {
                let meaning = self.module.attributes.get(token).copied().unwrap_or(token);
                to.push_str(&meaning.replace("nounwind ", ""));
            }
            // Numbers of metadata: places in the file, and loops that are told apart.
            b'!' if token[1..].starts_with(|c: char| c.is_ascii_digit()) => to.push('!'),
            _ => to.push_str(token),
        }
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
