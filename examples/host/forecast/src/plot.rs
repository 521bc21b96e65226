//! The forecasts of a household's months as a picture.

use std::fmt::Write as _;

use crate::score::{Month, Scores};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 48.0;
const TOP: f64 = 28.0;

/// An SVG: for every forecast its band and what was expected, and the truth as a step beside.
pub fn months(scores: &Scores) -> String {
    let mut forecasts = scores.forecasts.clone();
    forecasts.sort_by_key(|month| month.from);
    let most = forecasts.iter().map(|month| month.band[2].max(month.truth));
    let most = most.fold(0.0, f64::max).max(1.0) * 1.05;
    let tick = nice(most / 5.0);
    let step = (WIDTH - LEFT - 8.0) / forecasts.len().max(1) as f64;
    let x = |place: usize| LEFT + step * (place as f64 + 0.5);
    let y = |wh: f64| HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * wh / most;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n\
         <title>Forecasts of each month's energy, with the 80 % band</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"16\">kWh in the month: forecast after day 3, 7, 10, 14, 21 \
         (dot), 80 % band (bar), truth (line)</text>\n"
    );
    for number in 0..=(most / tick) as u32 {
        let wh = tick * f64::from(number);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{0:.1}\" y2=\"{0:.1}\" stroke=\"#dddddd\"/>\
             <text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{3:.0}</text>",
            y(wh),
            LEFT - 6.0,
            y(wh) + 4.0,
            wh / 1_000.0
        );
    }
    for (place, month) in forecasts.iter().enumerate() {
        one(&mut svg, month, x(place), step, y);
        let is_first = place == 0 || !same_month(month, &forecasts[place - 1]);
        if is_first {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\">{}-{:02}</text>",
                x(place) - step / 2.0,
                HEIGHT - BOTTOM + 18.0,
                month.from.year(),
                month.from.month()
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The next of 1, 2 and 5 times a power of ten.
fn nice(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(least)
}

fn same_month(a: &Month, b: &Month) -> bool {
    (a.from.year(), a.from.month()) == (b.from.year(), b.from.month())
}

fn one(svg: &mut String, month: &Month, x: f64, step: f64, y: impl Fn(f64) -> f64) {
    let [low, expected, high] = month.band;
    let _ = writeln!(
        svg,
        "<line x1=\"{0:.1}\" x2=\"{1:.1}\" y1=\"{2:.1}\" y2=\"{2:.1}\" stroke=\"#c0392b\" \
         stroke-width=\"2\"/>\
         <rect x=\"{3:.1}\" y=\"{4:.1}\" width=\"{5:.1}\" height=\"{6:.1}\" fill=\"#2c7fb8\" \
         fill-opacity=\"0.3\"/><circle cx=\"{7:.1}\" cy=\"{8:.1}\" r=\"2.5\" fill=\"#08519c\"/>",
        x - step / 2.0,
        x + step / 2.0,
        y(month.truth),
        x - step * 0.3,
        y(high),
        step * 0.6,
        y(low) - y(high),
        x,
        y(expected)
    );
}
