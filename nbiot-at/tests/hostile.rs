//! A modem that says anything at all: no panic, and the same for every cut.

mod common;

use std::time::Duration;

use common::{Rig, config};
use nbiot_at::mqtt::{Qos, Session};
use nbiot_at::{
    ActiveTimer, Answer, Event, Fault, Instant, PeriodicTimer, PowerSaving, Request, Transport,
};
use proptest::prelude::*;

const HOUR: Duration = Duration::from_secs(3_600);

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
        "\r\nPOWERED DOWN\r\n",
        "\r\nNORMAL POWER DOWN\r\n",
        "\r\nPSM POWER DOWN\r\n",
        "\r\n+QPSMTIMER: 3600,60\r\n",
        "\r\n+CEREG: 4,1,\"0A1B\",\"01C2D304\",9,,,\"00100001\",\"00000110\"\r\n\r\nOK\r\n",
        "\r\n+CPSMS: 1,,,\"00000110\",\"00100001\"\r\n\r\nOK\r\n",
        "\r\n+CEDRXRDP: 5,\"0101\",\"0101\",\"0011\"\r\n\r\nOK\r\n",
        "\r\n+CGEV: NW DETACH\r\n",
        "\r\n+QSIMSTAT: 1,0\r\n",
        "\r\n+QIRD: 1500\r\n",
        "\r\n+QIRD: 20\r\n\r\nRDY\r\n\r\nOK\r\n\r\nAT\r\r\n\r\n\r\nOK\r\n",
        "\r\n+QIRD: 5\r\nhello",
        "\r\n+QMTCFG: \"ssl\",0,0\r\n\r\nOK\r\n",
        "\r\n+QMTCFG: \"recv/mode\",1,1\r\n\r\nOK\r\n",
        "\r\n+QMTOPEN: 0,0\r\n",
        "\r\n+QMTOPEN: 0,2\r\n",
        "\r\n+QMTCONN: 0,0,0\r\n",
        "\r\n+QMTPUB: 0,1,0\r\n",
        "\r\n+QMTSUB: 0,2,0,1\r\n",
        "\r\n+QMTSTAT: 0,1\r\n",
        "\r\n+QMTRECV: 0,0\r\n",
        "\r\n+QMTRECV: 0,4\r\n",
        "\r\n+QMTRECV: 0,7,\"m/1\",6,\"\r\nOK\r\n\"\r\n\r\nOK\r\n",
        "\r\n+QMTRECV: 0,7,\"m/1\",9,\"hel",
        "\r\n+QMTRECV: 0,7,\"m/1\",99999,\"",
        "\r\n\r\n",
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
    Take,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => speech().prop_map(Step::Say),
        2 => (0..200_000_u64).prop_map(Step::Pass),
        2 => (0..20_u8).prop_map(Step::Ask),
        1 => Just(Step::Abandon),
        1 => Just(Step::Take),
    ];
    proptest::collection::vec(step, 0..60)
}

/// What can be seen from outside after a step.
type Seen = (
    String,
    Vec<Event>,
    Option<Result<Answer, Fault>>,
    Vec<u8>,
    Option<Instant>,
);

fn play(steps: &[Step], cut: usize) -> Vec<Seen> {
    let mut config = config();
    config.power_saving = PeriodicTimer::at_least(HOUR)
        .zip(ActiveTimer::at_least(HOUR / 60))
        .map(|psm| PowerSaving {
            psm: Some(psm),
            edrx: None,
        });
    let mut rig = Rig::new(common::config(), cut);
    let socket = rig.connected();
    *rig.engine.config_mut() = config;
    let mut seen = Vec::new();
    for step in steps {
        let mut taken = Vec::new();
        match step {
            Step::Say(bytes) => rig.say(bytes),
            Step::Pass(millis) => rig.pass(*millis),
            Step::Abandon => rig.engine.abandon(rig.now),
            Step::Take => taken = rig.take(socket),
            Step::Ask(what) => {
                let (topic, qos) = ("m/1", Qos::AtLeastOnce);
                let request = match what {
                    0 => Request::Start,
                    1 => Request::Connect {
                        host: "meter.example",
                        port: 1,
                        transport: Transport::Tcp,
                    },
                    2 => Request::Send {
                        socket,
                        data: b"hello",
                    },
                    3 => Request::Receive { socket },
                    4 => Request::Close { socket },
                    5 => Request::Identity,
                    6 => Request::NetworkTime,
                    7 => Request::Registration,
                    8 => Request::PowerSaving,
                    9 => Request::PowerDown,
                    10..=12 => Request::MqttConnect {
                        session: Session::new("broker.example", 1883, "meter-17"),
                    },
                    13 => Request::MqttSubscribe { topic, qos },
                    14 | 15 => Request::MqttPublish {
                        topic,
                        data: b"hello",
                        qos,
                        retain: false,
                    },
                    16 | 17 => Request::MqttReceive,
                    18 => Request::MqttDisconnect,
                    _ => Request::Signal,
                };
                let _ = rig.engine.begin(request, rig.now);
            }
        }
        seen.push((
            rig.sent(),
            rig.events(),
            rig.engine.outcome(),
            taken,
            rig.engine.deadline(),
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
        rig.begin(Request::Connect { host: "meter.example", port: 1, transport: Transport::Tcp });
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
        // Nothing is due that never gets done.
        prop_assert!(rig.engine.deadline().is_none_or(|at| at > rig.now));
    }
}
