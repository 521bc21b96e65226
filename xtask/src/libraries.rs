//! The four libraries and the sets of features each is checked with.

use std::collections::BTreeMap;
use std::fs;

use crate::workspace::root;

/// The published libraries, each after those it depends on.
pub(crate) const LIBRARIES: [&str; 4] = ["meter-core", "stpm3x", "nbiot-at", "meter-proto"];

/// The features of one library: name, and what each turns on.
pub(crate) struct Features(BTreeMap<String, Vec<String>>);

/// One choice of features, as cargo's arguments.
pub(crate) type FeatureSet = Vec<String>;

impl Features {
    /// Reads the `[features]` table of a library's manifest.
    pub(crate) fn of(library: &str) -> Result<Self, String> {
        let path = root().join(library).join("Cargo.toml");
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Ok(Self::parse(&text))
    }

    fn parse(manifest: &str) -> Self {
        let table = manifest
            .lines()
            .map(str::trim)
            .skip_while(|line| *line != "[features]")
            .skip(1)
            .take_while(|line| !line.starts_with('['))
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join(" ");
        let entries = table.split(']').filter_map(|entry| {
            let (name, list) = entry.split_once('=')?;
            let list = list.trim().trim_start_matches('[');
            let list = list
                .split(',')
                .map(unquoted)
                .filter(|word| !word.is_empty());
            Some((unquoted(name), list.collect()))
        });
        Self(entries.collect())
    }

    /// No, default and all features; without the default set where that is the empty one.
    pub(crate) fn main_sets(&self) -> Vec<FeatureSet> {
        let mut sets = vec![vec!["--no-default-features".to_string()]];
        if self.0.get("default").is_some_and(|list| !list.is_empty()) {
            sets.push(Vec::new());
        }
        if !self.names().is_empty() {
            sets.push(vec!["--all-features".to_string()]);
        }
        sets
    }

    /// Each feature alone and each pair.
    pub(crate) fn singles_and_pairs(&self) -> Vec<FeatureSet> {
        let names = self.names();
        let mut sets = Vec::new();
        for (index, first) in names.iter().enumerate() {
            sets.push(only(&[first]));
            sets.extend(names[index + 1..].iter().map(|next| only(&[first, next])));
        }
        sets
    }

    /// Every feature that does not bring in the standard library.
    pub(crate) fn without_std(&self) -> Vec<&str> {
        let names = self.names().into_iter();
        names.filter(|name| !self.needs_std(name)).collect()
    }

    fn names(&self) -> Vec<&str> {
        self.0
            .keys()
            .map(String::as_str)
            .filter(|name| *name != "default")
            .collect()
    }

    fn needs_std(&self, name: &str) -> bool {
        let reached = self.0.get(name).into_iter().flatten();
        name == "std"
            || name.ends_with("/std")
            || reached
                .into_iter()
                .any(|next| next != name && self.needs_std(next))
    }
}

/// These features and no other.
pub(crate) fn only(features: &[&str]) -> FeatureSet {
    let list = features.join(",");
    vec![
        "--no-default-features".to_string(),
        "--features".to_string(),
        list,
    ]
}

fn unquoted(word: &str) -> String {
    word.trim().trim_matches('"').to_string()
}

#[cfg(test)]
mod tests {
    use super::Features;

    const MANIFEST: &str = r#"
[package]
name = "example"

[features]
default = []
## Adds the simulator.
sim = []
async = ["dep:embedded-hal-async",
         "dep:embedded-io-async"]
std = []
file = ["std"]
log = ["dep:log"]

[dependencies]
log = { version = "0.4", features = ["std"] }
"#;

    #[test]
    fn an_empty_default_is_not_checked_twice() {
        let features = Features::parse(MANIFEST);
        let sets = features.main_sets();
        assert_eq!(sets, [["--no-default-features"], ["--all-features"]]);
    }

    #[test]
    fn pairs_are_listed_once_and_dependencies_are_no_features() {
        let features = Features::parse("[features]\na = []\nb = []\n[dependencies]\nc = \"1\"\n");
        let sets = features.singles_and_pairs();
        let lists: Vec<_> = sets.iter().filter_map(|set| set.last()).collect();
        assert_eq!(lists, ["a", "a,b", "b"]);
    }

    #[test]
    fn features_that_need_std_are_left_out_of_the_no_std_set() {
        let features = Features::parse(MANIFEST);
        assert_eq!(features.without_std(), ["async", "log", "sim"]);
    }
}
