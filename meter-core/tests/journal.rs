//! The journal on a flash that dies: bits only fall, writes and erases stop at any byte.

mod flash;

use core::ops::{ControlFlow, Range};

use flash::{Fault, Flash, SECTOR};
use meter_core::energy::{EnergyRegisters, STORED_BYTES};
use meter_core::journal::{Error, Journal, OVERHEAD, years};
use meter_core::scale::Ratio;
use proptest::prelude::*;

type Small = Journal<Flash, 48>;

fn open(flash: Flash) -> Small {
    let end = u32::try_from(flash.bytes.len()).unwrap();
    Journal::open(flash, 0..end).unwrap()
}

/// A payload that no mixture of two others could be.
fn payload(number: u32) -> [u8; 32] {
    core::array::from_fn(|n| {
        (number as u8)
            .wrapping_mul(37)
            .wrapping_add((n as u8).wrapping_mul(11))
    })
}

fn number_found(journal: &mut Small) -> Option<u32> {
    let record = journal.latest().unwrap()?;
    let [a, b, c, d, rest @ ..] = record.payload else {
        panic!("short record")
    };
    let number = u32::from_le_bytes([*a, *b, *c, *d]);
    assert_eq!(rest, &payload(number)[4..], "a mixture of two saves");
    Some(number)
}

fn save(journal: &mut Small, number: u32) -> Result<(), Error<Fault>> {
    let mut bytes = payload(number);
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    journal.save(1, &bytes)
}

/// Cuts power at each byte of each write and erase of 40 saves, and looks at what is found; then
/// the meter goes on from there, and power fails again at once.
#[test]
fn power_cut_at_every_byte_leaves_the_save_before_or_the_new_one() {
    for (sectors, ahead) in [(2, true), (2, false), (3, true)] {
        for noise in [0x00, 0x5A, 0xFF] {
            let mut flash = Flash {
                noise,
                ..Flash::new(sectors)
            };
            for number in 0..40 {
                let whole = one_more(flash.clone(), number, ahead, None).0;
                for cut in 0.. {
                    let (after, done) = one_more(flash.clone(), number, ahead, Some(cut));
                    let mut journal = open(after);
                    let found = number_found(&mut journal);
                    let before = number.checked_sub(1);
                    assert!(
                        found == before || found == Some(number),
                        "{found:?} at {number}"
                    );
                    assert!(!done || found == Some(number), "a finished save is lost");
                    // Life goes on: saves after the cut are found too.
                    for later in number + 1..number + 8 {
                        save(&mut journal, later).unwrap();
                        if ahead {
                            journal.prepare().unwrap();
                        }
                        assert_eq!(number_found(&mut journal), Some(later));
                    }
                    let mut again = open(journal.release());
                    assert_eq!(number_found(&mut again), Some(number + 7));
                    if done && cut > SECTOR + 100 {
                        break;
                    }
                }
                flash = whole;
            }
        }
    }
}

/// Saves once, with power failing after `cut` bytes. Says whether `save` came back.
fn one_more(flash: Flash, number: u32, ahead: bool, cut: Option<usize>) -> (Flash, bool) {
    let mut journal = open(Flash {
        budget: cut,
        ..flash
    });
    let saved = save(&mut journal, number);
    if saved.is_ok() && ahead {
        let _ = journal.prepare();
    }
    let flash = journal.release();
    (
        Flash {
            budget: None,
            ..flash
        },
        saved.is_ok(),
    )
}

#[test]
fn last_gasp_needs_no_erase() {
    let mut journal = open(Flash::new(2));
    for number in 0..50 {
        save(&mut journal, number).unwrap();
        journal.prepare().unwrap();
        let mut flash = journal.release();
        let erases = flash.erases;
        // Power fails now: at most one write of a slot is left.
        flash.budget = Some(48);
        let mut gasp = open(flash.clone());
        save(&mut gasp, number + 1).unwrap();
        assert_eq!(gasp.release().erases, erases, "save {number}");
        flash.budget = None;
        journal = open(flash);
    }
}

#[test]
fn torn_save_is_told() {
    let (flash, _) = one_more(Flash::new(2), 0, false, None);
    assert!(!open(flash.clone()).was_torn());
    let (flash, done) = one_more(flash, 1, false, Some(10));
    assert!(!done);
    let mut journal = open(flash);
    assert!(journal.was_torn());
    assert_eq!(number_found(&mut journal), Some(0));
}

#[test]
fn cell_that_does_not_hold_is_passed_over() {
    let mut journal = open(Flash {
        stuck: Some(20),
        ..Flash::new(2)
    });
    save(&mut journal, 7).unwrap();
    assert_eq!(number_found(&mut journal), Some(7));
    assert!(journal.was_torn());
}

/// Flash reports an error but holds the write: the save that is made instead is the newest.
#[test]
fn a_number_of_a_failed_save_is_used_once() {
    for before in 0..12 {
        let mut journal = open(Flash::new(2));
        (0..before).for_each(|number| save(&mut journal, number).unwrap());
        journal = open(Flash {
            lies: true,
            ..journal.release()
        });
        assert_eq!(save(&mut journal, 100), Err(Error::Flash(Fault::Lie)));
        assert_eq!(number_found(&mut journal), before.checked_sub(1));
        save(&mut journal, 200).unwrap();
        assert_eq!(number_found(&mut journal), Some(200));
        assert_eq!(number_found(&mut open(journal.release())), Some(200));
    }
}

/// A record that is read back wrong is saved again, and shown once.
#[test]
fn a_record_that_was_misread_is_shown_once() {
    let mut misread = 0;
    for before in 0..12 {
        for reads in 0..40 {
            let mut journal = open(Flash::new(3));
            (0..before).for_each(|number| save(&mut journal, number).unwrap());
            journal = open(Flash {
                misread: Some(reads),
                ..journal.release()
            });
            save(&mut journal, 100).unwrap();
            save(&mut journal, 101).unwrap();
            let mut journal = open(journal.release());
            assert_eq!(number_found(&mut journal), Some(101));
            misread += usize::from(journal.was_torn());
            let mut shown = Vec::new();
            journal
                .visit(|record| {
                    shown.push(record.sequence);
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert!(shown.is_sorted_by(|a, b| a < b), "{shown:?}");
        }
    }
    assert!(misread > 0);
}

/// However often a save fails, the sector of the newest record is not erased for the next.
#[test]
fn the_record_before_stays_while_writes_fail() {
    for before in 1..12 {
        let mut journal = open(Flash::new(2));
        (0..before).for_each(|number| save(&mut journal, number).unwrap());
        journal = open(Flash {
            down: true,
            ..journal.release()
        });
        for failed in 0..30 {
            assert!(save(&mut journal, 100).is_err());
            let found = number_found(&mut journal);
            assert_eq!(found, Some(before - 1), "after {failed}");
        }
        let flash = Flash {
            down: false,
            ..journal.release()
        };
        assert_eq!(number_found(&mut open(flash)), Some(before - 1));
    }
}

/// One of two sectors holds nothing: the other keeps the newest record, wherever power fails.
#[test]
fn the_record_before_stays_with_a_worn_sector() {
    for budget in 0..4_000 {
        let mut journal = open(Flash {
            worn: SECTOR..2 * SECTOR,
            ..Flash::new(2)
        });
        (0..5).for_each(|number| save(&mut journal, number).unwrap());
        journal = open(Flash {
            budget: Some(budget),
            ..journal.release()
        });
        for number in 5..10 {
            assert!(save(&mut journal, number).is_err(), "{number}");
        }
        let flash = Flash {
            budget: None,
            ..journal.release()
        };
        assert_eq!(
            number_found(&mut open(flash)),
            Some(4),
            "cut after {budget}"
        );
    }
}

/// A sector that holds nothing is passed over, though the journal is opened anew each time.
#[test]
fn a_worn_sector_is_passed_over() {
    let mut journal = open(Flash {
        worn: SECTOR..2 * SECTOR,
        ..Flash::new(3)
    });
    for number in 0..60 {
        save(&mut journal, number).unwrap();
        journal = open(journal.release());
        assert_eq!(number_found(&mut journal), Some(number));
    }
}

#[test]
fn sequence_wraps_without_an_end() {
    // A record with the last sequence, as `journal.md` writes it.
    let mut flash = Flash::new(2);
    let mut slot = [0xFF; 48];
    slot[..8].copy_from_slice(&[0x4D, 0x4A, 1, 1, 0, 0, 0xFF, 0xFF]);
    slot[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&slot[..44]);
    slot[44..].copy_from_slice(&checksum.to_le_bytes());
    flash.bytes[..48].copy_from_slice(&slot);
    let mut journal = open(flash);
    assert_eq!(journal.latest().unwrap().unwrap().sequence, u32::MAX);
    save(&mut journal, 1).unwrap();
    let mut again = open(journal.release());
    assert_eq!(again.latest().unwrap().unwrap().sequence, 0);
    assert_eq!(number_found(&mut again), Some(1));
}

#[test]
fn record_on_flash_is_that_of_the_specification() {
    let mut journal = open(Flash::new(2));
    journal.save(3, b"energy").unwrap();
    let bytes = journal.release().bytes;
    let head = [0x4D, 0x4A, 1, 3, 6, 0, 0xFF, 0xFF, 0, 0, 0, 0];
    assert_eq!(bytes[..12], head);
    assert_eq!(&bytes[12..18], b"energy");
    assert!(bytes[18..44].iter().all(|&byte| byte == 0xFF));
    let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes[..44]);
    assert_eq!(bytes[44..48], checksum.to_le_bytes());
    assert!(bytes[48..].iter().all(|&byte| byte == 0xFF));
}

#[test]
fn impossible_layouts_and_payloads_are_refused() {
    let refused = |range| Journal::<_, 48>::open(Flash::new(4), range).unwrap_err();
    assert_eq!(refused(0..256), Error::Range);
    assert_eq!(refused(0..500), Error::Range);
    assert_eq!(refused(10..522), Error::Range);
    assert_eq!(
        refused(Range {
            start: 512,
            end: 256
        }),
        Error::Range
    );
    assert_eq!(refused(0..2_048), Error::Range);
    assert_eq!(
        Journal::<_, 16>::open(Flash::new(2), 0..512).unwrap_err(),
        Error::Slot
    );
    assert_eq!(
        Journal::<_, 50>::open(Flash::new(2), 0..512).unwrap_err(),
        Error::Slot
    );
    assert_eq!(
        Journal::<_, 512>::open(Flash::new(2), 0..512).unwrap_err(),
        Error::Slot
    );
    let mut journal = open(Flash::new(2));
    let room = 48 - OVERHEAD;
    assert_eq!(journal.save(1, &[0; 33]), Err(Error::TooLong { room }));
    journal.save(1, &[0; 32]).unwrap();
}

#[test]
fn wear_is_that_of_the_docs() {
    assert_eq!(years(10_000, 2, 4_096, 256, 35_040), Some(9));
    assert_eq!(years(10_000, 4, 4_096, 256, 35_040), Some(18));
    assert_eq!(years(10_000, 2, 4_096, 64, 35_040), Some(36));
    assert_eq!(years(10_000, 2, 64, 256, 35_040), None);
    assert_eq!(years(10_000, 2, 4_096, 64, 0), None);
}

/// A save erases a sector once for each of its slots used.
#[test]
fn wear_is_that_of_the_flash() {
    let mut journal = open(Flash::new(3));
    for number in 0..1_500 {
        save(&mut journal, number).unwrap();
        journal.prepare().unwrap();
    }
    // Five slots a sector, three sectors: 1500 / 15 times each, less the first round.
    let erases = journal.release().erases;
    assert!((295..=300).contains(&erases), "{erases}");
}

/// The registers as version 1 of a firmware saved them, read by version 2, which adds a counter.
#[test]
fn older_payload_is_read_after_an_upgrade() {
    #[derive(Debug, PartialEq)]
    struct State {
        registers: EnergyRegisters,
        resets: u32,
    }
    fn read(version: u8, payload: &[u8]) -> Option<State> {
        let (registers, rest) = payload.split_first_chunk::<STORED_BYTES>()?;
        let resets = match version {
            1 => 0,
            2 => u32::from_le_bytes(*rest.first_chunk()?),
            _ => return None,
        };
        let registers = EnergyRegisters::from_bytes(registers);
        Some(State { registers, resets })
    }
    let mut registers = EnergyRegisters::new();
    registers.book(123_456_789, -42);
    let mut flash = Journal::<_, 256>::open(Flash::new(2), 0..512).unwrap();
    flash.save(1, &registers.to_bytes()).unwrap();
    let mut upgraded = Journal::<_, 256>::open(flash.release(), 0..512).unwrap();
    let record = upgraded.latest().unwrap().unwrap();
    let state = read(record.version, record.payload).unwrap();
    assert_eq!(
        state,
        State {
            registers,
            resets: 0
        }
    );
    let mut payload = state.registers.to_bytes().to_vec();
    payload.extend(7u32.to_le_bytes());
    upgraded.save(2, &payload).unwrap();
    let record = upgraded.latest().unwrap().unwrap();
    assert_eq!(read(record.version, record.payload).unwrap().resets, 7);
    assert_eq!(read(3, record.payload), None);
    let lsb = Ratio::new(54, 1).unwrap();
    let again = read(2, record.payload).unwrap().registers;
    assert_eq!(again.read(lsb), registers.read(lsb));
}

proptest! {
    #[test]
    fn any_flash_opens_and_takes_a_save(bytes in prop::collection::vec(any::<u8>(), 768), runs: u8) {
        let mut flash = Flash { bytes, ..Flash::new(3) };
        // Runs of erased flash, as half erased sectors have them.
        let from = usize::from(runs) * 2;
        flash.bytes[from..from + 256].fill(0xFF);
        let mut journal = open(flash);
        prop_assert!(journal.latest().unwrap().is_none());
        save(&mut journal, 5).unwrap();
        journal.prepare().unwrap();
        let mut again = open(journal.release());
        prop_assert_eq!(number_found(&mut again), Some(5));
    }

    #[test]
    fn one_damaged_bit_costs_at_most_one_save(at in 0usize..768, bit in 0u8..8, saves in 1u32..40) {
        let mut journal = open(Flash::new(3));
        for number in 0..saves {
            save(&mut journal, number).unwrap();
            journal.prepare().unwrap();
        }
        let mut flash = journal.release();
        flash.bytes[at] ^= 1 << bit;
        let found = number_found(&mut open(flash));
        let last = saves - 1;
        prop_assert!(found == Some(last) || found == last.checked_sub(1));
    }
}
