//! The page of the scenarios names tests that there are.

use std::fs;
use std::path::Path;

/// All source text below a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn each_row_names_a_test_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/scenarios.md")).unwrap();
    let mut text = String::new();
    for folder in ["src", "tests"] {
        sources(&root.join(folder), &mut text);
    }
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| | ");
    let rows: Vec<_> = page.lines().filter(is_row).collect();
    assert!(rows.len() > 100, "{} rows", rows.len());
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (tests, reason) = (cells[3], cells[4]);
        assert!(!tests.is_empty() || !reason.is_empty(), "{row}");
        for name in tests.split("<br>").filter(|name| !name.is_empty()) {
            let name = name.trim_matches('`');
            let declaration = format!("fn {name}(");
            let mut places = text.match_indices(declaration.as_str());
            let declared = places.any(|(at, _)| text[..at].trim_end().ends_with("#[test]"));
            assert!(declared, "no test {name}");
        }
    }
}
