//! `docs/from-a-reading-to-a-row.md` shows what its program prints.

#[allow(dead_code, reason = "the program's own `main`")]
#[path = "../examples/reading_to_row.rs"]
mod reading_to_row;

#[test]
fn page_shows_what_the_program_prints() {
    let page = include_str!("../../../../docs/from-a-reading-to-a-row.md");
    let folder = tempfile::tempdir().expect("a folder");
    let report = reading_to_row::report(&folder.path().join("meters.db")).expect("a way");
    let blocks: Vec<&str> = page
        .split("```text\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        assert!(
            report.contains(block),
            "not printed:\n{block}\nbut:\n{report}"
        );
    }
}
