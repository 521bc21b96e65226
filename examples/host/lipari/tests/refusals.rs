//! What the program says when it cannot do what was asked, and what it leaves behind.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs it to its end; what it printed on both streams.
fn refused(folder: &Path, words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lipari"))
        .current_dir(folder)
        .args(["--days", "0.1", "--exit", "--listen", "127.0.0.1:0"])
        .args(words)
        .output()
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!output.status.success(), "{text}");
    text
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect()
}

#[test]
fn a_broker_that_is_not_there_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens on port 1 of the loopback.
    let text = refused(folder.path(), &["--broker", "mqtt://127.0.0.1:1"]);
    assert!(text.contains("mqtt://127.0.0.1:1"), "{text}");
    assert!(text.contains("is it running, is the port right?"), "{text}");
}

#[test]
fn a_file_that_is_no_database_stays_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "nothing of ours").unwrap();
    let text = refused(folder.path(), &["--db", "notes.txt"]);
    assert!(text.contains("choose another file with --db"), "{text}");
    assert_eq!(names(folder.path()), ["notes.txt"]);
}

#[test]
fn a_damaged_database_is_told_from_one_that_cannot_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_lipari"))
        .current_dir(folder.path())
        .args([
            "--days",
            "0.1",
            "--exit",
            "--listen",
            "127.0.0.1:0",
            "--db",
            "town.db",
        ])
        .output()
        .unwrap();
    assert!(made.status.success());
    let file = folder.path().join("town.db");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 4096 / 2 * 4096]).unwrap();
    let text = refused(folder.path(), &["--db", "town.db"]);
    assert!(text.contains("is damaged"), "{text}");
    assert!(text.contains("restore a copy"), "{text}");
}

#[test]
fn numbers_out_of_range_say_their_range() {
    let folder = tempfile::tempdir().unwrap();
    let text = refused(folder.path(), &["--speed", "-1"]);
    assert!(text.contains("give 1 or more"), "{text}");
}

#[test]
fn meters_whose_database_is_gone_are_not_left_waiting() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("town.meters")).unwrap();
    fs::write(folder.path().join("town.meters").join("1.flash"), "memory").unwrap();
    let text = refused(folder.path(), &["--db", "town.db"]);
    assert!(
        text.contains("town.db is gone; remove the folder too"),
        "{text}"
    );
    assert_eq!(names(folder.path()), ["town.meters"]);
}
