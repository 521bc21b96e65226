//! A modem that says anything at all: no panic, and the same for every cut.

mod common;

use common::{Rig, config};
use nbiot_at::{Answer, Event, Fault, Request};
use proptest::prelude::*;

/// Pieces of what a modem says, whole and broken.
fn speech() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(vec![
        "\r\nOK\r\n",
        "\r\nERROR\r\n",
        "\r\n+CME ERROR: 14\r\n",
        "\r\n+CME ERROR: 99999\r\n",
        "\r\nSEND OK\r\n",
        "\r\nSEND FAIL\r\n",
        "\r\n> ",
        "\r\n+QIRD: 5\r\nhello\r\n\r\nOK\r\n",
        "\r\n+QIRD: 5\r\nhel",
        "\r\n+QIRD: 0\r\n\r\nOK\r\n",
        "\r\n+QIRD: 10,10,0\r\n\r\nOK\r\n",
        "\r\n+QISEND: 5,5,0\r\n\r\nOK\r\n",
        "\r\n+QIOPEN: 0,0\r\n",
        "\r\n+QIOPEN: 0,563\r\n",
        "\r\n+QIURC: \"recv\",0\r\n",
        "\r\n+QIURC: \"closed\",0\r\n",
        "\r\n+QIURC: \"pdpdeact\",1\r\n",
        "\r\n+CEREG: 2\r\n",
        "\r\n+CEREG: 4,1\r\n",
        "\r\n+CPIN: READY\r\n",
        "\r\n+CMEE: 1\r\n",
        "\r\n+QIACT: 1,1,1,\"10.2.3.4\"\r\n",
        "\r\n+QISTATE: 3,\"TCP\"\r\n",
        "\r\nRDY\r\n",
        "\r\nAPP RDY\r\n",
        "AT\r",
        "AT+QIRD=0,1024\r",
        "+XYZ: \"",
    ]);
    prop_oneof![
        6 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Say(Vec<u8>),
    Pass(u64),
    Ask(u8),
    Abandon,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => speech().prop_map(Step::Say),
        2 => (0..200_000_u64).prop_map(Step::Pass),
        2 => (0..8_u8).prop_map(Step::Ask),
        1 => Just(Step::Abandon),
    ];
    proptest::collection::vec(step, 0..60)
}

/// What can be seen from outside after a step.
type Seen = (String, Vec<Event>, Option<Result<Answer, Fault>>, Vec<u8>);

fn play(steps: &[Step], cut: usize) -> Vec<Seen> {
    let mut rig = Rig::new(config(), cut);
    let socket = rig.connected();
    let mut seen = Vec::new();
    for step in steps {
        match step {
            Step::Say(bytes) => rig.say(bytes),
            Step::Pass(millis) => rig.pass(*millis),
            Step::Abandon => rig.engine.abandon(rig.now),
            Step::Ask(what) => {
                let request = match what {
                    0 => Request::Start,
                    1 => Request::Connect {
                        host: "meter.example",
                        port: 1,
                    },
                    2 => Request::Send {
                        socket,
                        data: b"hello",
                    },
                    3 => Request::Receive { socket },
                    4 => Request::Close { socket },
                    5 => Request::Identity,
                    6 => Request::NetworkTime,
                    _ => Request::Registration,
                };
                let _ = rig.engine.begin(request, rig.now);
            }
        }
        seen.push((
            rig.sent(),
            rig.events(),
            rig.engine.outcome(),
            rig.take(socket),
        ));
    }
    seen
}

proptest! {
    #[test]
    fn any_speech_gives_the_same_for_every_cut(steps in steps(), cut in 1..30_usize) {
        let whole = play(&steps, 0);
        prop_assert_eq!(play(&steps, 1), whole.clone());
        prop_assert_eq!(play(&steps, cut), whole);
    }

    #[test]
    fn every_request_ends(steps in steps()) {
        let mut rig = Rig::new(config(), 0);
        rig.start();
        rig.begin(Request::Connect { host: "meter.example", port: 1 });
        for step in &steps {
            if let Step::Say(bytes) = step {
                rig.sent();
                rig.say(bytes);
            }
        }
        // Ten minutes of silence: whatever runs has given up.
        for _ in 0..1200 {
            rig.sent();
            rig.pass(500);
        }
        prop_assert!(rig.engine.is_idle());
    }
}
