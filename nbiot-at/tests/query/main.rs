//! Queries: what they send, every documented form of their answers, and what is none.

#[path = "../common/mod.rs"]
mod common;

mod doubt;
mod faults;
mod forms;
mod garbled;
mod model;
mod more;
mod operations;
mod page;
mod port;
mod settings;
mod update;

use common::Rig;
use nbiot_at::query::{Lines, Query};
use nbiot_at::{Answer, Fault};

/// Asks; the command line must be this, and the modem says these lines and `OK`.
#[track_caller]
fn ask<Q: Query>(rig: &mut Rig, query: &Q, line: &str, lines: &[&str]) -> Result<Q::Answer, Fault> {
    let mut said: String = lines.iter().map(|line| format!("\r\n{line}")).collect();
    if !lines.is_empty() {
        said += "\r\n";
    }
    said += "\r\nOK\r\n";
    asked(rig, query, line, &said)
}

/// The same with these bytes.
#[track_caller]
fn asked<Q: Query>(rig: &mut Rig, query: &Q, line: &str, said: &str) -> Result<Q::Answer, Fault> {
    rig.engine.ask(query, rig.now).unwrap();
    rig.exchange(line, said);
    outcome(rig, query)
}

/// The end of what was asked.
#[track_caller]
fn outcome<Q: Query>(rig: &mut Rig, query: &Q) -> Result<Q::Answer, Fault> {
    match rig.done()? {
        Answer::Count(_) => query.parse(Lines::new(rig.engine.data())),
        other => panic!("{other:?}"),
    }
}

/// A modem that has answered already.
fn rig() -> Rig {
    Rig::new(common::config(), 0)
}
