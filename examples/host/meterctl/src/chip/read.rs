//! `read`: what the chip measures.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use stpm3x::part::Model;
use stpm3x::{
    Averages, Calibration, Channel, ChannelAverages, Config, ConfigError, Detail, FullSnapshot,
    Reading, Scales, Snapshot, Stpm32, Stpm33, Stpm34,
};

use super::{Meter, Say, explain};

/// What a part has of its secondary channel.
pub(super) trait Channels: Model {
    fn second_averages(averages: &Averages<Self>) -> Option<&ChannelAverages>;
    fn calibrated(
        config: &Config<Self>,
        channel: Channel,
        codes: Calibration,
    ) -> Result<Config<Self>, ConfigError>;
    fn second(snapshot: &Snapshot<Self>) -> Option<&Reading>;
    fn second_detail(snapshot: &FullSnapshot<Self>) -> Option<&Detail>;
    fn second_scales(config: &Config<Self>) -> Option<Scales>;
}

impl Channels for Stpm32 {
    fn second_averages(_: &Averages<Self>) -> Option<&ChannelAverages> {
        None
    }

    fn calibrated(
        config: &Config<Self>,
        _: Channel,
        codes: Calibration,
    ) -> Result<Config<Self>, ConfigError> {
        config.with_calibration(codes)
    }

    fn second(_: &Snapshot<Self>) -> Option<&Reading> {
        None
    }

    fn second_detail(_: &FullSnapshot<Self>) -> Option<&Detail> {
        None
    }

    fn second_scales(_: &Config<Self>) -> Option<Scales> {
        None
    }
}

macro_rules! two_channels {
    ($part:ident) => {
        impl Channels for $part {
            fn second_averages(averages: &Averages<Self>) -> Option<&ChannelAverages> {
                averages.secondary()
            }

            fn calibrated(
                config: &Config<Self>,
                channel: Channel,
                codes: Calibration,
            ) -> Result<Config<Self>, ConfigError> {
                match channel {
                    Channel::Primary => config.with_calibration(codes),
                    Channel::Secondary => config.with_secondary_calibration(codes),
                }
            }

            fn second(snapshot: &Snapshot<Self>) -> Option<&Reading> {
                snapshot.secondary()
            }

            fn second_detail(snapshot: &FullSnapshot<Self>) -> Option<&Detail> {
                snapshot.secondary()
            }

            fn second_scales(config: &Config<Self>) -> Option<Scales> {
                config.secondary_scales()
            }
        }
    };
}

two_channels!(Stpm33);
two_channels!(Stpm34);

/// One channel of one latch.
struct Shown<'a> {
    name: &'static str,
    reading: &'a Reading,
    detail: Option<&'a Detail>,
    scales: Scales,
}

pub(super) fn run<M: Channels>(
    meter: &mut Meter<M>,
    say: Say,
    watch: bool,
    full: bool,
) -> Result<()> {
    loop {
        meter.latch().map_err(explain)?;
        let whole = full
            .then(|| meter.full_snapshot())
            .transpose()
            .map_err(explain)?;
        let basic = match &whole {
            Some(whole) => whole.basic,
            None => meter.snapshot().map_err(explain)?,
        };
        let mut channels = vec![Shown {
            name: "primary",
            reading: &basic.primary,
            detail: whole.as_ref().map(|whole| &whole.primary),
            scales: meter.config().scales(),
        }];
        if let Some((reading, scales)) = M::second(&basic).zip(M::second_scales(meter.config())) {
            channels.push(Shown {
                name: "secondary",
                reading,
                detail: whole.as_ref().and_then(M::second_detail),
                scales,
            });
        }
        say.either(
            || Value::Array(channels.iter().map(Shown::json).collect()),
            || table(&channels),
        );
        if !watch {
            return Ok(());
        }
        thread::sleep(Duration::from_secs(1));
    }
}

impl Shown<'_> {
    fn json(&self) -> Value {
        let Self {
            reading, scales, ..
        } = self;
        let mut value = json!({
            "channel": self.name,
            "voltage_mv": reading.voltage(scales).get(),
            "current_ma": reading.current(scales).get(),
            "active_mw": reading.active(scales).get(),
            "reactive_mvar": reading.reactive(scales).get(),
            "apparent_mva": reading.apparent(scales).get(),
            "frequency_mhz": reading.frequency(scales).map(|frequency| frequency.get()),
            "energy_counts": {
                "active": reading.energy.active, "fundamental": reading.energy.fundamental,
                "reactive": reading.energy.reactive, "apparent": reading.energy.apparent,
            },
            "status": reading.status.into_bits(), "events": reading.events.into_bits(),
        });
        if let (Some(detail), Some(object)) = (self.detail, value.as_object_mut()) {
            object.insert("detail".into(), self.detail_json(detail));
        }
        value
    }

    fn detail_json(&self, detail: &Detail) -> Value {
        let scales = &self.scales;
        json!({
            "voltage_sample_uv": scales.voltage_sample_uv(detail.voltage_sample),
            "current_sample_ua": scales.current_sample_ua(detail.current_sample),
            "phase_angle_mdeg": scales.phase_angle(detail.phase_angle, self.reading.period),
            "momentary_active_mw": scales.active_power(detail.momentary_active).get(),
            "ampere_hour_counts": detail.ampere_hours,
            "sag_us": scales.time_us(detail.sag_time),
            "voltage_swell_us": scales.time_us(detail.voltage_swell_time),
            "current_swell_us": scales.time_us(detail.current_swell_time),
        })
    }
}

fn table(channels: &[Shown<'_>]) {
    let row = |name: &str, value: &dyn Fn(&Shown<'_>) -> String| {
        let mut line = format!("{name:<11}");
        channels
            .iter()
            .for_each(|shown| line += &format!("{:<26}", value(shown)));
        println!("{}", line.trim_end());
    };
    if channels.len() > 1 {
        row("", &|shown| shown.name.to_string());
    }
    row("voltage", &|s| s.reading.voltage(&s.scales).to_string());
    row("current", &|s| s.reading.current(&s.scales).to_string());
    row("active", &|s| s.reading.active(&s.scales).to_string());
    row("reactive", &|s| s.reading.reactive(&s.scales).to_string());
    row("apparent", &|s| s.reading.apparent(&s.scales).to_string());
    row("frequency", &|s| match s.reading.frequency(&s.scales) {
        Some(frequency) => frequency.to_string(),
        None => "none: no zero crossings".to_string(),
    });
    row("energy", &|s| format!("{} counts", s.reading.energy.active));
    if channels.iter().all(|shown| shown.detail.is_some()) {
        let detail = |shown: &Shown<'_>, text: &dyn Fn(&Detail) -> String| {
            shown.detail.map(text).unwrap_or_default()
        };
        row("sample", &|s| {
            detail(s, &|d| {
                let volts = s.scales.voltage_sample_uv(d.voltage_sample) as f64 / 1e6;
                let amps = s.scales.current_sample_ua(d.current_sample) as f64 / 1e6;
                format!("{volts:.3} V {amps:.3} A")
            })
        });
        row("angle", &|s| {
            detail(s, &|d| {
                let angle = s.scales.phase_angle(d.phase_angle, s.reading.period);
                format!("{:.1}°", f64::from(angle) / 1e3)
            })
        });
        row("in sag", &|s| {
            detail(s, &|d| format!("{} µs", s.scales.time_us(d.sag_time)))
        });
    }
}
