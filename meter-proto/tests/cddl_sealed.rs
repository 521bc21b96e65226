//! What is sealed, signed or fetched before the rules of `spec.md`: as the crate encodes it, and
//! spoilt.

#![cfg(all(feature = "commands", feature = "notices", feature = "update"))]

mod flash;
mod hex;
mod rules;
mod update_bench;

use ed25519_dalek::Signer;
use hex::hex;
use meter_core::units::UtcSeconds;
use meter_proto::command::{
    self, Command, Form, Key, KeyId, Operation, Outcome, Response, Role, RotateKey, Switch,
};
use meter_proto::notice::{KeyId as AuthorId, MAX_NOTICE, Notice};
use meter_proto::topic::{Channel, MeterId, Topic};
use meter_proto::update::{
    BLOCK_SIZES, Component, Data, ImageId, MAX_BLOCKS, MAX_MESSAGE, Manifest, Query, Version,
};
use proptest::prelude::*;
use rules::{assert_invalid, assert_valid, examples};
use update_bench::{image, manifest, public, signer};

const METER: MeterId = MeterId(*b"MTR\x00\x00\x00\x00\x2a");

/// An example of the specification with one place of its hex changed.
fn spoilt(section: u8, number: usize, from: &str, to: &str) -> Vec<u8> {
    let example: String = examples(section)[number]
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    assert!(example.contains(from), "{from} in {example}");
    let spoilt = hex(&example.replacen(from, to, 1));
    let mut decoder = minicbor::Decoder::new(&spoilt);
    decoder.skip().unwrap();
    assert_eq!(decoder.position(), spoilt.len(), "{from} to {to}: no CBOR");
    spoilt
}

/// Rule, section and number of the example, what is changed in its hex, and what is wrong then.
const SPOILT: &str = "
    command         10 0 A5183419126718                   A418                   no counter
    command         10 0 183606                           183610                 operation 16
    command         10 0 183606                           183906                 a strange key
    command         10 0 1A6956C430                       FA6956C430             a float as time
    sealed-command  10 1 D184                             D284                   another tag
    sealed-command  10 1 A2010404                         A2010504               another algorithm
    sealed-command  10 1 47A2010404420101                 48A201040443010101     a long kid
    sealed-command  10 1 A0581E                           A10500581E             an unprotected header
    sealed-command  10 1 183606                           183610                 operation 16
    sealed-command  10 1 48BE7E                           477E                   a short tag
    sealed-command  10 2 4DC835                           4C35                   a short nonce
    sealed-command  10 2 A1054DC83567CBEBEB94A1CA65416C2D A0                     no nonce
    sealed-command  10 2 A2010A04                         A2010404               another algorithm
    sealed-answer   10 3 183900                           18390A                 outcome 10
    sealed-answer   10 3 49A21834191267183900             44A1183900             no counter
    signed-notice   11 0 D284                             D184                   another tag
    signed-notice   11 0 A20127                           A20126                 another algorithm
    signed-notice   11 0 46A20127044101                   47A2012704420101       a long author
    signed-notice   11 0 183F01                           183E01                 no kind
    signed-notice   11 0 183407                           183427                 a counter below zero
    signed-notice   11 0 58408A                           583F                   a short signature
    signed-manifest 13 1 49A2012704445647                 48A20127044347         a short key id
    signed-manifest 13 1 AB0101                           AB0102                 structure 2
    signed-manifest 13 1 0600                             0603                   component 3
    manifest        13 0 AB01010205                       AA0101                 no sequence
    manifest        13 0 035076                           034F                   a short vendor
    manifest        13 0 050306                           051B000000010000000006 a counter of 33 bits
    manifest        13 0 071903E8                         0700                   an empty image
    manifest        13 0 071903E8                         071A01000001           an image of more blocks
    manifest        13 0 0982190100                       0982190101             blocks of 257
    manifest        13 0 0A8465312E342E30                 0A8460                 no text of the version
    manifest        13 0 0B821A6955B8C4                   0B81                   an open window
    fw-query        13 2 4801                             47                     a short image id
    fw-query        13 2 183D190400                       183D1A00010000         a length of 17 bits
    fw-query        13 2 183D190400                       183E4100               data
    fw-data         13 3 1A80000000                       1B0000000180000000     an offset of 33 bits
    fw-data         13 3 42AABB                           624142                 text
";

#[test]
fn spoilt_examples_are_refused() {
    for line in SPOILT.lines().filter(|line| !line.is_empty()) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [root, section, number, from, to, what @ ..] = &words[..] else {
            panic!("{line}");
        };
        let (section, number) = (section.parse().unwrap(), number.parse().unwrap());
        let message = spoilt(section, number, from, to);
        assert_invalid(root, &what.join(" "), &message);
    }
    for (root, what, arguments) in [
        ("switch", "a spread of more than a day", "A1 01 1A 00015181"),
        ("switch", "a strange key", "A1 03 00"),
        ("rotate-key", "no secret", "A2 01 01 02 02"),
        ("rotate-key", "a short secret", "A3 01 01 02 02 03 41 00"),
        ("update-target", "nothing", "A0"),
        (
            "update-target",
            "a short image id",
            "A1 18 3B 47 01020304050607",
        ),
    ] {
        assert_invalid(root, what, &hex(arguments));
    }
}

/// A CBOR item for where any is allowed.
fn item() -> impl Strategy<Value = Option<Vec<u8>>> {
    let items = ["00", "A0", "F6", "82 01 63 616263", "A1 01 44 00010203"];
    prop::option::of(prop::sample::select(items.map(hex).to_vec()))
}

fn encoded(encode: impl FnOnce(&mut [u8]) -> usize) -> Vec<u8> {
    let mut buffer = vec![0; 1_024];
    let length = encode(&mut buffer);
    buffer[..length].to_vec()
}

proptest! {
    // The validator reads the rules anew for each message.
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn any_command_and_answer_keep_the_rules(
        counter: u64, time: u64, number in 0_u64..16, outcome in 0_u64..10, generation: u8,
        item in item(), run_at: Option<u64>, secret: [u8; 32], spread in 0_u32..=86_400,
        confirms: Option<u64>,
    ) {
        let command = Command {
            counter,
            not_after: UtcSeconds::new(time),
            operation: Operation::from_number(number),
            arguments: item.as_deref(),
            run_at: run_at.map(UtcSeconds::new),
        };
        let response = Response {
            time: run_at.map(UtcSeconds::new),
            counter,
            outcome: Outcome::from_number(outcome).unwrap(),
            body: item.as_deref(),
        };
        let answer = encoded(|buffer| response.encode(buffer).unwrap());
        assert_valid("response", &answer);
        let id = KeyId { role: Role::Maintenance, generation };
        let key = Key::new(secret);
        for form in [Form::Mac0, Form::Encrypt0] {
            let sealed = encoded(|buffer| command.seal(form, &key, id, METER, buffer).unwrap());
            assert_valid("sealed-command", &sealed);
            let topic = Topic::new(METER, Channel::Answer);
            let sealed = encoded(|buffer| {
                command::seal(form, &key, id, topic, &answer, buffer).unwrap()
            });
            assert_valid("sealed-answer", &sealed);
        }
        let switch = Switch { spread, confirms };
        assert_valid("switch", &encoded(|buffer| switch.encode(buffer).unwrap()));
        let rotate = RotateKey { id, key };
        assert_valid("rotate-key", &encoded(|buffer| rotate.encode(buffer).unwrap()));
    }

    #[test]
    fn any_notice_keeps_the_rules(
        counter in 1_u64.., time: u64, kind: u64, author: u8, item in item(),
    ) {
        let notice = Notice {
            counter,
            not_after: UtcSeconds::new(time),
            kind,
            body: item.as_deref(),
        };
        let group = Topic::group("north-7").unwrap();
        let sign = |bytes: &[u8]| signer(1).sign(bytes).to_bytes();
        let mut buffer = [0; MAX_NOTICE];
        let length = notice.sign(AuthorId(author), sign, group, &mut buffer).unwrap();
        assert_valid("signed-notice", &buffer[..length]);
    }

    #[test]
    fn any_manifest_and_block_keep_the_rules(
        sequence: u64, security_counter: u32, component in 0_u64..3, size in 1..=MAX_BLOCKS * 256,
        block_size in prop::sample::select(BLOCK_SIZES.to_vec()), text in "[ -~]{1,32}",
        builds: [u32; 3], window: [u64; 2], flags: [bool; 2], id: [u8; 8], length: u16,
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let [build, replaces @ ..] = builds;
        let [changes_metrology, needs_consent] = flags;
        let manifest = Manifest {
            sequence,
            security_counter,
            component: Component::from_number(component).unwrap(),
            size,
            block_size,
            version: Version::new(&text).unwrap(),
            build,
            replaces,
            window: window.map(UtcSeconds::new),
            changes_metrology,
            needs_consent,
            ..manifest(&image(1, 10), 256)
        };
        assert_valid("manifest", &encoded(|buffer| manifest.encode(buffer).unwrap()));
        let sign = |bytes: &[u8]| signer(1).sign(bytes).to_bytes();
        let mut sealed = [0; MAX_MESSAGE];
        let sealed_length = manifest.seal(&public(1), sign, &mut sealed).unwrap();
        assert_valid("signed-manifest", &sealed[..sealed_length]);
        let image = ImageId(id);
        assert_valid("update-target", &encoded(|buffer| image.encode(buffer).unwrap()));
        let query = Query { image, offset: security_counter, length };
        assert_valid("fw-query", &encoded(|buffer| query.encode(buffer).unwrap()));
        let data = Data { image, offset: size, bytes: &bytes };
        assert_valid("fw-data", &encoded(|buffer| data.encode(buffer).unwrap()));
    }
}
