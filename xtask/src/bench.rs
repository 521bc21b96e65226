//! The figures of the project's budgets that can be measured today, each beside its budget.

use crate::boards;
use crate::process::{Log, Outcome};

/// One row of the table.
struct Figure {
    what: &'static str,
    budget: &'static str,
    found: Outcome,
}

/// Measures and prints every figure; one that cannot be measured says why.
pub(crate) fn run(log: &mut Log) -> Outcome {
    let figures = [Figure {
        what: "firmware image on the STM32F405",
        budget: "<= 131072 B flash, <= 32768 B RAM",
        found: firmware(log),
    }];
    for Figure {
        what,
        budget,
        found,
    } in figures
    {
        let found = found.unwrap_or_else(|reason| format!("not measured: {reason}"));
        println!("{what}\n    budget {budget}\n    found  {found}");
    }
    Ok(String::new())
}

fn firmware(log: &mut Log) -> Outcome {
    let toolchain = boards::one(log, "examples/boards/qemu-f405")?;
    let size = boards::size(log, &toolchain, "qemu-f405")?;
    Ok(format!("{} B flash, {} B RAM", size.flash, size.ram))
}
