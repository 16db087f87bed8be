//! Checks that the documentation of every stable function has an example, which runs as a doctest.
//! The lint `missing_docs` checks that each item is documented at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::module_cycles::source_files;

/// The stable types of `imsg`. Of `mail`, everything that it re-exports is stable.
const SESSION_TYPES: [&str; 2] = ["Session", "FileTarget"];

#[test]
fn every_stable_function_has_an_example() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let session_types = SESSION_TYPES.map(str::to_owned).into();
    let mut count = 0;
    let mut without = Vec::new();
    for (layer, stable) in [("mail", exported(&source.join("mail"))), ("imsg", session_types)] {
        for file in source_files(&source.join(layer)) {
            for function in functions(&fs::read_to_string(&file).unwrap(), &stable) {
                count += 1;
                if !function.has_example {
                    without.push(format!("{}: {}", file.display(), function.name));
                }
            }
        }
    }
    assert!(count > 100, "only {count} stable functions were found");
    assert!(without.is_empty(), "no example in the documentation of\n{}", without.join("\n"));
}

/// The names that a layer re-exports from its own modules, without those that it hides.
fn exported(layer: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(layer.join("mod.rs")).unwrap();
    let text = text.replace("#[doc(hidden)]\npub use ", "");
    let uses = text.split("\npub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let names = uses.filter_map(|path| path.rsplit_once("::"));
    names
        .filter(|(module, _)| !module.starts_with("crate"))
        .flat_map(|(_, names)| names.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .map(str::to_owned)
        .collect()
}

struct Function {
    name: String,
    has_example: bool,
}

/// The public functions of a file that are methods of a stable type, or stable themselves.
fn functions(text: &str, stable: &BTreeSet<String>) -> Vec<Function> {
    let (mut functions, mut in_stable, mut has_example) = (Vec::new(), false, false);
    for line in text.lines() {
        let code = line.trim_start();
        let is_inside = code.len() < line.len();
        if code.starts_with("///") {
            has_example |= code.contains("```");
            continue;
        }
        if code.starts_with("#[") {
            continue;
        }
        if !is_inside && code.starts_with("impl") {
            in_stable = code.split([' ', '<']).any(|word| stable.contains(word));
        }
        let rest = code.strip_prefix("pub fn ").or_else(|| code.strip_prefix("pub const fn "));
        if let Some(name) = rest.and_then(|rest| rest.split(['(', '<']).next())
            && (if is_inside { in_stable } else { stable.contains(name) })
        {
            functions.push(Function { name: name.to_owned(), has_example });
        }
        has_example = false;
    }
    functions
}
