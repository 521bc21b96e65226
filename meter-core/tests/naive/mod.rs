//! The forecast of a period as its description reads, in floats and with every day kept.

use std::collections::BTreeMap;

use meter_core::clock::Date;

pub(crate) struct Forecast {
    prior: f64,
    months: [f64; 12],
    week: [f64; 7],
    days: BTreeMap<i64, f64>,
    long_run: f64,
    /// By day: the level without season, and the mean season of its window.
    levels: BTreeMap<i64, (f64, f64)>,
    /// Sums of the season squared, product, error squared, and the number.
    season: [f64; 4],
    scales: [(f64, f64); 3],
    quantiles: (f64, f64),
}

impl Forecast {
    pub(crate) fn new(prior: f64, months: [u16; 12], week: [u16; 7]) -> Self {
        Self {
            prior,
            months: months.map(|month| f64::from(month) / 1_000.0),
            week: week.map(|day| f64::from(day) / 1_000.0),
            days: BTreeMap::new(),
            long_run: prior,
            levels: BTreeMap::new(),
            season: [0.0, 0.0, 0.04, 4.0],
            scales: [(0.20, 2.0), (0.17, 2.0), (0.14, 2.0)],
            quantiles: (-1.5, 1.5),
        }
    }

    fn season_of(&self, day: i64) -> f64 {
        let date = Date::of_days(day);
        let middle = |months: i64| {
            let month = i64::from(date.month()) - 1 + months;
            let year = i64::from(date.year()) + month.div_euclid(12);
            let month = month.rem_euclid(12);
            let middle = Date::new(year as u16, month as u8 + 1, 15)
                .expect("a date")
                .days();
            (middle, self.months[month as usize])
        };
        let (before, after) = if date.day() >= 15 {
            (middle(0), middle(1))
        } else {
            (middle(-1), middle(0))
        };
        let share = (day - before.0) as f64 / (after.0 - before.0) as f64;
        before.1 + (after.1 - before.1) * share
    }

    fn weight(&self) -> f64 {
        let [season, product, error, count] = self.season;
        let doubt = 16.0 * error / count;
        ((doubt * 0.5 + product) / (doubt + season)).clamp(-1.0, 3.0)
    }

    fn seen(&self, season: f64) -> f64 {
        (1.0 + self.weight() * (season - 1.0)).max(0.25)
    }

    fn last(&self, today: i64, count: i64) -> Vec<(i64, f64)> {
        let range = self.days.range(today - count + 1..=today);
        range.map(|(&day, &energy)| (day, energy)).collect()
    }

    fn level(&self, today: i64) -> (f64, [f64; 7]) {
        let window = self.last(today, 28);
        let weekday = |day: i64| usize::from(Date::of_days(day).weekday().from_monday());
        let days: Vec<(usize, f64)> = window
            .iter()
            .map(|&(day, energy)| (weekday(day), energy / self.seen(self.season_of(day))))
            .collect();
        let week = if days.len() < 14 {
            self.week
        } else {
            week_of(&days)
        };
        let mut plain: Vec<f64> = days
            .iter()
            .map(|&(day, energy)| energy / week[day])
            .collect();
        plain.sort_by(f64::total_cmp);
        let quarter = plain.len() / 4;
        let middle = mean(&plain[quarter..plain.len() - quarter]);
        let recent = (middle + mean(&plain)) / 2.0;
        let level = recent * 7.0 / 8.0 + self.long_run / 8.0;
        let known = days.len() as f64;
        if known < 28.0 {
            let besides = if self.days.len() < 28 {
                self.prior
            } else {
                self.long_run
            };
            ((level * known + besides * 3.0) / (known + 3.0), week)
        } else {
            (level, week)
        }
    }

    pub(crate) fn close_day(&mut self, date: Date, energy: f64) {
        let today = date.days();
        self.days.insert(today, energy);
        let known = (self.days.len() as f64 + 3.0).min(128.0);
        let plain = energy / self.seen(self.season_of(today));
        self.long_run += (plain - self.long_run) / known;
        let is_time = match self.levels.last_key_value() {
            Some((&last, _)) => today - last >= 7,
            None => self.days.len() >= 7,
        };
        if is_time {
            self.look_back(today);
        }
    }

    fn look_back(&mut self, today: i64) {
        for (number, horizon) in [7, 14, 28].into_iter().enumerate() {
            let off = |day: i64| (today - day).abs_diff(horizon);
            let nearest = self.levels.iter().min_by_key(|(day, _)| off(**day));
            let Some((&day, &(level, season_then))) = nearest else {
                continue;
            };
            let window = self.last(today, (today - day).min(28));
            if off(day) > horizon as u64 / 4 || 2 * window.len() < horizon as usize {
                continue;
            }
            let plain: Vec<f64> = window
                .iter()
                .map(|&(day, energy)| energy / self.seen(self.season_of(day)))
                .collect();
            let error = mean(&plain) / level - 1.0;
            let (scale, count) = &mut self.scales[number];
            let below = |quantile: f64| f64::from(u8::from(error < quantile * *scale));
            self.quantiles.0 += (0.1 - below(self.quantiles.0)) / 16.0;
            self.quantiles.1 += (0.9 - below(self.quantiles.1)) / 16.0;
            *count = (*count + 1.0).min(16.0);
            *scale += (error.abs().min(3.0 * *scale + 0.05) - *scale) / *count;
            if horizon == 28 {
                let flat: Vec<f64> = window.iter().map(|&(_, energy)| energy).collect();
                let seasons: Vec<f64> =
                    window.iter().map(|&(day, _)| self.season_of(day)).collect();
                let moved = mean(&seasons) / season_then - 1.0;
                let change = mean(&flat) / (level * self.seen(season_then)) - 1.0;
                let change = change.clamp(-0.5, 0.5);
                let new = [moved * moved, moved * change, change * change, 1.0];
                for (sum, new) in self.season.iter_mut().zip(new) {
                    *sum += new - *sum / 128.0;
                }
            }
        }
        let seasons = self
            .last(today, 28)
            .into_iter()
            .map(|(day, _)| self.season_of(day));
        let season = mean(&seasons.collect::<Vec<f64>>());
        let level = self.level(today).0;
        self.levels.insert(today, (level, season));
    }

    /// Lower end, expected, upper end.
    pub(crate) fn rest(&self, from: Date, days: u16) -> [f64; 3] {
        let (level, week) = self.level(from.days() - 1);
        let factor = |day: i64| {
            let weekday = usize::from(Date::of_days(day).weekday().from_monday());
            week[weekday] * self.seen(self.season_of(day))
        };
        let first = from.days();
        let expected = level * (first..first + i64::from(days)).map(factor).sum::<f64>();
        let [(week, _), (fortnight, _), (month, _)] = self.scales;
        let length = f64::from(days);
        let scale = match days {
            0..7 => week * (7.0 / length).sqrt(),
            7..14 => week + (fortnight - week) * (length - 7.0) / 7.0,
            14..28 => fortnight + (month - fortnight) * (length - 14.0) / 14.0,
            _ => month,
        };
        let (low, high) = self.quantiles;
        [low * scale, 0.0, high * scale].map(|error| expected * (1.0 + error).max(0.0))
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The weights of the weekdays, drawn to one by the share of chance.
fn week_of(days: &[(usize, f64)]) -> [f64; 7] {
    let all: Vec<f64> = days.iter().map(|&(_, energy)| energy).collect();
    let overall = mean(&all);
    let groups: Vec<Vec<f64>> = (0..7)
        .map(|weekday| {
            let same = days.iter().filter(|&&(day, _)| day == weekday);
            same.map(|&(_, energy)| energy / overall).collect()
        })
        .collect();
    let within: f64 = groups
        .iter()
        .flat_map(|group| group.iter().map(|value| (value - mean(group)).powi(2)))
        .sum();
    let between: f64 = groups
        .iter()
        .map(|group| group.len() as f64 * (mean(group) - 1.0).powi(2))
        .sum();
    let f = between / 6.0 / (within / (days.len() as f64 - 7.0));
    let kept = (1.0 - 1.0 / f).max(0.0);
    let weights: Vec<f64> = groups
        .iter()
        .map(|group| (1.0 + kept * (mean(group) - 1.0)).max(0.02))
        .collect();
    weights.try_into().expect("seven days")
}
