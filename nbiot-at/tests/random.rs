//! Lives drawn at random: requests, lines, damage, time and lost interest in any order.

mod common;

use common::mqtt::connected;
use common::{CONNECT, Rig, config};
use nbiot_at::mqtt::Qos;
use nbiot_at::{Answer, Request};

#[test]
fn any_life_ends() {
    const SAID: [&str; 40] = [
        "\r\nOK\r\n",
        "\r\nOK\r\n",
        "\r\nOK\r\n",
        "\r\nERROR\r\n",
        "\r\n> ",
        "\r\nSEND OK\r\n",
        "\r\nSEND FAIL\r\n",
        "\r\n+CMEE: 1\r\n\r\nOK\r\n",
        "\r\n+CMEE: 1\r\n\r\nOK\r\n",
        "\r\n+QMTRECV 0,3\r\n",
        "\r\n+QMTRECV: 0,1\r\n",
        "\r\n+QMTRECV: 0,2\r\n",
        "\r\n+QMTRECV: 0,7,\"t\",3,\"abc\"\r\n\r\nOK\r\n",
        "\r\n+QIRD: 5\r\nhello\r\n\r\nOK\r\n",
        "\r\n+QIRD: 0\r\n\r\nOK\r\n",
        "\r\n+QIRD: 50\r\nabc",
        "\r\n+QIRD: 5,5,0\r\n\r\nOK\r\n",
        "\r\n+QISEND: 5,5,0\r\n\r\nOK\r\n",
        "\r\n+QIURC: \"recv\",0\r\n",
        "\r\n+QIURC: \"closed\",0\r\n",
        "\r\n+QIURC: \"pdpdeact\",1\r\n",
        "\r\nRDY\r\n",
        "\r\nAPP RDY\r\n",
        "\r\nPOWERED DOWN\r\n",
        "\r\nPSM POWER DOWN\r\n",
        "\r\n+QMTSTAT: 0,1\r\n",
        "\r\n+QMTPUB: 0,0,0\r\n",
        "\r\n+QMTPUB: 0,1,0\r\n",
        "\r\n+QIOPEN: 0,0\r\n",
        "\r\n+QIOPEN: 1,0\r\n",
        "\r\n+QIOPEN: 0,563\r\n",
        "\r\n+QIURC: \"dnsgip\",0,1,600\r\n\r\n+QIURC: \"dnsgip\",\"192.0.2.1\"\r\n",
        "\r\n+CEREG: 2\r\n",
        "\r\n+CEREG: 1,\"0A1B\",\"01C2D304\",9\r\n",
        "\r\n+QMTOPEN: 0,0\r\n",
        "\r\n+QMTCONN: 0,0,0\r\n",
        "\r\nCONNECT\r\n",
        "\r\n+QFOPEN: 7\r\n\r\nOK\r\n",
        "\r\n+CPIN: NOT READY\r\n",
        "\r\n+CME ERROR: 14\r\n",
    ];
    for seed in 0..1_000u64 {
        let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = |n: u64| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            (x >> 11) % n
        };
        let mut rig = Rig::new(config(), 0);
        let mut sockets = Vec::new();
        if next(2) == 0 {
            connected(&mut rig);
        } else {
            rig.start();
        }
        sockets.push(rig.connect());
        let mut log = Vec::new();
        for _ in 0..60 {
            let what = next(20);
            match what {
                0..=8 => {
                    let line = SAID[next(SAID.len() as u64) as usize];
                    let mut bytes = line.as_bytes().to_vec();
                    if next(8) == 0 {
                        bytes.remove(next(bytes.len() as u64) as usize);
                    }
                    log.push(String::from_utf8_lossy(&bytes).into_owned());
                    rig.say(bytes);
                }
                9..=11 => {
                    log.push(format!("sent {:?}", rig.sent()));
                }
                12 => {
                    if let Some(bytes) = rig.engine.transmit() {
                        let n = 1 + next(bytes.len() as u64) as usize;
                        rig.engine.transmitted(n);
                        log.push(format!("sent {n}"));
                    }
                }
                13..=14 => {
                    let t = [100, 1_000, 5_000, 30_000, 200_000, 5 * 86_400_000][next(6) as usize];
                    log.push(format!("pass {t}"));
                    rig.pass(t);
                }
                15 => {
                    log.push("abandon".into());
                    rig.engine.abandon(rig.now);
                }
                16 => drop(rig.events()),
                _ => {
                    if let Some(Ok(Answer::Socket(s))) = rig.engine.outcome() {
                        sockets.push(s);
                    }
                    let socket = *sockets.last().unwrap();
                    let r = match next(14) {
                        0 => Request::Receive { socket },
                        1 => Request::Send {
                            socket,
                            data: b"hello",
                        },
                        2 => Request::Close { socket },
                        3 => Request::Flush { socket },
                        4 => CONNECT,
                        5 => Request::MqttReceive,
                        6 => Request::MqttPublish {
                            topic: "m",
                            data: b"abc",
                            qos: Qos::AtMostOnce,
                            retain: false,
                        },
                        7 => Request::MqttPublish {
                            topic: "m",
                            data: b"abc",
                            qos: Qos::AtLeastOnce,
                            retain: false,
                        },
                        8 => Request::MqttConnect {
                            session: common::mqtt::session(),
                        },
                        9 => Request::Resolve { host: "a.example" },
                        10 => Request::PowerDown,
                        11 => Request::Start,
                        12 => Request::WriteFile {
                            name: "a",
                            offset: 0,
                            data: b"abc",
                        },
                        _ => Request::MqttDisconnect,
                    };
                    log.push(format!("{r:?}: {:?}", rig.engine.begin(r, rig.now)));
                    if next(4) == 0 {
                        rig.engine.release(socket);
                    }
                }
            }
            rig.engine.handle_timeout(rig.now);
            rig.engine.handle_timeout(rig.now);
            rig.engine.handle_timeout(rig.now);
            let d = rig.engine.deadline();
            assert!(
                d.is_none_or(|d| d > rig.now),
                "spins: {d:?} {:?} {log:#?}",
                rig.now
            );
        }
        for _ in 0..200 {
            rig.sent();
            rig.pass(60_000);
            rig.engine.abandon(rig.now);
        }
        rig.sent();
        rig.events();
        assert!(rig.engine.is_idle(), "{log:#?} {:?}", rig.engine);
        assert!(rig.engine.deadline().is_none(), "{log:#?}");
    }
}
