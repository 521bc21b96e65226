use proptest::prelude::*;
use std::vec::Vec;

use super::*;

fn tag(raw: u32) -> Tag {
    Tag::new(raw).unwrap()
}

fn first(bytes: &[u8]) -> Result<Tlv<'_>, TlvError> {
    Reader::new(bytes).next().unwrap()
}

#[test]
fn tags_are_told_by_their_own_bytes() {
    for raw in [0x5a, 0x5c, 0xa0, 0xe3, 0xbf2d, 0x9f70, 0x5f1f, 0xbf_8101] {
        let tag = tag(raw);
        let bytes: Vec<u8> = tag.bytes().chain([0]).collect();
        assert_eq!(first(&bytes).unwrap().tag, tag);
        assert_eq!(tag.size(), bytes.len() - 1);
    }
    for raw in [
        0,
        0x1f,
        0x5a00,
        0xbf80,
        0xbf_8001,
        0xbf_8180,
        0x5a_0000,
        0xbf81_8101,
    ] {
        assert_eq!(Tag::new(raw), None, "{raw:x}");
    }
}

#[test]
fn a_tag_prints_as_its_bytes() {
    assert_eq!(std::format!("{} {:?}", tag(0x0c), tag(0xbf2d)), "0C BF2D");
}

#[test]
fn each_form_of_length_is_read() {
    let value = [0x33; 0x1_0000];
    for (head, length) in [
        (&[0x5a, 0x00][..], 0),
        (&[0x5a, 0x7f], 0x7f),
        (&[0x5a, 0x81, 0x05], 5),
        (&[0x5a, 0x81, 0xff], 0xff),
        (&[0x5a, 0x82, 0x01, 0x00], 0x100),
        (&[0x5a, 0x83, 0x01, 0x00, 0x00], 0x1_0000),
    ] {
        let bytes = [head, &value[..length]].concat();
        assert_eq!(first(&bytes).unwrap().value.len(), length);
        let short = first(&bytes[..bytes.len() - 1]);
        let expected = if length == 0 {
            TlvError::Truncated
        } else {
            TlvError::Overrun(tag(0x5a))
        };
        assert_eq!(short, Err(expected));
    }
}

#[test]
fn damage_has_a_name_and_ends_the_reading() {
    let iccid = tag(0x5a);
    for (bytes, error) in [
        (&[0xbf][..], TlvError::Truncated),
        (&[0x5a], TlvError::Truncated),
        (&[0x5a, 0x82, 0x01], TlvError::Truncated),
        (&[0x5a, 0x02, 0x00], TlvError::Overrun(iccid)),
        (&[0x5a, 0x80, 0x00, 0x00], TlvError::Indefinite(iccid)),
        (&[0x5a, 0x84, 0, 0, 0, 0], TlvError::BadLength(iccid)),
        (&[0x5a, 0xff, 0x00], TlvError::BadLength(iccid)),
        (&[0x00, 0x00], TlvError::BadTag),
        (&[0x9f, 0x81, 0x82, 0x03, 0x00], TlvError::BadTag),
    ] {
        let mut reader = Reader::new(bytes);
        assert_eq!(reader.next(), Some(Err(error)), "{bytes:x?}");
        assert_eq!(reader.next(), None);
        assert_eq!(find(bytes, tag(0x90)), Err(error));
    }
}

#[test]
fn find_stays_on_its_level_and_takes_the_first() {
    let bytes = [
        0xa0, 0x03, 0x80, 0x01, 0x11, 0x80, 0x01, 0x22, 0x80, 0x01, 0x33,
    ];
    assert_eq!(find(&bytes, tag(0x80)).unwrap().unwrap().value, [0x22]);
    assert_eq!(find(&bytes, tag(0x81)), Ok(None));
    let outer = find(&bytes, tag(0xa0)).unwrap().unwrap();
    assert_eq!(outer.children().next().unwrap().unwrap().value, [0x11]);
}

#[test]
fn numbers_are_unsigned_and_of_32_bits() {
    let number = |value| {
        Tlv {
            tag: tag(0x80),
            value,
        }
        .number()
    };
    assert_eq!(number(&[0x7f]), Some(127));
    assert_eq!(number(&[0xff]), Some(255));
    assert_eq!(number(&[0, 0, 0xff, 0xff, 0xff, 0xff]), Some(u32::MAX));
    assert_eq!(number(&[1, 0, 0, 0, 0]), None);
    assert_eq!(number(&[]), None);
}

#[test]
fn written_numbers_are_short_and_not_negative() {
    for (number, bytes) in [
        (0, &[0x80, 1, 0][..]),
        (0x7f, &[0x80, 1, 0x7f]),
        (0x80, &[0x80, 2, 0, 0x80]),
        (0x8000, &[0x80, 3, 0, 0x80, 0]),
        (u32::MAX, &[0x80, 5, 0, 0xff, 0xff, 0xff, 0xff]),
    ] {
        let mut buffer = [0xa5; 8];
        let mut writer = Writer::new(&mut buffer);
        writer.number(tag(0x80), number);
        assert_eq!(writer.finish().unwrap(), bytes);
    }
}

#[test]
fn lengths_are_written_in_the_shortest_form() {
    let value = [0x33; 0x1_0000];
    let mut buffer = std::vec![0xa5; 0x1_0010];
    for (length, head) in [
        (0x7f, &[0x90, 0x7f][..]),
        (0x80, &[0x90, 0x81, 0x80]),
        (0xff, &[0x90, 0x81, 0xff]),
        (0x100, &[0x90, 0x82, 0x01, 0x00]),
        (0xffff, &[0x90, 0x82, 0xff, 0xff]),
        (0x1_0000, &[0x90, 0x83, 0x01, 0x00, 0x00]),
    ] {
        let mut writer = Writer::new(&mut buffer);
        writer.put(tag(0x90), &value[..length]);
        let written = writer.finish().unwrap();
        assert_eq!(&written[..head.len()], head);
        assert_eq!(written.len(), head.len() + length);
    }
}

#[test]
fn a_full_buffer_says_what_it_needs() {
    let write = |buffer: &mut [u8]| {
        let mut writer = Writer::new(buffer);
        writer.nested(tag(0xbf31), |inner| {
            inner.nested(tag(0xa0), |id| id.put(tag(0x5a), &[0x11; 10]));
            inner.put(tag(0x81), &[0xff]);
        });
        writer.finish().map(<[u8]>::len)
    };
    for room in 0..20 {
        assert_eq!(
            write(&mut [0xa5; 20][..room]),
            Err(BufferTooSmall { needed: 20 })
        );
    }
    assert_eq!(write(&mut [0xa5; 20]), Ok(20));
}

/// A tree of objects, to write and to read again.
#[derive(Clone, Debug)]
enum Node {
    Leaf(Tag, Vec<u8>),
    Branch(Tag, Vec<Self>),
}

fn tags() -> impl Strategy<Value = Tag> {
    any::<u32>().prop_filter_map("no tag", |raw| Tag::new(raw >> (raw % 4 * 8)))
}

fn nodes() -> impl Strategy<Value = Node> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..300);
    let leaf = (tags(), bytes).prop_map(|(tag, value)| Node::Leaf(tag, value));
    leaf.prop_recursive(4, 32, 4, |inner| {
        let children = proptest::collection::vec(inner, 0..4);
        (tags(), children).prop_map(|(tag, nodes)| Node::Branch(tag, nodes))
    })
}

fn write(node: &Node, writer: &mut Writer<'_>) {
    match node {
        Node::Leaf(tag, value) => writer.put(*tag, value),
        Node::Branch(tag, nodes) => {
            writer.nested(*tag, |inner| nodes.iter().for_each(|n| write(n, inner)));
        }
    }
}

fn same(node: &Node, read: Tlv<'_>) -> bool {
    match node {
        Node::Leaf(tag, value) => read.tag == *tag && read.value == value,
        Node::Branch(tag, nodes) => {
            let children: Result<Vec<_>, _> = read.children().collect();
            let children = children.unwrap_or_default();
            let pairs = nodes.iter().zip(&children);
            read.tag == *tag
                && nodes.len() == children.len()
                && pairs.into_iter().all(|(node, child)| same(node, *child))
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(node in nodes()) {
        let mut buffer = std::vec![0xa5; 0x1_0000];
        let mut writer = Writer::new(&mut buffer);
        write(&node, &mut writer);
        let written = writer.finish().unwrap();
        let read: Vec<_> = Reader::new(written).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(read.len(), 1);
        prop_assert!(same(&node, read[0]));
        let needed = written.len();
        let mut small = std::vec![0xa5; needed - 1];
        let mut writer = Writer::new(&mut small);
        write(&node, &mut writer);
        prop_assert_eq!(writer.finish(), Err(BufferTooSmall { needed }));
    }

    #[test]
    fn numbers_are_read_as_written(number: u32) {
        let mut buffer = [0xa5; 8];
        let mut writer = Writer::new(&mut buffer);
        writer.number(tag(0x80), number);
        prop_assert_eq!(first(writer.finish().unwrap()).unwrap().number(), Some(number));
    }

    #[test]
    fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut held = 0;
        for object in Reader::new(&bytes) {
            let Ok(object) = object else { break };
            held += object.value.len() + object.tag.size() + 1;
            prop_assert_eq!(Tag::new(object.tag.raw()), Some(object.tag));
            let _ = object.number();
            prop_assert!(object.children().count() <= object.value.len());
        }
        prop_assert!(held <= bytes.len());
    }
}
