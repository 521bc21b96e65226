//! How deep the stack of the MQTT client goes: run in QEMU it prints bytes.
//!
//! Session and buffers lie above what is counted; the frames of the scripted server, which are
//! small, are in it.

#![no_std]
#![no_main]

use core::convert::Infallible;
use core::hint::black_box;
use core::ptr;
use core::time::Duration;

use cortex_m::register::msp;
use cortex_m_semihosting::{debug, hprintln};
use embedded_io::{ErrorType, Read, ReadReady, Write};
use meter_proto::mqtt::blocking::Connection;
use meter_proto::mqtt::{
    Buffers, ClosedBy, ConnectOptions, Event, QoS, Session, Slot, Timing, Will,
};
use panic_semihosting as _;
// The vector table.
use stm32f4xx_hal as _;

unsafe extern "C" {
    /// The end of the variables; the linker script of `cortex-m-rt` has it.
    static mut __sheap: u32;
}

const PATTERN: u32 = 0xA5C3_5A3C;
/// Words below the stack pointer that stay unpainted: `main` may use them to call.
const SPARE: usize = 8;

/// A server that answers each packet, and sends a message at QoS 2 to who subscribes.
struct Server {
    answers: [u8; 64],
    length: usize,
}

impl Server {
    fn answer(&mut self, bytes: &[u8]) {
        for (slot, byte) in self.answers.iter_mut().skip(self.length).zip(bytes) {
            *slot = *byte;
            self.length += 1;
        }
    }
}

impl ErrorType for Server {
    type Error = Infallible;
}

impl Write for Server {
    /// Takes one packet of less than 128 bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let &[kind, length, ref rest @ ..] = bytes else {
            panic!("half a packet");
        };
        match (kind & 0xF0, rest) {
            (0x10, _) => self.answer(&[0x20, 2, 0, 0]),
            (0x30, [_, topic, rest @ ..]) => {
                let identifier = rest.get(usize::from(*topic)..).unwrap_or_default();
                if let [high, low, ..] = identifier {
                    self.answer(&[0x50, 2, *high, *low]);
                }
            }
            (0x50, [high, low, ..]) => self.answer(&[0x62, 2, *high, *low]),
            (0x60, [high, low, ..]) => self.answer(&[0x70, 2, *high, *low]),
            (0x80, [high, low, ..]) => {
                self.answer(&[0x90, 3, *high, *low, 2]);
                self.answer(b"\x34\x09\0\x01k\0\x07done");
            }
            (0xA0, [high, low, ..]) => self.answer(&[0xB0, 2, *high, *low]),
            _ => {}
        }
        Ok(2 + usize::from(length))
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl ReadReady for Server {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.length > 0)
    }
}

impl Read for Server {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let count = self.length.min(buffer.len());
        for (slot, byte) in buffer.iter_mut().zip(&self.answers).take(count) {
            *slot = *byte;
        }
        self.answers.copy_within(count.., 0);
        self.length -= count;
        Ok(count)
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let [mut receive, mut control, mut publish, mut input] = [[0; 256]; 4];
    let (mut slots, mut unreleased) = ([Slot::FREE; 4], [0; 20]);
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
        slots: &mut slots,
        unreleased: &mut unreleased,
    };
    let mut session = Session::new(buffers, Timing::default());
    let mut server = Server {
        answers: [0; 64],
        length: 0,
    };
    let bottom = &raw mut __sheap;
    let top = msp::read() as usize;
    let words = (top - bottom as usize) / size_of::<u32>() - SPARE;
    for at in 0..words {
        // SAFETY: between the variables and the stack nothing lies.
        unsafe { ptr::write_volatile(bottom.add(at), PATTERN) };
    }
    let ended = life(&mut session, &mut server, &mut input);
    let untouched = (0..words)
        // SAFETY: as above.
        .take_while(|at| unsafe { ptr::read_volatile(bottom.add(*at)) } == PATTERN)
        .count();
    assert_eq!(ended, Some(ClosedBy::Caller));
    hprintln!("{}", top - bottom as usize - untouched * size_of::<u32>());
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}

/// A life with all that the client does, up to its end.
#[inline(never)]
fn life(session: &mut Session<'_>, server: &mut Server, input: &mut [u8]) -> Option<ClosedBy> {
    let options = ConnectOptions {
        client_id: black_box("4d5452000000002a"),
        clean_session: black_box(false),
        keep_alive: black_box(1_200),
        will: Some(Will {
            topic: black_box("em/1/4d5452000000002a/s"),
            payload: black_box(b"gone"),
            qos: black_box(QoS::AtLeastOnce),
            retain: black_box(true),
        }),
        credentials: black_box(Some(("meter", b"password"))),
    };
    let clock = || Duration::from_secs(u64::from(black_box(1u32)));
    let mut connection = Connection::open(session, server, input, clock, &options).ok()?;
    let topic = black_box("em/1/4d5452000000002a/k");
    let level = black_box(QoS::ExactlyOnce);
    let mut step = 0;
    loop {
        let (due, event) = match connection.poll() {
            Err(nb::Error::WouldBlock) => continue,
            Ok(Event::Connected { .. }) => (0, 1),
            Ok(Event::Published(_)) => (1, 2),
            Ok(Event::Subscribed { .. }) => (2, 3),
            Ok(Event::Message { .. }) => (3, 4),
            Ok(Event::Unsubscribed(_)) => (4, 5),
            Ok(Event::Closed(reason)) => return (step == 5).then_some(reason),
            _ => return None,
        };
        if step != due {
            return None;
        }
        step = event;
        match event {
            1 => _ = connection.publish(topic, black_box(b"reading"), level, false),
            2 => _ = connection.subscribe(topic, level),
            4 => _ = connection.unsubscribe(topic),
            5 => connection.disconnect(),
            _ => {}
        }
    }
}
