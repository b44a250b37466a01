//! The linker's view: the exports, the native libraries, and another Rust library beside this one.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use object::{Object as _, ObjectSymbol as _};

use super::consumers::c_compiler;
use super::{built, c_sources, called, code, manifest, native_libraries, read, run};

/// The functions of the header.
fn declared() -> BTreeSet<String> {
    let code = code(&read("include/courier.h"));
    called(&code).map(str::to_owned).collect()
}

#[test]
fn abi_04_the_shared_library_exports_what_the_header_declares() {
    let library = fs::read(built("libcourier.so")).unwrap();
    let library = object::File::parse(&*library).unwrap();
    let exports: BTreeSet<String> = library
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition())
        .map(|symbol| symbol.name().unwrap().to_owned())
        .collect();
    let declared = declared();
    let extra: Vec<&String> = exports.difference(&declared).collect();
    assert!(
        extra.is_empty(),
        "exported, and not in courier.h: {extra:?}"
    );
    let missing: Vec<&String> = declared.difference(&exports).collect();
    assert!(
        missing.is_empty(),
        "in courier.h, and not exported: {missing:?}"
    );
}

#[test]
fn abi_04_each_function_is_called_by_a_c_test() {
    let sources = c_sources();
    let code: Vec<String> = sources
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .chain([read("tests/c/check.h")])
        .map(|source| code(&source))
        .collect();
    let called: BTreeSet<&str> = code.iter().flat_map(|code| called(code)).collect();
    let declared = declared();
    let missing: Vec<&String> = declared
        .iter()
        .filter(|name| !called.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "never called in tests/c: {missing:?}");
}

#[test]
fn abi_07_the_listed_libraries_are_enough() {
    let directory = tempfile::tempdir().unwrap();
    // Without those that a compiler adds by itself.
    run(c_compiler()
        .args(["-std=c11", "-nodefaultlibs", "-I"])
        .arg(manifest().join("include"))
        .arg(manifest().join("tests/c/blob.c"))
        .arg(built("libcourier.a"))
        .args(native_libraries())
        .arg("-o")
        .arg(directory.path().join("host")));
}

#[test]
fn abi_07_go_links_the_listed_libraries() {
    const ARCHIVE: &str = "-l:libcourier.a";
    let file = read("../go-harness/courier/internal/capi/link_static.go");
    let flags = file
        .lines()
        .find_map(|line| line.strip_prefix("// #cgo linux LDFLAGS: "))
        .unwrap();
    let (_, libraries) = flags.split_once(ARCHIVE).unwrap();
    let libraries: Vec<&str> = libraries.split_whitespace().collect();
    let listed = native_libraries();
    assert!(
        libraries == listed,
        "link_static.go has {libraries:?}, native-libs.txt {listed:?}"
    );
}

#[test]
fn abi_09_the_static_library_links_beside_another_one_in_rust() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("target");
    run(Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args([
            "build",
            "--release",
            "--locked",
            "--offline",
            "--manifest-path",
        ])
        .arg(manifest().join("tests/second-archive/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target));
    let archives = [
        built("libcourier.a"),
        target.join("release/libsecond_archive.a"),
    ];
    for order in [[0, 1], [1, 0]] {
        let program = directory.path().join("host");
        run(c_compiler()
            .args(["-std=c11", "-I"])
            .arg(manifest().join("include"))
            .arg(manifest().join("tests/c/two_archives.c"))
            .args(order.map(|index| &archives[index]))
            .args(native_libraries())
            .arg("-o")
            .arg(&program));
        run(&mut Command::new(program));
    }
}

/// The boundary refuses to be built so; a profile that nobody has built yet is found here.
#[test]
fn no_profile_aborts_on_panic() {
    for file in ["Cargo.toml", "fuzz/Cargo.toml", ".cargo/config.toml"] {
        let text = read(&Path::new("..").join(file).display().to_string());
        for line in text.lines() {
            let setting: String = line.split_whitespace().collect();
            assert!(!setting.starts_with("panic="), "{file}: {line}");
        }
    }
}
