//! What is wired to the chip, in words of the command line.

use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};
use stpm3x::{Divider, FrontEnd, Gain, LineFrequency, Sensor};

/// What is wired to the chip; both channels alike.
#[derive(Args, Clone)]
pub(crate) struct Board {
    /// Which chip is fitted: it cannot tell itself
    #[arg(long, value_enum, default_value = "stpm34")]
    pub(crate) part: PartName,
    /// Voltage divider in ohms: the upper resistors together, and the lower one
    #[arg(long, value_name = "UPPER:LOWER", default_value = "770000:470", value_parser = divider)]
    divider: Divider,
    /// shunt:MICROOHMS, transformer:TURNS:BURDEN_MILLIOHMS or rogowski:MICROVOLTS_PER_AMP
    #[arg(long, default_value = "shunt:300", value_parser = sensor)]
    sensor: Sensor,
    /// Gain of the current channel: 2, 4, 8 or 16
    #[arg(long, default_value = "16", value_parser = gain)]
    gain: Gain,
    /// Reference voltage in microvolts
    #[arg(long, default_value_t = 1_180_000)]
    reference: u32,
    /// The line is one of 60 Hz
    #[arg(long)]
    sixty_hertz: bool,
}

impl Board {
    pub(crate) fn front_end(&self) -> FrontEnd {
        FrontEnd {
            reference_uv: self.reference,
            ..FrontEnd::new(self.divider, self.sensor, self.gain)
        }
    }

    pub(crate) fn line(&self) -> LineFrequency {
        if self.sixty_hertz {
            LineFrequency::Hz60
        } else {
            LineFrequency::Hz50
        }
    }
}

impl Default for Board {
    fn default() -> Self {
        Self {
            part: PartName::Stpm34,
            divider: Divider {
                upper_ohms: 770_000,
                lower_ohms: 470,
            },
            sensor: Sensor::Shunt { micro_ohms: 300 },
            gain: Gain::X16,
            reference: 1_180_000,
            sixty_hertz: false,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum PartName {
    Stpm32,
    Stpm33,
    Stpm34,
}

fn divider(text: &str) -> Result<Divider> {
    let (upper, lower) = text
        .split_once(':')
        .context("two numbers with a colon are needed")?;
    Ok(Divider {
        upper_ohms: upper.parse()?,
        lower_ohms: lower.parse()?,
    })
}

fn sensor(text: &str) -> Result<Sensor> {
    match text.split(':').collect::<Vec<_>>().as_slice() {
        ["shunt", value] => Ok(Sensor::Shunt {
            micro_ohms: value.parse()?,
        }),
        ["transformer", turns, burden] => Ok(Sensor::CurrentTransformer {
            turns: turns.parse()?,
            burden_milliohms: burden.parse()?,
        }),
        ["rogowski", value] => Ok(Sensor::Rogowski {
            microvolts_per_amp: value.parse()?,
        }),
        _ => Err(anyhow!(
            "shunt:MICROOHMS, transformer:TURNS:BURDEN_MILLIOHMS or rogowski:MICROVOLTS_PER_AMP"
        )),
    }
}

fn gain(text: &str) -> Result<Gain> {
    match text {
        "2" => Ok(Gain::X2),
        "4" => Ok(Gain::X4),
        "8" => Ok(Gain::X8),
        "16" => Ok(Gain::X16),
        _ => Err(anyhow!("the chip has the gains 2, 4, 8 and 16")),
    }
}
