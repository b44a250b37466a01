//! Rules of the header: types that every bit pattern is a value of, and structs that can grow.

use std::collections::BTreeSet;
use std::fs;

use super::{code, manifest, read};

/// Types that C and Rust agree about, and whose every bit pattern is a value.
const PLAIN: [&str; 8] = [
    "int32_t", "int64_t", "uint8_t", "uint32_t", "uint64_t", "size_t", "void", "char",
];

/// Words of the language that a declaration may hold.
const LANGUAGE: [&str; 3] = ["typedef", "struct", "const"];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// The words of the header that are no names: of each declaration all but the last, which is what it
/// declares. `(*name)` and the type before it are taken for what they are.
fn types(code: &str) -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    let mut rest = code;
    while let Some(end) = rest.find(['(', ')', '{', '}', ';', ',']) {
        let (declaration, after) = rest.split_at(end);
        rest = &after[1..];
        let mut words: Vec<&str> = words(declaration).collect();
        let returned_by_a_pointer = after.starts_with("(*");
        if words.len() > 1 && !returned_by_a_pointer {
            words.pop();
        }
        types.extend(words.into_iter().map(str::to_owned));
    }
    types
}

fn header() -> String {
    // The two lines for C++ hold no declaration.
    code(&read("include/courier.h")).replace("extern \"C\" {", "")
}

#[test]
fn abi_10_only_plain_types_cross() {
    let header = header();
    assert!(!header.contains(':'), "a bit field");
    for word in types(&header) {
        let plain = PLAIN.contains(&word.as_str()) || word.starts_with("courier_");
        assert!(
            plain || LANGUAGE.contains(&word.as_str()),
            "`{word}` is none of the types that may cross the boundary"
        );
    }
}

#[test]
fn abi_10_no_rust_type_with_invalid_values_crosses() {
    for file in fs::read_dir(manifest().join("src")).unwrap() {
        let path = file.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        for export in source.split("extern \"C\" fn ").skip(1) {
            // To the body of a function, or the end of a function pointer's type.
            let signature = export.split(['{', ';']).next().unwrap();
            for word in words(signature) {
                let camel = word.starts_with(|c: char| c.is_ascii_uppercase());
                let refused = camel || ["bool", "char", "str"].contains(&word);
                assert!(!refused, "{}: `{word}` in {signature}", path.display());
            }
        }
        for line in source.lines() {
            let field = line.starts_with("    pub ") && line.ends_with(": bool,");
            assert!(
                !field && !line.contains("enum courier_"),
                "{}: {line}",
                path.display()
            );
        }
    }
}

/// Structs that hosts pass by pointer say how large they are; views go by value and never grow, and of
/// events the call says the distance.
#[test]
fn abi_06_growable_structs_begin_with_their_size() {
    let header = header();
    let mut growable = BTreeSet::new();
    let (structs, functions) = header.split_once("courier_status courier_").unwrap();
    for parameter in functions.split([',', '(', ')']) {
        let words: Vec<&str> = words(parameter).collect();
        if let (true, Some(at)) = (
            parameter.contains('*'),
            words.iter().position(|word| *word == "struct"),
        ) {
            growable.insert(words[at + 1]);
        }
    }
    assert!(growable.remove("courier_event"));
    assert!(growable.len() > 6, "{growable:?}");
    for name in growable {
        let start = format!("typedef struct {name} {{");
        let (_, body) = structs.split_once(&start).expect(name);
        assert!(body.trim_start().starts_with("uint32_t size;"), "{name}");
    }
}
