//! Scores the meter's forecasts on a household, beside the usual simple ones.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use forecast::household;
use forecast::plot;
use forecast::score::{self, ORIGINS, Score, Scores, best};
use serde_json::json;

/// Scores the forecasts of meter-core on households, beside the simple ones they must beat.
///
/// Each file is one household: a row a day, `date,h00,...,h47`, whole Wh, an empty cell where a
/// half hour is missing. At day 3, 7, 10, 14 and 21 of every month its total is forecast from what
/// came before, and every day the half hours of the next one. One setting serves all households.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Examples:
  forecast                          the household in examples/data
  forecast mine.csv yours.csv       other households
  forecast --plot months.svg        draws each month's forecast, its band and the truth"
)]
struct Options {
    /// Households to score
    #[arg(value_name = "CSV")]
    households: Vec<PathBuf>,

    /// Draw the forecasts of the last household into this SVG file
    #[arg(long, value_name = "SVG")]
    plot: Option<PathBuf>,

    /// Print one JSON object for each household instead of tables
    #[arg(long)]
    json: bool,
}

/// The household of this repository.
const SHIPPED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../data/household_a_halfhour.csv"
);

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("forecast: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let shipped = [PathBuf::from(SHIPPED)];
    let households = if options.households.is_empty() {
        &shipped[..]
    } else {
        &options.households
    };
    for path in households {
        let scores = score::score(&household::read(path)?);
        anyhow::ensure!(
            !scores.forecasts.is_empty(),
            "{} holds no whole month after its first four weeks",
            path.display()
        );
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if options.json {
            println!("{}", as_json(&name, &scores));
        } else {
            print(&name, &scores);
        }
        if let Some(plot) = &options.plot {
            std::fs::write(plot, plot::months(&scores))
                .with_context(|| format!("cannot write {}", plot.display()))?;
        }
    }
    Ok(())
}

fn print(name: &str, scores: &Scores) {
    let head: String = ORIGINS
        .iter()
        .map(|day| format!("{:>8}", format!("day {day}")))
        .collect();
    println!("{name}\n\nMonth's total, MAPE in %{:>14}{head}", "mean");
    scores.months.iter().for_each(row);
    println!("\nThe same, meter new on the 1st{:>8}{head}", "mean");
    scores.first_month.iter().for_each(row);
    println!("\nHalf hours of the next day, MASE");
    scores.profile.iter().for_each(row);
    println!(
        "\nWithin the 80 % band: {:.1} % of {} forecasts\n",
        scores.coverage(),
        scores.forecasts.len()
    );
}

fn row(score: &Score) {
    let values = match score.values.as_slice() {
        [_] => String::new(),
        many => many.iter().map(|&value| shown(value, 2)).collect(),
    };
    println!("  {:<28}{}{values}", score.name, shown(score.mean(), 3));
}

/// A figure; a dash where a forecast needs more days than there are.
fn shown(value: f64, places: usize) -> String {
    if value.is_nan() {
        format!("{:>8}", "-")
    } else {
        format!("{value:8.places$}")
    }
}

fn as_json(name: &str, scores: &Scores) -> serde_json::Value {
    let ours = |scores: &[Score]| scores.first().map(Score::mean);
    let simple = |scores: &[Score]| best(scores).map(Score::mean);
    json!({
        "household": name,
        "month_mape": ours(&scores.months),
        "month_mape_best_simple": simple(&scores.months),
        "first_month_mape": ours(&scores.first_month),
        "first_month_mape_best_simple": simple(&scores.first_month),
        "profile_mase": ours(&scores.profile),
        "profile_mase_best_simple": simple(&scores.profile),
        "band_coverage": scores.coverage(),
    })
}
