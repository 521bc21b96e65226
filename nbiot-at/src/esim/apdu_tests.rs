use std::collections::VecDeque;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

const ONE: Channel = Channel(1);

fn bytes(command: Apdu<'_>) -> Vec<u8> {
    let bytes: Vec<u8> = command.bytes().collect();
    assert_eq!(bytes.len(), command.len());
    bytes
}

/// Plays commands and their answers, and returns what the last answer led to.
fn play(exchange: &mut StoreData<'_>, script: &[(&[u8], &[u8])]) -> Result<Progress, ApduError> {
    let mut last = Ok(Progress::More);
    for (command, answer) in script {
        assert_eq!(bytes(exchange.next().unwrap()), *command);
        last = exchange.answer(answer);
    }
    last
}

const LIST: &[u8] = &[0xbf, 0x2d, 0x00];
const LIST_COMMAND: &[u8] = &[0x81, 0xe2, 0x91, 0, 3, 0xbf, 0x2d, 0x00, 0x00];

#[test]
fn a_short_exchange_has_one_command() {
    let mut response = [0xa5; 8];
    let mut exchange = StoreData::new(ONE, LIST, &mut response).unwrap();
    let end = play(&mut exchange, &[(LIST_COMMAND, &[1, 2, 3, 0x90, 0x00])]);
    assert_eq!(end, Ok(Progress::Done(3)));
    assert_eq!(exchange.next(), None);
    assert_eq!(exchange.answer(&[0x90, 0x00]), Err(ApduError::NoCommand));
    assert_eq!(exchange.response(), [1, 2, 3]);
    assert_eq!(exchange.into_response(), [1, 2, 3]);
}

#[test]
fn chains_of_61_and_6c_are_put_together() {
    let mut response = [0xa5; 6];
    let mut exchange = StoreData::new(ONE, LIST, &mut response).unwrap();
    let asked_again = [0x81, 0xe2, 0x91, 0, 3, 0xbf, 0x2d, 0x00, 0x10];
    let script: [(&[u8], &[u8]); 5] = [
        (LIST_COMMAND, &[0x6c, 0x10]),
        (&asked_again, &[1, 0x61, 0x03]),
        (&[0x01, 0xc0, 0, 0, 0x03], &[0x6c, 0x02]),
        (&[0x01, 0xc0, 0, 0, 0x02], &[2, 3, 0x61, 0x00]),
        (&[0x01, 0xc0, 0, 0, 0x00], &[4, 5, 6, 0x90, 0x00]),
    ];
    assert_eq!(play(&mut exchange, &script), Ok(Progress::Done(6)));
    assert_eq!(exchange.response(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn blocks_are_counted_and_the_last_is_marked() {
    for (length, size, headers) in [
        (255, 255, &[[0x91, 0, 255]][..]),
        (256, 255, &[[0x11, 0, 255], [0x91, 1, 1]]),
        (600, 255, &[[0x11, 0, 255], [0x11, 1, 255], [0x91, 2, 90]]),
        (240, 120, &[[0x11, 0, 120], [0x91, 1, 120]]),
    ] {
        let request: Vec<u8> = (0..=255).cycle().take(length).collect();
        let mut response = [0xa5; 2];
        let size = NonZeroU8::new(size).unwrap();
        let mut exchange = StoreData::with_block_size(ONE, size, &request, &mut response).unwrap();
        let mut carried: Vec<u8> = Vec::new();
        for header in headers {
            let command = bytes(exchange.next().unwrap());
            assert_eq!(command[..2], [0x81, 0xe2]);
            assert_eq!(command[2..5], *header);
            assert_eq!(command.last(), Some(&0x00));
            carried.extend(&command[5..command.len() - 1]);
            exchange.answer(&[0x90, 0x00]).unwrap();
        }
        assert_eq!(exchange.next(), None);
        assert_eq!(carried, request);
    }
}

#[test]
fn without_a_size_blocks_have_120_bytes() {
    let mut response = [];
    let exchange = StoreData::new(ONE, &[0x33; 121], &mut response).unwrap();
    assert_eq!(exchange.next().map(Apdu::len), Some(126));
}

#[test]
fn requests_that_cannot_be_numbered_are_refused() {
    let begin = |request: &[u8]| {
        let one = NonZeroU8::MIN;
        StoreData::with_block_size(ONE, one, request, &mut []).map(|exchange| {
            assert!(exchange.next().is_some());
        })
    };
    assert_eq!(begin(&[]), Err(ApduError::RequestLength));
    assert_eq!(begin(&[0; 256]), Ok(()));
    assert_eq!(begin(&[0; 257]), Err(ApduError::RequestLength));
}

#[test]
fn the_last_of_256_blocks_has_number_255() {
    let request = [0x33; 256];
    let mut response = [];
    let mut exchange =
        StoreData::with_block_size(ONE, NonZeroU8::MIN, &request, &mut response).unwrap();
    for _ in 0..255 {
        assert_eq!(exchange.answer(&[0x90, 0x00]), Ok(Progress::More));
    }
    let last = [0x81, 0xe2, 0x91, 0xff, 1, 0x33, 0x00];
    let end = play(&mut exchange, &[(&last, &[0x90, 0x00])]);
    assert_eq!(end, Ok(Progress::Done(0)));
}

#[test]
fn errors_say_what_the_card_said_and_end_the_exchange() {
    for (answer, error) in [
        (&[0x6a, 0x82][..], ApduError::NoEuicc),
        (&[0x69, 0x85], ApduError::Refused(0x6985)),
        (&[0x6a, 0x88], ApduError::Refused(0x6a88)),
        (&[0x6e, 0x00], ApduError::Refused(0x6e00)),
        (&[0x6f, 0x00], ApduError::Status(0x6f00)),
        (&[0x93, 0x00], ApduError::Status(0x9300)),
        (&[0x90, 0x01], ApduError::Status(0x9001)),
        (&[0x90], ApduError::Truncated),
        (&[], ApduError::Truncated),
    ] {
        let mut response = [0xa5; 4];
        let mut exchange = StoreData::new(ONE, LIST, &mut response).unwrap();
        assert_eq!(exchange.answer(answer), Err(error));
        assert_eq!(exchange.next(), None);
        assert_eq!(exchange.answer(&[0x90, 0x00]), Err(ApduError::NoCommand));
    }
}

#[test]
fn a_toolkit_command_that_waits_is_a_success() {
    let mut response = [0xa5; 8];
    let mut exchange = StoreData::new(ONE, LIST, &mut response).unwrap();
    let answer = [0xbf, 0x31, 0x03, 0x80, 0x01, 0x00, 0x91, 0x0b];
    assert_eq!(exchange.answer(&answer), Ok(Progress::Done(6)));
}

#[test]
fn a_small_buffer_says_what_it_needs() {
    let mut response = [0xa5; 4];
    let mut exchange = StoreData::new(ONE, LIST, &mut response).unwrap();
    assert_eq!(exchange.answer(&[1, 2, 3, 0x61, 2]), Ok(Progress::More));
    let too_small = ApduError::Buffer(BufferTooSmall { needed: 5 });
    assert_eq!(exchange.answer(&[4, 5, 0x90, 0x00]), Err(too_small));
    assert_eq!(exchange.response(), [1, 2, 3]);
}

#[test]
fn a_card_that_never_ends_is_stopped() {
    let mut response = [0xa5; 4];
    let mut exchange = StoreData::new(ONE, LIST, &mut response).unwrap();
    assert_eq!(exchange.answer(&[0x61, 5]), Ok(Progress::More));
    assert_eq!(exchange.answer(&[0x61, 5]), Err(ApduError::Status(0x6105)));
    let mut exchange = StoreData::new(ONE, LIST, &mut response).unwrap();
    assert_eq!(exchange.answer(&[0x6c, 5]), Ok(Progress::More));
    assert_eq!(exchange.answer(&[0x6c, 6]), Err(ApduError::Status(0x6c06)));
}

#[test]
fn channels_stand_in_the_class() {
    let class = |number| {
        let channel = Channel::new(number).unwrap();
        assert_eq!(channel.number(), number);
        [channel.class(0x00), channel.class(0x80)]
    };
    assert_eq!(class(0), [0x00, 0x80]);
    assert_eq!(class(3), [0x03, 0x83]);
    assert_eq!(Channel::new(4), None);
}

#[test]
fn the_way_to_the_application_without_ccho() {
    assert_eq!(bytes(Apdu::OPEN_CHANNEL), [0x00, 0x70, 0x00, 0x00, 0x01]);
    assert_eq!(accept(&[0x02, 0x90, 0x00]), Ok(&[0x02][..]));
    let channel = Channel::new(2).unwrap();
    let select = bytes(Apdu::select(channel, Aid::ISD_R));
    assert_eq!(select[..5], [0x02, 0xa4, 0x04, 0x00, 0x10]);
    assert_eq!(&select[5..], Aid::ISD_R.bytes());
    assert_eq!(accept(&[0x61, 0x1a]), Ok(&[][..]));
    assert_eq!(accept(&[0x6a, 0x82]), Err(ApduError::NoEuicc));
    assert_eq!(accept(&[0x6a, 0x81]), Err(ApduError::Status(0x6a81)));
    assert_eq!(accept(&[0x6c, 0x01]), Err(ApduError::Status(0x6c01)));
    let close = bytes(Apdu::close_channel(channel));
    assert_eq!(close, [0x00, 0x70, 0x80, 0x02, 0x00]);
}

/// A card that keeps what it is sent and gives its answer in pieces.
struct Card {
    request: Vec<u8>,
    answer: VecDeque<u8>,
    piece: usize,
    /// Refuses every other command to be asked again for the right length.
    picky: bool,
    asked: bool,
    blocks: u8,
}

impl Card {
    fn take(&mut self, command: &[u8]) -> Vec<u8> {
        let available = self.answer.len().min(self.piece);
        let length = u8::try_from(available % 256).unwrap();
        if self.picky && !core::mem::replace(&mut self.asked, true) {
            return std::vec![0x6c, length];
        }
        self.asked = false;
        if command[1] == 0xe2 {
            assert_eq!(command[3], self.blocks);
            assert_eq!(command.len(), 6 + usize::from(command[4]));
            self.request.extend(&command[5..command.len() - 1]);
            self.blocks = self.blocks.wrapping_add(1);
            let last = command[2] == 0x91;
            return if last {
                self.status()
            } else {
                std::vec![0x90, 0x00]
            };
        }
        assert_eq!(command.len(), 5);
        let mut answer: Vec<u8> = self.answer.drain(..available).collect();
        answer.extend(self.status());
        answer
    }

    fn status(&self) -> Vec<u8> {
        let left = self.answer.len().min(self.piece);
        match u8::try_from(left % 256).unwrap() {
            0 if left == 0 => std::vec![0x90, 0x00],
            length => std::vec![0x61, length],
        }
    }
}

proptest! {
    #[test]
    fn the_card_gets_the_request_and_we_its_answer(
        request in proptest::collection::vec(any::<u8>(), 1..600),
        answer in proptest::collection::vec(any::<u8>(), 0..600),
        size in 3..=255_u8,
        piece in 1..=256_usize,
        picky: bool,
        number in 0..4_u8,
    ) {
        let mut card = Card {
            request: Vec::new(),
            answer: answer.iter().copied().collect(),
            piece,
            picky,
            asked: false,
            blocks: 0,
        };
        let mut response = std::vec![0xa5; answer.len()];
        let channel = Channel::new(number).unwrap();
        let size = NonZeroU8::new(size).unwrap();
        let mut exchange =
            StoreData::with_block_size(channel, size, &request, &mut response).unwrap();
        let mut progress = Progress::More;
        while let Some(command) = exchange.next() {
            prop_assert_eq!(progress, Progress::More);
            progress = exchange.answer(&card.take(&bytes(command))).unwrap();
        }
        prop_assert_eq!(progress, Progress::Done(answer.len()));
        prop_assert_eq!(exchange.into_response(), answer);
        prop_assert_eq!(card.request, request);
    }

    #[test]
    fn any_answers_come_to_an_end(
        request in proptest::collection::vec(any::<u8>(), 1..40),
        size in 1..=8_u8,
        room in 0..40_usize,
        answers in proptest::collection::vec(
            (
                proptest::collection::vec(any::<u8>(), 0..4),
                prop_oneof![
                    Just(std::vec![0x90, 0x00]),
                    Just(std::vec![0x61, 0x04]),
                    Just(std::vec![0x6c, 0x04]),
                    proptest::collection::vec(any::<u8>(), 0..3),
                ],
            ),
            1..20,
        ),
    ) {
        let mut response = std::vec![0xa5; room];
        let size = NonZeroU8::new(size).unwrap();
        let blocks = request.len().div_ceil(size.get().into());
        let mut exchange =
            StoreData::with_block_size(ONE, size, &request, &mut response).unwrap();
        let mut count = 0;
        for (data, status) in answers.iter().cycle() {
            let Some(command) = exchange.next() else { break };
            prop_assert!((5..=261).contains(&command.len()));
            let answer = [&data[..], &status[..]].concat();
            let progress = exchange.answer(&answer);
            prop_assert_eq!(exchange.next().is_some(), progress == Ok(Progress::More));
            prop_assert!(exchange.response().len() <= room);
            count += 1;
            prop_assert!(count <= 4 * blocks + 2 * room);
        }
    }
}
