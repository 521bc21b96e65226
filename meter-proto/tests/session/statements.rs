//! Every statement of the standard that binds a client is named where a test shows it.

/// The tests, and the units whose own tests show a statement.
const SHOWN: [&str; 9] = [
    include_str!("main.rs"),
    include_str!("connect.rs"),
    include_str!("life.rs"),
    include_str!("messages.rs"),
    include_str!("qos_2.rs"),
    include_str!("requests.rs"),
    include_str!("time.rs"),
    include_str!("window.rs"),
    include_str!("../../src/mqtt/frame/tests.rs"),
];

/// Those that bind a client, but for text that is not UTF-8 [1.5.3-1, 3.1.3-4], which no `str` of
/// Rust can be.
const STATEMENTS: &[&str] = &[
    "1.5.3-2", "1.5.3-3", "2.2.2-1", "2.2.2-2", "2.3.1-1", "2.3.1-2", "2.3.1-3", "2.3.1-5",
    "2.3.1-6", "2.3.1-7", "3.1.0-1", "3.1.0-2", "3.1.2-4", "3.1.2-6", "3.1.2-9", "3.1.2-11",
    "3.1.2-13", "3.1.2-14", "3.1.2-15", "3.1.2-18", "3.1.2-19", "3.1.2-20", "3.1.2-21", "3.1.2-22",
    "3.1.2-23", "3.1.3-1", "3.1.3-7", "3.2.0-1", "3.2.2-1", "3.2.2-4", "3.2.2-5", "3.3.1-1",
    "3.3.1-2", "3.3.1-4", "3.3.1-8", "3.3.2-1", "3.3.2-2", "3.6.1-1", "3.8.1-1", "3.8.4-5",
    "3.9.3-1", "3.9.3-2", "3.10.1-1", "3.14.4-1", "3.14.4-2", "3.14.4-3", "4.1.0-1", "4.3.1-1",
    "4.3.2-1", "4.3.2-2", "4.3.3-1", "4.3.3-2", "4.4.0-1", "4.5.0-2", "4.6.0-1", "4.6.0-2",
    "4.6.0-3", "4.6.0-4", "4.7.1-1", "4.7.1-2", "4.7.1-3", "4.7.3-1", "4.7.3-2", "4.7.3-3",
    "4.8.0-1",
];

#[test]
fn every_statement_is_named() {
    let is_named = |statement: &&&str| {
        // "3.1.2-1" is not named by "3.1.2-13".
        let ends = [", ", "]"].map(|end| format!("{statement}{end}"));
        SHOWN
            .iter()
            .any(|text| ends.iter().any(|end| text.contains(end)))
    };
    let missing: Vec<_> = STATEMENTS.iter().filter(|it| !is_named(it)).collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
}
