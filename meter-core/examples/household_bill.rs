//! From the counters of a metering chip to the bill of a real household.
//!
//! `cargo run -p meter-core --example household_bill` plays January 2013 of the household in
//! `examples/data` second by second. `docs/from-counters-to-bill.md` explains what it prints.

use std::error::Error;
use std::fmt::Write as _;

use meter_core::accuracy::PulseConstant;
use meter_core::calendar::{Calendar, Rate, Season, Switch, TimeOfUse, Week};
use meter_core::clock::{Date, DaylightSaving, TimeZone};
use meter_core::demand::{Demand, MaximumDemand, Window};
use meter_core::energy::{Counter, EnergyRegisters};
use meter_core::forecast::{EnergyForecast, Prior, RateShares, StandardProfile};
use meter_core::pulse::Pulses;
use meter_core::rates::RateRegisters;
use meter_core::scale::Ratio;
use meter_core::tariff::{Bill, Consumption, Rounded, Rounding, Tariff};
use meter_core::units::{
    ClockShift, MicroCurrency, MilliwattHours, PartsPerMillion, Seconds, UtcSeconds, WattHours,
};

/// A date and its half hours in Wh.
type Day = (Date, Vec<u32>);

const HALF_HOUR: u32 = 1_800;
const DAY_SECONDS: u64 = 86_400;

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", report()?);
    Ok(())
}

/// The household's half hours in Wh, by day; a day with a missing half hour is left out.
fn household() -> Result<Vec<Day>, Box<dyn Error>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/data/household_a_halfhour.csv"
    );
    let text = std::fs::read_to_string(path)?;
    let mut days = Vec::new();
    for row in text.lines().skip(1) {
        let mut cells = row.split(',');
        let mut date = cells
            .next()
            .unwrap_or_default()
            .splitn(3, '-')
            .map(str::parse::<u16>);
        let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) =
            (date.next(), date.next(), date.next())
        else {
            continue;
        };
        let date = Date::new(year, u8::try_from(month)?, u8::try_from(day)?);
        let half_hours: Result<Vec<u32>, _> = cells.map(str::parse).collect();
        if let (Some(date), Ok(half_hours)) = (date, half_hours) {
            days.push((date, half_hours));
        }
    }
    Ok(days)
}

/// The chip's side: an energy counter of 32 bits that runs evenly through each half hour.
struct Chip {
    lsb: Ratio,
    counter: u32,
    /// What is not a whole count yet, in µWs of `lsb.den()` and 1/1800 of it.
    rest: u128,
}

impl Chip {
    fn a_second(&mut self, half_hour: u32) -> u32 {
        self.rest += u128::from(half_hour) * 3_600_000_000 * u128::from(self.lsb.den());
        let count = u128::from(self.lsb.num()) * u128::from(HALF_HOUR);
        self.counter = self.counter.wrapping_add((self.rest / count) as u32);
        self.rest %= count;
        self.counter
    }
}

/// The meter's side.
struct Meter {
    lsb: Ratio,
    counter: Counter,
    registers: EnergyRegisters,
    led: Pulses,
    pulses: u64,
    tariff: TimeOfUse,
    rates: RateRegisters,
    demand: Demand,
    maximum: MaximumDemand,
    /// The register at the end of the last half hour.
    half_hour: MilliwattHours,
}

const DAY: Rate = Rate::FIRST;

impl Meter {
    fn new(lsb: Ratio) -> Result<Self, Box<dyn Error>> {
        let night = Rate::new(2).ok_or("eight rates")?;
        let every_day = [Switch::at(0, 0, night), Switch::at(7, 0, DAY)];
        let all_year = [Season {
            month: 1,
            day: 1,
            week: 0,
        }];
        let calendar = Calendar::new(&all_year, &[Week([0; 7])], &[&every_day], &[])?;
        let london = TimeZone::new(ClockShift::ZERO, Some(DaylightSaving::EUROPEAN_UNION))?;
        Ok(Self {
            lsb,
            counter: Counter::from_zero(),
            registers: EnergyRegisters::new(),
            led: Pulses::new(PulseConstant::new(1_000)?),
            pulses: 0,
            tariff: TimeOfUse::new(london, calendar, DAY),
            rates: RateRegisters::default(),
            demand: Demand::new(Window::Block, Seconds::new(HALF_HOUR), 1)?,
            maximum: MaximumDemand::default(),
            half_hour: MilliwattHours::ZERO,
        })
    }

    /// Takes the chip's reading of a second that ends at `now`.
    fn a_second(&mut self, now: UtcSeconds, reading: u32) {
        let step = self.counter.advance(reading);
        self.registers.book(step.into(), 0);
        self.pulses += self.led.advance(step.unsigned_abs(), self.lsb);
        let import = self.registers.read(self.lsb).import;
        // The rate that was in force in the second that ends now.
        let began = UtcSeconds::new(now.get() - 1);
        self.rates.book(self.tariff.rate(Some(began)), import);
        if now.get().is_multiple_of(HALF_HOUR.into()) {
            let energy = import.checked_sub(self.half_hour).unwrap_or_default();
            if let Some(demand) = self.demand.close(now, energy) {
                self.maximum.offer(demand, now);
            }
            self.half_hour = import;
        }
    }

    /// What the period used, as a bill wants it.
    fn consumption(&self, days: u16) -> Consumption {
        let mut used = Consumption {
            days,
            ..Consumption::default()
        };
        used.import = self.rates.readings().map(MilliwattHours::whole_watt_hours);
        used.demand = self
            .maximum
            .present()
            .map_or(used.demand, |peak| peak.demand);
        used
    }
}

/// Prices that were made up for this page.
fn prices() -> Tariff {
    let mut tariff = Tariff {
        standing_per_day: MicroCurrency::new(450_000),
        tax: PartsPerMillion::new(50_000),
        rounding: Rounding {
            unit: MicroCurrency::new(10_000),
            what: Rounded::Lines,
            ..Rounding::default()
        },
        ..Tariff::default()
    };
    tariff.import_per_kilowatt_hour[0] = MicroCurrency::new(283_400);
    tariff.import_per_kilowatt_hour[1] = MicroCurrency::new(141_700);
    tariff
}

/// Everything that the page shows.
pub(crate) fn report() -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    let days = household()?;
    let in_january = |date: &Date| (date.year(), date.month()) == (2013, 1);
    let january: Vec<_> = days.iter().filter(|(date, _)| in_january(date)).collect();
    let mut forecast = EnergyForecast::new(Prior {
        yearly: WattHours::new(3_650_000),
        profile: &StandardProfile::H25,
    });
    let before = days
        .iter()
        .filter(|(date, _)| date.days() < january[0].0.days());
    for (date, half_hours) in before {
        forecast.close_day(*date, total(half_hours))?;
    }

    // 770 kΩ over 470 Ω, a shunt of 300 µΩ, gain 16: what `Scales::energy_lsb` of stpm3x gives.
    let lsb = Ratio::new(268_200_607, 884_352).ok_or("a ratio")?;
    let mut chip = Chip {
        lsb,
        counter: 0,
        rest: 0,
    };
    let mut meter = Meter::new(lsb)?;
    let mut shares = RateShares::default();
    let mut guess = None;
    let mut wraps = 0;
    for (date, half_hours) in &january {
        let rates_before = meter.rates.readings();
        wraps += a_day(&mut text, &mut chip, &mut meter, *date, half_hours)?;
        let mut by_rate = meter.rates.readings();
        for (now, before) in by_rate.iter_mut().zip(rates_before) {
            *now = now.checked_sub(before).unwrap_or_default();
        }
        shares.close_day(&by_rate.map(MilliwattHours::whole_watt_hours));
        forecast.close_day(*date, total(half_hours))?;
        if date.day() == 10 {
            let rest = forecast.rest(Date::of_days(date.days() + 1), 21);
            guess = Some((meter.consumption(10), rest));
        }
    }
    registers(&mut text, &meter, wraps, &january)?;
    let used = meter.consumption(31);
    let bill = prices().bill(&used)?;
    lines(&mut text, &used, &bill)?;
    let (so_far, rest) = guess.ok_or("January has a 10th")?;
    let expected = prices().forecast(&so_far, rest, 21, &shares)?;
    let energy = rest.after(sum(&so_far));
    let rows = [
        ("\nexpected ", energy.expected, expected.expected.total),
        ("80 % from", energy.low, expected.low.total),
        ("       to", energy.high, expected.high.total),
        ("it became", sum(&used), bill.total),
    ];
    for (name, energy, amount) in rows {
        writeln!(
            text,
            "{name} {:>12}  {:>7}",
            energy.to_string(),
            money(amount)
        )?;
    }
    Ok(text)
}

/// Plays a day second by second; how often the counter wrapped.
fn a_day(
    text: &mut String,
    chip: &mut Chip,
    meter: &mut Meter,
    date: Date,
    half_hours: &[u32],
) -> Result<u32, Box<dyn Error>> {
    let midnight = date.days().unsigned_abs() * DAY_SECONDS;
    let mut wraps = 0;
    for second in 1..=DAY_SECONDS {
        let half_hour = half_hours[usize::try_from((second - 1) / u64::from(HALF_HOUR))?];
        let last = chip.counter;
        let reading = chip.a_second(half_hour);
        wraps += u32::from(reading < last);
        if date.day() == 15 && (28_801..=28_803).contains(&second) {
            writeln!(
                text,
                "08:00:0{}  counter {reading:>10}  step {:>6}  register {}",
                second - 28_800,
                reading.wrapping_sub(last),
                meter.registers.read(meter.lsb).import,
            )?;
        }
        meter.a_second(UtcSeconds::new(midnight + second), reading);
    }
    Ok(wraps)
}

fn registers(
    text: &mut String,
    meter: &Meter,
    wraps: u32,
    january: &[&Day],
) -> Result<(), Box<dyn Error>> {
    let read = meter.registers.read(meter.lsb);
    let truth: u64 = january
        .iter()
        .map(|(_, half_hours)| total(half_hours).get())
        .sum();
    let peak = meter.maximum.present().ok_or("a month has a maximum")?;
    let zone = TimeZone::new(ClockShift::ZERO, Some(DaylightSaving::EUROPEAN_UNION))?;
    let night = Rate::new(2).ok_or("eight rates")?;
    writeln!(text, "\nhousehold         {}", WattHours::new(truth))?;
    writeln!(text, "import register   {}", read.import)?;
    writeln!(text, "  of it by day    {}", meter.rates.reading(DAY))?;
    writeln!(text, "  of it at night  {}", meter.rates.reading(night))?;
    writeln!(text, "LED pulses        {}", meter.pulses)?;
    writeln!(text, "counter wraps     {wraps}")?;
    writeln!(
        text,
        "maximum demand    {} at {}\n",
        peak.demand,
        zone.wall(peak.end)
    )?;
    Ok(())
}

fn lines(text: &mut String, used: &Consumption, bill: &Bill) -> Result<(), Box<dyn Error>> {
    let [day, night, ..] = used.import;
    writeln!(
        text,
        "day        {:>12}  x 0.2834  {:>8}",
        day.to_string(),
        money(bill.import[0])
    )?;
    writeln!(
        text,
        "night      {:>12}  x 0.1417  {:>8}",
        night.to_string(),
        money(bill.import[1])
    )?;
    writeln!(
        text,
        "standing   {:>12}  x 0.4500  {:>8}",
        "31 days",
        money(bill.standing)
    )?;
    writeln!(text, "net        {:>22}  {:>8}", "", money(bill.net))?;
    writeln!(text, "tax 5 %    {:>22}  {:>8}", "", money(bill.tax))?;
    writeln!(text, "total      {:>22}  {:>8}", "", money(bill.total))?;
    Ok(())
}

fn total(half_hours: &[u32]) -> WattHours {
    WattHours::new(half_hours.iter().map(|&wh| u64::from(wh)).sum())
}

fn sum(used: &Consumption) -> WattHours {
    WattHours::new(used.import.iter().map(|rate| rate.get()).sum())
}

/// An amount in whole cents, as the rounding rule leaves it.
fn money(amount: MicroCurrency) -> String {
    let cents = amount.get() / 10_000;
    format!("{}.{:02}", cents / 100, cents % 100)
}
