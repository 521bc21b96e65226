//! The meter on QEMU's STM32F405: see the README for what is wired to what.

#![no_std]
#![no_main]

mod executor;
mod time;
mod uart;

use core::fmt::Write as _;

use cortex_m::peripheral::NVIC;
use cortex_m_rt::entry;
use cortex_m_semihosting::debug;
use embassy_futures::join::join;
use embedded_hal_async::delay::DelayNs;
use embedded_io_async::{Read, Write};
use panic_semihosting as _;
use stm32f4xx_hal::pac::{self, Interrupt, UART4, USART3, interrupt};
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;

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

#[entry]
fn main() -> ! {
    let (Some(core), Some(chip)) = (cortex_m::Peripherals::take(), pac::Peripherals::take()) else {
        exit(debug::EXIT_FAILURE)
    };
    // QEMU's clock never reports another oscillator ready.
    let mut rcc = chip.RCC.freeze(Config::hsi());
    let (a, b) = (chip.GPIOA.split(&mut rcc), chip.GPIOB.split(&mut rcc));
    let console = chip.USART2.tx(a.pa2, 115_200.bps(), &mut rcc);
    let meter = chip.USART3.serial((b.pb10, b.pb11), 9_600.bps(), &mut rcc);
    let modem = chip.UART4.serial((a.pa0, a.pa1), 115_200.bps(), &mut rcc);
    let (Ok(mut console), Ok(meter), Ok(modem)) = (console, meter, modem) else {
        exit(debug::EXIT_FAILURE)
    };
    let (meter, modem) = (Port::new(meter, &METER), Port::new(modem, &MODEM));
    time::start(core.SYST);
    // SAFETY: both handlers only take what their inbox shares under a critical section, and
    // no code here relies on these interrupts being masked.
    unsafe {
        NVIC::unmask(Interrupt::USART3);
        NVIC::unmask(Interrupt::UART4);
    }
    let (meter, modem) = executor::block_on(join(echo(meter), echo(modem)));
    // A console that cannot be written to has no way to say so.
    let _ = writeln!(
        console,
        "{meter} + {modem} bytes came back in {} ms",
        time::now_ms()
    );
    exit(debug::EXIT_SUCCESS)
}

async fn echo(mut port: impl Read + Write) -> usize {
    let mut back = [0; 256];
    let mut count = 0;
    for byte in 0..=255 {
        let _ = port.write_all(&[byte; 16]).await;
        let _ = port.read_exact(&mut back[..16]).await;
        count += back[..16].iter().filter(|got| **got == byte).count();
    }
    time::Delay.delay_ms(50).await;
    count
}

/// Ends the emulation with an exit code; a debugger on a real chip stops here.
fn exit(code: debug::ExitStatus) -> ! {
    loop {
        debug::exit(code);
    }
}
