//! The modules of each crate: the siblings in a folder use each other in one direction, so that each can be read
//! without those that use it.
//!
//! A module and its own children count as one thing. Tests may use what they like.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use syn::visit::{self, Visit};

/// The crates whose modules are looked at.
const CRATES: [&str; 8] = [
    "runtime", "ffi", "scenario", "explore", "replay", "note", "lab", "xtask",
];

/// A module's place in its crate, from the root.
type Module = Vec<String>;

/// The modules below a folder, with their text.
fn modules(dir: &Path, place: &Module, found: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut inside = place.clone();
        if path.is_dir() {
            inside.push(stem);
            modules(&path, &inside, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            if !["lib", "main", "mod"].contains(&stem.as_str()) {
                inside.push(stem);
            }
            found.insert(inside, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The paths in a module that begin at the crate or at a parent, from the root.
struct Paths {
    module: Module,
    found: Vec<Module>,
}

impl Paths {
    fn add(&mut self, path: Vec<String>) {
        let mut words = path.into_iter().peekable();
        let mut place = match words.next().as_deref() {
            Some("crate") => Module::new(),
            Some("self") => self.module.clone(),
            Some("super") => self.module[..self.module.len() - 1].to_vec(),
            _ => return,
        };
        while words.next_if(|it| it == "super").is_some() {
            place.pop();
        }
        place.extend(words);
        self.found.push(place);
    }

    fn add_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.add(with(&name.ident)),
            syn::UseTree::Rename(name) => self.add(with(&name.ident)),
            syn::UseTree::Glob(_) => self.add(before.to_vec()),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(before, tree);
                }
            }
        }
    }
}

fn is_test(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| {
        let name = attr.parse_args::<syn::Ident>();
        attr.path().is_ident("cfg") && name.is_ok_and(|name| name == "test")
    })
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) && item.content.is_some() {
            self.module.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.add_tree(&[], &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(
            path.segments
                .iter()
                .map(|it| it.ident.to_string())
                .collect(),
        );
        visit::visit_path(self, path);
    }
}

/// The circles among siblings, each with its members in order.
fn circles(modules: &BTreeMap<Module, String>) -> Vec<Vec<String>> {
    let mut folders: BTreeMap<&[String], DiGraphMap<&str, ()>> = BTreeMap::new();
    for (module, text) in modules {
        let mut paths = Paths {
            module: module.clone(),
            found: Vec::new(),
        };
        paths.visit_file(&syn::parse_file(text).unwrap());
        for used in paths.found {
            // What follows the last module is an item in it.
            let Some((other, _)) = (1..=used.len())
                .rev()
                .find_map(|end| modules.get_key_value(&used[..end]))
            else {
                continue;
            };
            let shared = module.iter().zip(other).take_while(|(a, b)| a == b).count();
            if let (Some(from), Some(to)) = (module.get(shared), other.get(shared)) {
                let graph = folders.entry(&module[..shared]).or_default();
                graph.add_edge(from.as_str(), to.as_str(), ());
            }
        }
    }
    let mut found = Vec::new();
    for (folder, graph) in folders {
        for circle in tarjan_scc(&graph).into_iter().filter(|it| it.len() > 1) {
            let named = |name: &&str| [folder, &[(*name).to_owned()][..]].concat().join("::");
            let mut names: Vec<String> = circle.iter().map(named).collect();
            names.sort();
            found.push(names);
        }
    }
    found
}

#[test]
fn modules_use_each_other_in_one_direction() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for name in CRATES {
        let mut found = BTreeMap::new();
        modules(&root.join(name).join("src"), &Module::new(), &mut found);
        assert!(!found.is_empty(), "{name} has no modules");
        let circles = circles(&found);
        assert!(circles.is_empty(), "{name}: {circles:#?}");
    }
}

#[test]
fn a_circle_is_seen_however_it_is_written() {
    let seen = |files: &[(&str, &str)]| {
        let modules = files.iter().map(|(place, text)| {
            let place = place.split('/').filter(|it| !it.is_empty());
            (place.map(str::to_owned).collect(), (*text).to_owned())
        });
        circles(&modules.collect())
    };
    for (a, b) in [
        ("use crate::b::B;", "use crate::a::A;"),
        ("use super::b;", "fn f() { super::a::f(); }"),
        ("use crate::{b::{B, C}, x};", "struct S(crate::a::A);"),
        (
            "use super::*; use super::b as c;",
            "#[cfg(unix)] use crate::a::*;",
        ),
        ("mod inner { use super::super::b::B; }", "use crate::a;"),
    ] {
        assert_eq!(
            seen(&[("", "mod a; mod b;"), ("a", a), ("b", b)]),
            [["a", "b"]],
            "{a} {b}"
        );
    }
    let deep = [
        ("x/a", "use super::b::B;"),
        ("x/b", "use crate::x::c;"),
        ("x/c", "use crate::x::a::A;"),
    ];
    assert_eq!(seen(&deep), [["x::a", "x::b", "x::c"]]);
    // A parent and its child are one; tests may look upward.
    assert!(seen(&[("a", "use self::x::X;"), ("a/x", "use super::A;")]).is_empty());
    let in_tests = "#[cfg(test)] mod tests { use crate::a::A; }";
    assert!(seen(&[("a", "use crate::b::B;"), ("b", in_tests)]).is_empty());
}
