//! The page of all commands says what is there.

use std::collections::BTreeSet;
use std::fs;

/// The sources of `query`, by module.
fn sources() -> impl Iterator<Item = (String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/query");
    fs::read_dir(folder).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (module != "mod").then(|| (module, fs::read_to_string(&path).unwrap()))
    })
}

/// Command lines that begin in the sources: each query has one.
fn written() -> usize {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let begin = |line: &str| line.matches("\"AT+").count() + line.matches("\"ATI").count();
    let lines = |(_, text): (_, String)| text.lines().filter(is_code).map(begin).sum::<usize>();
    sources().map(lines).sum()
}

/// Types of `query` that are asked, as the sources name them.
fn asked() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (module, text) in sources() {
        for line in text.lines() {
            let line = line.trim_start();
            let fixed = line.split_once(" = \"AT").map(|(name, _)| name);
            let written = line
                .strip_prefix("impl Query for ")
                .map(|rest| rest.split(' ').next().unwrap());
            let in_list = line.split_once(", ").filter(|(_, rest)| {
                let time = rest.split_once(", |").map(|(time, _)| time);
                time.is_some_and(|time| time.chars().all(|c| c.is_uppercase() || c == '_'))
            });
            let requested = line.split_once(", \"+QHTTP").map(|(name, _)| name);
            let name = fixed
                .or(written)
                .or(in_list.map(|(name, _)| name))
                .or(requested);
            if let Some(name) = name.map(|name| name.trim_end_matches("<'_>")) {
                let is_name =
                    name.chars().all(char::is_alphanumeric) && name.starts_with(char::is_uppercase);
                if is_name {
                    found.insert(format!("{module}::{name}"));
                }
            }
        }
    }
    found
}

#[test]
fn page_names_every_query_and_no_other() {
    let page = include_str!("../../docs/commands.md");
    let named: BTreeSet<_> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.contains("::") && name.starts_with(char::is_lowercase))
        .map(str::to_owned)
        .collect();
    let asked = asked();
    assert_eq!(asked.len(), written(), "{asked:?}");
    let missing: Vec<_> = asked.difference(&named).collect();
    let wrong: Vec<_> = named.difference(&asked).collect();
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "missing {missing:?}, wrong {wrong:?}"
    );
    println!("{} queries", asked.len());
}
