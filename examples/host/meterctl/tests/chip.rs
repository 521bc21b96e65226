//! The program against the chip's model behind a TCP port.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Instant;

use stpm3x::sim::{Board, Chip, Input, Interface, Phasor};
use stpm3x::{Channel, Part};

/// What the chip counts in one of its ticks of 128 µs.
const TICK_NS: u128 = 128_000;

/// Serves one connection to a chip that measures 230 V and 5 A; the name of its port.
fn chip() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(listener.accept().unwrap().0, fresh()));
    format!("tcp:{address}")
}

/// The same with a chip that somebody configured: row 0 shows it.
fn chip_configured() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut chip = fresh();
        chip.write_half(0x00, 0x00A1);
        serve(listener.accept().unwrap().0, chip);
    });
    format!("tcp:{address}")
}

fn fresh() -> Chip {
    let mut chip = Chip::new(Part::Stpm34, Board::new(Input::shunt(770_000, 470, 300)));
    chip.power_on(Interface::Uart);
    chip
}

fn serve(mut stream: TcpStream, mut chip: Chip) {
    let load = Phasor::sine(230_000_000, 5_000_000, 0, 50_000);
    chip.set_phase(Channel::Primary, load);
    chip.set_phase(Channel::Secondary, load);
    let mut last = Instant::now();
    let mut frame = [0; 64];
    while let Ok(count @ 1..) = stream.read(&mut frame) {
        let ticks = last.elapsed().as_nanos() / TICK_NS;
        last = Instant::now();
        chip.advance(ticks as u64);
        // What was written at once follows at once, however late this thread has its turn: to the
        // chip a pause would be a frame that breaks off.
        let answers = frame.iter().take(count);
        let answers: Vec<u8> = answers.filter_map(|&byte| chip.uart_byte(byte)).collect();
        if stream.write_all(&answers).is_err() {
            return;
        }
    }
}

fn meterctl(port: &str, words: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterctl"));
    let output = command
        .args(["chip", "--port", port])
        .args(words)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn info_tells_a_fresh_chip() {
    let (well, text) = meterctl(&chip(), &["info"]);
    assert!(well, "{text}");
    assert!(text.contains("state      fresh from a reset"), "{text}");
    assert!(text.contains("baud       9598"), "{text}"); // 16 MHz / 1667
    let (well, text) = meterctl(&chip(), &["info", "--json"]);
    assert!(well && text.contains("\"baud\":9598"), "{text}");
}

#[test]
fn rows_are_all_listed_with_their_fields() {
    let (well, text) = meterctl(&chip(), &["dump"]);
    assert!(well, "{text}");
    assert_eq!(text.lines().count(), 70, "{text}");
    assert!(text.contains("12  18  DFE_CR1    0f270327"), "{text}");
    assert!(text.contains("gain: 3"), "{text}");
    let (well, text) = meterctl(&chip(), &["dump", "--json"]);
    assert!(well && text.lines().count() == 70, "{text}");
}

#[test]
fn read_is_in_units() {
    let (well, text) = meterctl(&chip(), &["read", "--start"]);
    assert!(well, "{text}");
    assert!(text.contains("voltage    229.990 V"), "{text}");
    assert!(text.contains("secondary"), "{text}");
    let (well, text) = meterctl(
        &chip(),
        &["read", "--start", "--full", "--json", "--part", "stpm32"],
    );
    assert!(well && text.contains("\"voltage_mv\":229990"), "{text}");
    assert!(text.contains("\"phase_angle_mdeg\":0"), "{text}");
}

#[test]
fn a_chip_that_nobody_configured_says_so() {
    let (well, text) = meterctl(&chip(), &["read"]);
    assert!(!well && text.contains("read --start"), "{text}");
}

#[test]
fn set_writes_and_reads_back() {
    let (well, text) = meterctl(&chip(), &["set", "dsp_irq1", "0x04000000"]);
    assert!(well && text.contains("sag_start: true"), "{text}");
    let (well, text) = meterctl(&chip(), &["set", "US_REG1", "0"]);
    assert!(!well && text.contains("DSP_CR1, DSP_CR2"), "{text}");
    let (well, text) = meterctl(&chip(), &["set", "DSP_CR3", "0x00200000"]);
    assert!(!well && text.contains("an order"), "{text}");
}

#[test]
fn selftest_names_the_wrong_speed() {
    let (well, text) = meterctl(&chip(), &["selftest", "--part", "stpm32"]);
    assert!(well && text.contains("healthy"), "{text}");
    let (well, text) = meterctl(&chip(), &["selftest"]);
    assert!(!well && text.contains("V2 shows V1"), "{text}");
}

/// The reference shows 2 % more volts and 3 % less amperes than the chip.
#[test]
fn calibrate_keeps_its_codes_in_a_file() {
    let folder = std::env::temp_dir().join(format!("meterctl-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("calibration.bin");
    let output = file.to_str().unwrap();
    let calibrate = |words: &[&str]| {
        let all = [&["calibrate", "--part", "stpm32", "-o", output][..], words].concat();
        meterctl(&chip(), &all)
    };
    let (well, text) = calibrate(&["amplitude", "--volts", "234.6", "--amps", "4.85"]);
    assert!(well, "{text}");
    let record = stpm3x::Record::from_bytes(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(record.count, 1);
    let [codes, _] = record.channels;
    // 14336 * 1.02 - 12288 and 14336 * 0.97 - 12288, give or take the readings' resolution.
    assert!(codes.voltage.abs_diff(2_335) <= 2, "{text}");
    assert!(codes.current.abs_diff(1_618) <= 3, "{text}");
    let second = [
        "--channel",
        "secondary",
        "amplitude",
        "--volts",
        "230",
        "--amps",
        "5",
    ];
    let (well, text) = calibrate(&second);
    assert!(!well && text.contains("no secondary channel"), "{text}");
    let words = ["calibrate", "--part", "stpm34", "-o", output];
    let (well, text) = meterctl(&chip(), &[&words[..], &second[..]].concat());
    assert!(well, "{text}");
    let record = stpm3x::Record::from_bytes(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(record.count, 2);
    assert!(record.channels[1].current.abs_diff(2_048) <= 3, "{text}");
    assert_eq!(record.channels[0], codes);
    let (well, text) = calibrate(&["amplitude", "--volts", "400", "--amps", "5"]);
    assert!(!well && text.contains("allowed are 0 to 4095"), "{text}");
    std::fs::write(
        &file,
        b"something else, longer than a record would ever be, so many bytes",
    )
    .unwrap();
    let (well, text) = calibrate(&["apply"]);
    assert!(!well && text.contains("holds no calibration"), "{text}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn record_writes_samples() {
    let file = std::env::temp_dir().join(format!("meterctl-{}.csv", std::process::id()));
    let output = file.to_str().unwrap();
    let port = chip_configured();
    let (well, text) = meterctl(&port, &["record", "--seconds", "0.3", "-o", output]);
    assert!(well && text.contains("samples in"), "{text}");
    let samples = std::fs::read_to_string(&file).unwrap();
    assert!(
        samples.starts_with("time_s,voltage_v,current_a\n"),
        "{samples}"
    );
    assert!(samples.lines().count() > 2, "{samples}");
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn wrong_words_are_explained() {
    let (well, text) = meterctl(&chip(), &["read", "--gain", "3"]);
    assert!(!well && text.contains("2, 4, 8 and 16"), "{text}");
}

#[test]
fn a_port_that_is_not_there_is_named() {
    let (well, text) = meterctl("/dev/no-such-port", &["info"]);
    assert!(!well && text.contains("/dev/no-such-port"), "{text}");
}
