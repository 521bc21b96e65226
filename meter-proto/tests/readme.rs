//! Every test that the README names as a defence is there.

use std::fs;
use std::path::{Path, PathBuf};

/// The tests of the workspace that may be named: this crate's, and those of its examples.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}")) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_test_of_the_tables_exists() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&here.join("src"), &mut found);
    sources(&here.join("tests"), &mut found);
    // A package that was unpacked alone has no examples beside it.
    let examples = here.join("../examples/host");
    let beside = ["mqtt-probe/tests", "fault-proxy/tests"].map(|name| examples.join(name));
    for folder in beside.iter().filter(|folder| folder.is_dir()) {
        sources(folder, &mut found);
    }
    let has_examples = beside.iter().all(|folder| folder.is_dir());
    let code: String = found
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();

    let readme = include_str!("../README.md");
    let rows = readme.lines().filter(|line| line.starts_with("| "));
    let mut named = 0;
    for row in rows.filter(|row| row.matches(" | ").count() == 2) {
        let tests = row.rsplit(" | ").next().unwrap_or_default();
        let names = tests.split('`').skip(1).step_by(2);
        for name in names.filter(|name| name.matches('_').count() >= 3) {
            let is_there = match name.strip_prefix("tests/") {
                Some(file) => here.join("tests").join(file).exists(),
                None => code.contains(&format!("fn {name}(")),
            };
            assert!(is_there || !has_examples, "no test is called {name}");
            named += 1;
        }
    }
    assert!(named > 50, "only {named} were found");
}
