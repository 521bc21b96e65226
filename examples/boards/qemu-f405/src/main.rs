//! The meter on QEMU's STM32F405: see the README for what is wired to what.

#![no_std]
#![no_main]

mod executor;
mod flash;
mod host;
mod time;
mod uart;

use core::fmt::Write as _;

use cortex_m::peripheral::NVIC;
use cortex_m_rt::entry;
use embassy_futures::select::{Either, select};
use embedded_hal_async::delay::DelayNs;
use firmware::board::{NoKey, NoWarning};
use firmware::config::{Broker, Profile};
use firmware::metering::SinglePhase;
use firmware::{Config, Monitor, Parts, StartError};
use meter_core::clock::TimeZone;
use meter_proto::topic::MeterId;
use panic_semihosting as _;
use stm32f4xx_hal::pac::{self, Interrupt, UART4, USART2, USART3, interrupt};
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc;
use stm32f4xx_hal::serial::{Serial, Tx};
use stpm3x::asynch::{Stpm3x, Uart};
use stpm3x::{ConfigError, Divider, FrontEnd, Gain, Pins, Sensor, Stpm32};

use flash::{Flash, FlashError, layout};
use time::Time;
use uart::{Inbox, Port};

static METER: Inbox<USART3> = Inbox::new();
static MODEM: Inbox<UART4> = Inbox::new();

#[interrupt]
fn USART3() {
    METER.collect();
}

#[interrupt]
fn UART4() {
    MODEM.collect();
}

/// What is on the board, opened.
struct Board {
    console: Tx<USART2>,
    meter: Port<USART3>,
    modem: Port<UART4>,
}

#[entry]
fn main() -> ! {
    let (Some(core), Some(chip)) = (cortex_m::Peripherals::take(), pac::Peripherals::take()) else {
        panic!("something took the peripherals before main");
    };
    let Some(mut board) = open(chip) else {
        panic!("a serial port refused its baud rate")
    };
    time::start(core.SYST);
    // SAFETY: both handlers only take what their inbox shares under a critical section, and
    // no code here relies on these interrupts being masked.
    unsafe {
        NVIC::unmask(Interrupt::USART3);
        NVIC::unmask(Interrupt::UART4);
    }
    match executor::block_on(run(&mut board)) {
        Ok(reason) => panic!("the meter did not start: {reason:?}"),
        Err(error) => panic!("the front end makes no meter: {error}"),
    }
}

fn open(chip: pac::Peripherals) -> Option<Board> {
    // QEMU's clock never reports another oscillator ready.
    let mut rcc = chip.RCC.freeze(rcc::Config::hsi());
    let (a, b) = (chip.GPIOA.split(&mut rcc), chip.GPIOB.split(&mut rcc));
    let meter: Serial<_> = chip
        .USART3
        .serial((b.pb10, b.pb11), 9_600.bps(), &mut rcc)
        .ok()?;
    let modem: Serial<_> = chip
        .UART4
        .serial((a.pa0, a.pa1), 115_200.bps(), &mut rcc)
        .ok()?;
    Some(Board {
        console: chip.USART2.tx(a.pa2, 115_200.bps(), &mut rcc).ok()?,
        meter: Port::new(meter, &METER),
        modem: Port::new(modem, &MODEM),
    })
}

/// Runs the meter; it only returns when it cannot start.
async fn run(board: &mut Board) -> Result<StartError<FlashError>, ConfigError> {
    let Board {
        console,
        meter,
        modem,
    } = board;
    let flash = match Flash::open(c"meter.flash") {
        Ok(flash) => flash,
        Err(error) => return Ok(StartError::Flash(error)),
    };
    let divider = Divider {
        upper_ohms: 770_000,
        lower_ohms: 470,
    };
    let front_end = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
    let chip = stpm3x::Config::<Stpm32>::new(front_end)?;
    let chips = SinglePhase::new(Stpm3x::new(Uart::new(meter, Pins::none()), Time, chip));
    let parts = Parts {
        chips,
        time: Time,
        flash,
        layout: layout(),
        serial: modem,
        modem: nbiot_at::Config::new(nbiot_at::Apn::new()),
        key: NoKey,
        power: NoWarning,
    };
    let monitor = Monitor::new();
    let config = config();
    match select(
        firmware::run(parts, &config, &monitor),
        report(console, &monitor),
    )
    .await
    {
        Either::First(reason) => Ok(reason),
        Either::Second(never) => match never {},
    }
}

/// The settings. A real meter takes identity and broker from its own flash, and has intervals of
/// 900 s; these let a minute show something.
fn config() -> Config<'static> {
    Config {
        meter: MeterId(*b"QEMUF405"),
        hardware: "qemu-f405",
        reset_cause: 1,
        fresh_epoch: host::seconds(),
        profile: Profile {
            period: 5,
            batch: 1,
            spread: core::time::Duration::ZERO,
        },
        zone: TimeZone::UTC,
        reading_period: 5,
        broker: Broker {
            host: "head-end",
            port: 1883,
            transport: nbiot_at::Transport::Tcp,
            keep_alive: 60,
            credentials: None,
        },
    }
}

/// Says on the console each second what the meter does.
async fn report(console: &mut Tx<USART2>, monitor: &Monitor) -> core::convert::Infallible {
    loop {
        let values = monitor.values();
        for phase in values.sample.phases() {
            // A console that cannot be written to has no way to say so.
            let _ = write!(
                console,
                "{} {} {} ",
                phase.voltage, phase.current, phase.active
            );
        }
        let (link, waiting) = (monitor.link(), monitor.waiting());
        let _ = writeln!(
            console,
            "import {} {link:?} {waiting} waiting",
            values.energy.import
        );
        Time.delay_ms(1_000).await;
    }
}
