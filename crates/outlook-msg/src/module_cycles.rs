//! Checks that the modules of a layer do not import each other in a cycle. Only modules that are
//! one subject, such as a message and its edits, may do that; `SUBJECTS` lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of a layer that may import each other, directly or through one another.
const SUBJECTS: [(&str, &[&str]); 2] = [
    // The objects that a session has open, and their edits.
    ("imsg", &["attachment", "computed", "draft", "edit", "message", "recipient"]),
    // A compound file and the handles on what lies in it.
    ("storage", &["compound_file", "directory", "header", "object", "sectors", "stream", "walk"]),
];

/// The layers, and the folders of a layer that have modules of their own.
const LAYERS: [&str; 10] = [
    "mapi",
    "storage",
    "body",
    "imsg",
    "mail",
    "mail/attachments",
    "mail/calendar",
    "mail/formats",
    "mail/output",
    "mail/values",
];

type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn modules_import_downward() {
    for layer in LAYERS {
        let imports = imports_of(layer);
        assert!(imports.len() > 1, "no modules found in {layer}");
        for module in imports.keys() {
            let cycle: Vec<_> = reached(&imports, module)
                .into_iter()
                .filter(|other| reached(&imports, other).contains(module))
                .collect();
            let is_subject = |subject: &(&str, &[&str])| {
                subject.0 == layer && cycle.iter().all(|one| subject.1.contains(&one.as_str()))
            };
            assert!(
                cycle.is_empty() || SUBJECTS.iter().any(is_subject),
                "in {layer}, {} import each other; move what they share into a module below them",
                cycle.join(", ")
            );
        }
    }
}

/// The modules that a module imports, directly or through others.
fn reached(imports: &Imports, module: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![module.to_owned()];
    while let Some(module) = next.pop() {
        for import in imports.get(&module).into_iter().flatten() {
            if reached.insert(import.clone()) {
                next.push(import.clone());
            }
        }
    }
    reached
}

/// Which modules of a layer each of its modules names.
fn imports_of(layer: &str) -> Imports {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(layer);
    let mut texts: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
    for file in source_files(&folder) {
        let path = file.strip_prefix(&folder).unwrap();
        let module = path.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = module.trim_end_matches(".rs").to_owned();
        if module != "mod" {
            // The `mod.rs` of a folder has the path of the folder, so it is one level less deep.
            let depth = path.components().count() - usize::from(path.ends_with("mod.rs"));
            texts.entry(module).or_default().push((code(&file), depth));
        }
    }
    let layer = layer.replace('/', "::");
    let modules: BTreeSet<String> = texts.keys().cloned().collect();
    let imports = texts.into_iter().map(|(module, texts)| {
        let mut names = BTreeSet::new();
        for (text, depth) in texts {
            let parents = "super::".repeat(depth);
            for prefix in [format!("crate::{layer}::"), parents] {
                names.extend(text.split(&prefix).skip(1).flat_map(names_at));
            }
        }
        names.retain(|name| modules.contains(name) && *name != module);
        (module, names)
    });
    imports.collect()
}

/// The names that follow a path prefix such as `super::`: one name, or those in braces.
fn names_at(rest: &str) -> Vec<String> {
    let group = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match group {
        Some(group) => group.split(|c| !is_name(c)).map(str::to_owned).collect(),
        None => rest.split(|c| !is_name(c)).take(1).map(str::to_owned).collect(),
    }
}

/// The code of a file without its comments and its tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

pub(crate) fn source_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => source_files(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
