//! `docs/from-counters-to-bill.md` shows what its program prints.

#[allow(dead_code)]
#[path = "../examples/household_bill.rs"]
mod household_bill;

#[test]
fn page_shows_what_the_program_prints() {
    let page = include_str!("../../docs/from-counters-to-bill.md");
    let report = household_bill::report().expect("the household is there");
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
