//! The forecasts of meter-core beside the simple ones, on the household of this repository.

use std::path::Path;
use std::sync::LazyLock;

use forecast::score::{Score, Scores, best, score};
use forecast::{household, plot};

static SCORES: LazyLock<Scores> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/household_a_halfhour.csv");
    score(&household::read(&file).expect("the household is there"))
});

fn of(scores: &[Score], name: &str) -> f64 {
    let found = scores.iter().find(|score| score.name == name);
    found.map_or(f64::NAN, Score::mean)
}

/// Published beside the data, where they were computed by another program.
#[test]
fn simple_forecasts_score_what_is_known_of_them() {
    let known = [
        ("mean of 28 days", 7.7),
        ("same weekday, 4 weeks", 7.8),
        ("exponential, 0.1", 9.5),
        ("run rate of the month", 13.1),
        ("same day last week", 13.2),
    ];
    for (name, percent) in known {
        let found = of(&SCORES.months, name);
        assert!((found - percent).abs() < 0.06, "{name}: {found}");
    }
    let known = [
        ("median of 14 days", 0.75),
        ("mean of 28 days", 0.82),
        ("same half hour, day before", 0.93),
        ("same half hour, week before", 1.01),
    ];
    for (name, mase) in known {
        let found = of(&SCORES.profile, name);
        assert!((found - mase).abs() < 0.007, "{name}: {found}");
    }
}

#[test]
fn ours_beat_the_best_of_them() {
    let Scores {
        months,
        first_month,
        profile,
        ..
    } = &*SCORES;
    for (scores, share) in [(months, 0.95), (first_month, 0.80), (profile, 0.98)] {
        let ours = scores.first().expect("ours comes first").mean();
        let best = best(scores).expect("there are simple ones");
        assert!(
            ours < best.mean() * share,
            "{ours} beside {}: {}",
            best.name,
            best.mean()
        );
    }
}

#[test]
fn the_band_holds_what_it_says() {
    let coverage = SCORES.coverage();
    assert!((75.0..=85.0).contains(&coverage), "{coverage} %");
    assert!(SCORES.forecasts.len() >= 60);
}

#[test]
fn the_plot_has_a_dot_for_each_forecast() {
    let svg = plot::months(&SCORES);
    assert_eq!(svg.matches("<circle").count(), SCORES.forecasts.len());
    assert!(!svg.contains("NaN"));
}

#[test]
fn a_bad_file_is_refused_with_its_place() {
    let cases = [
        ("date,h00\n", "holds no day"),
        (
            "date,h00\n2026-01-01,5\n",
            "row 2: a row needs a date and 48 half hours",
        ),
        (
            "date,h00\nyesterday,5\n",
            "row 2: 'yesterday' is no date like 2026-11-27",
        ),
    ];
    for (number, (text, why)) in cases.into_iter().enumerate() {
        let file =
            std::env::temp_dir().join(format!("forecast-{}-{number}.csv", std::process::id()));
        std::fs::write(&file, text).expect("a file in the temporary folder");
        let error = household::read(&file).expect_err("refused");
        std::fs::remove_file(&file).expect("the file is there");
        assert!(format!("{error:#}").contains(why), "{error:#}");
    }
}
