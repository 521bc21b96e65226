//! Settings, sockets, files, MQTT and GNSS: what is documented, and what is not.

use nbiot_at::query::file::*;
use nbiot_at::query::gnss::*;
use nbiot_at::query::mqtt::*;
use nbiot_at::query::setting::*;
use nbiot_at::query::socket::*;
use nbiot_at::query::{Lines, Query};
use nbiot_at::{Fault, GnssError, SocketError};

use crate::common::{config, for_every_cut};
use crate::garbled::refuses;
use crate::{ask, asked, rig};

#[test]
fn each_number_is_read_and_written_under_its_name() {
    let mut rig = rig();
    for (key, name, good, bad) in [
        (Key::ScanMode, "nwscanmode", 3, Some(2)),
        (Key::IotMode, "iotopmode", 2, Some(3)),
        (Key::ServiceDomain, "servicedomain", 1, Some(0)),
        (Key::Roaming, "roamservice", 255, Some(3)),
        (Key::PsmReports, "psm/urc", 1, Some(2)),
        (Key::PsmEntry, "psm/enter", 0, Some(2)),
        (Key::DuplicateApn, "pdp/duplicatechk", 1, Some(2)),
        (Key::UrcDelay, "urc/delay", 1, Some(2)),
        (Key::UrcChannel, "cmux/urcport", 4, Some(5)),
        (Key::LedMode, "ledmode", 1, None),
        (Key::Msc, "msc", 2, None),
        (Key::Sgsn, "sgsn", 2, None),
    ] {
        let answer = format!("+QCFG: \"{name}\",{good}");
        let line = format!("AT+QCFG=\"{name}\"");
        assert_eq!(ask(&mut rig, &Read(key), &line, &[&answer]), Ok(good));
        let line = format!("{line},{good}");
        assert_eq!(
            ask(&mut rig, &Write { key, value: good }, &line, &[]),
            Ok(())
        );
        if let Some(value) = bad {
            let refused = rig.engine.ask(&Write { key, value }, rig.now);
            assert_eq!(refused, Err(Fault::InvalidParameter), "{name}");
            refuses(&Read(key), &[&format!("+QCFG: \"{name}\",{value}")]);
        }
        refuses(
            &Read(key),
            &["+QCFG: \"other\",1", &format!("+QCFG: \"{name}\"")],
        );
    }
    let level = Read(Key::CoverageLevel);
    let found = ask(
        &mut rig,
        &level,
        "AT+QCFG=\"celevel\"",
        &["+QCFG: \"celevel\",2"],
    );
    assert_eq!(found, Ok(2));
    let write = Write {
        key: Key::CoverageLevel,
        value: 1,
    };
    assert_eq!(
        rig.engine.ask(&write, rig.now),
        Err(Fault::InvalidParameter)
    );
}

#[test]
fn bands_of_more_than_64_bits() {
    for_every_cut(&config(), |rig| {
        let line = "+QCFG: \"band\",0xf,0x100002000000000f0e189f,0x10004200000000090e189f";
        let masks = ask(rig, &Bands, "AT+QCFG=\"band\"", &[line]).unwrap();
        assert_eq!(masks.gsm, 0xf);
        assert_eq!(masks.lte_m, 0x10_0002_0000_0000_0f0e_189f);
        assert_eq!(masks.nb_iot, 0x10_0042_0000_0000_090e_189f);
        let written = "AT+QCFG=\"band\",F,100002000000000F0E189F,10004200000000090E189F";
        assert_eq!(ask(rig, &masks, written, &[]), Ok(()));
        // Europe.
        let europe = BandMasks::of(&[3, 8, 20]);
        assert_eq!((europe, BandMasks::of(&[86])), (Some(0x80084), None));
        let masks = BandMasks {
            gsm: 0,
            lte_m: 0,
            nb_iot: 0x80084,
        };
        assert_eq!(ask(rig, &masks, "AT+QCFG=\"band\",0,0,80084", &[]), Ok(()));
    });
    refuses(
        &Bands,
        &[
            "+QCFG: \"band\",0xf,0x1",
            "+QCFG: \"band\",0xg,0x1,0x1",
            "+QCFG: \"band\",0xfff,0x1,0x1",
            "+QCFG: \"band\",0xf,0x,0x1",
        ],
    );
}

#[test]
fn settings_of_their_own_form() {
    let mut rig = rig();
    let rig = &mut rig;
    let line = "AT+QCFG=\"nwscanseq\"";
    for (value, expected) in [
        ("020301", [Some(2), Some(3), Some(1)]),
        ("20301", [Some(2), Some(3), Some(1)]),
        ("00", [Some(0), None, None]),
        ("0203", [Some(2), Some(3), None]),
    ] {
        let found = ask(
            rig,
            &ScanSequence,
            line,
            &[&format!("+QCFG: \"nwscanseq\",{value}")],
        );
        assert_eq!(found.unwrap().accesses, expected, "{value}");
    }
    refuses(
        &ScanSequence,
        &["+QCFG: \"nwscanseq\",04", "+QCFG: \"nwscanseq\",02030102"],
    );
    let found = ask(rig, &Ims, "AT+QCFG=\"ims\"", &["+QCFG: \"ims\",1,0"]);
    assert_eq!(found, Ok([1, 0]));
    let line = "+QCFG: \"risignaltype\",\"physical\"";
    let found = ask(rig, &RingLine, "AT+QCFG=\"risignaltype\"", &[line]);
    assert_eq!(found, Ok(RingSignal::Physical));
    let sent = "AT+QCFG=\"risignaltype\",\"respective\"";
    assert_eq!(ask(rig, &RingSignal::Respective, sent, &[]), Ok(()));
    let line = "+QCFG: \"apready\",1,0,500";
    let found = ask(rig, &HostReadiness, "AT+QCFG=\"apready\"", &[line]).unwrap();
    assert_eq!(
        found,
        HostReady {
            is_enabled: true,
            is_high: false,
            interval: 500
        }
    );
    assert_eq!(ask(rig, &found, "AT+QCFG=\"apready\",1,0,500", &[]), Ok(()));
    refuses(
        &HostReadiness,
        &["+QCFG: \"apready\",1,0,50", "+QCFG: \"apready\",1"],
    );
    for (kind, name) in [
        (RingIndicator::Ring, "urc/ri/ring"),
        (RingIndicator::Message, "urc/ri/smsincoming"),
        (RingIndicator::Other, "urc/ri/other"),
    ] {
        let answer = format!("+QCFG: \"{name}\",\"pulse\",120");
        let found = ask(rig, &kind, &format!("AT+QCFG=\"{name}\""), &[&answer]).unwrap();
        assert_eq!(found.as_str(), "pulse");
        let set = SetRingIndicator { kind, is_on: false };
        assert_eq!(
            ask(rig, &set, &format!("AT+QCFG=\"{name}\",\"off\""), &[]),
            Ok(())
        );
        refuses(&kind, &[&format!("+QCFG: \"{name}\",\"puls\"")]);
    }
    let bands = SetBandPriority(&[20, 8]);
    assert_eq!(
        ask(rig, &bands, "AT+QCFG=\"nb1/bandprior\",\"1408\"", &[]),
        Ok(())
    );
    assert_eq!(
        ask(rig, &RestoreFactory, "AT+QCFG=\"nvrestore\",0", &[]),
        Ok(())
    );
    let line = "+QURCCFG: \"urcport\",\"uart1\"";
    let port = ask(rig, &UrcPort, "AT+QURCCFG=\"urcport\"", &[line]).unwrap();
    assert_eq!(port.as_str(), "uart1");
    let indicate = Indicate {
        kind: Indication::Signal,
        is_on: true,
        is_kept: false,
    };
    assert_eq!(ask(rig, &indicate, "AT+QINDCFG=\"csq\",1,0", &[]), Ok(()));
}

#[test]
fn sockets_and_their_bytes() {
    let mut rig = rig();
    let rig = &mut rig;
    let state = SocketState { id: 0 };
    let line = "+QISTATE: 0,\"TCP\",\"192.0.2.1\",1883,4096,4,1,0,0,\"uart1\"";
    let found = ask(rig, &state, "AT+QISTATE=1,0", &[line])
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.port, found.local_port, found.phase),
        (1883, 4096, SocketPhase::Closing)
    );
    assert_eq!(ask(rig, &state, "AT+QISTATE=1,0", &[]), Ok(None));
    let lines = [
        "+QISTATE: 1,\"TCP\",\"192.0.2.1\",1883,4096,4",
        "+QISTATE: 0,\"TCP\",\"x\",1,2,3",
    ];
    for line in lines {
        let found = state.parse(Lines::new(line.as_bytes()));
        assert_eq!(found, Err(Fault::Malformed), "{line}");
    }
    let line = "+QSSLSTATE: 3,\"SSLClient\",\"192.0.2.1\",443,4096,2,1,3,0,\"uart1\",1";
    let found = ask(rig, &TlsSocketState { id: 3 }, "AT+QSSLSTATE=3", &[line]);
    assert_eq!(found.unwrap().unwrap().kind.as_str(), "SSLClient");
    let found = ask(
        rig,
        &BytesSent { id: 0 },
        "AT+QISEND=0,0",
        &["+QISEND: 10,4,6"],
    )
    .unwrap();
    assert_eq!((found.acknowledged, found.unacknowledged), (4, 6));
    refuses(&BytesSent { id: 0 }, &["+QISEND: 10,4", "+QISEND: 10,4,5"]);
    let found = ask(
        rig,
        &BytesReceived { id: 0 },
        "AT+QIRD=0,0",
        &["+QIRD: 10,4,6"],
    )
    .unwrap();
    assert_eq!((found.read, found.unread), (4, 6));
    let line = "+QIGETERROR: 565, dns failed";
    let found = ask(rig, &LastSocketError, "AT+QIGETERROR", &[line]);
    assert_eq!(found, Ok(Some(SocketError::DnsFailed)));
    let found = ask(
        rig,
        &LastSocketError,
        "AT+QIGETERROR",
        &["+QIGETERROR: 0,operate success"],
    );
    assert_eq!(found, Ok(None));
    let setting = TlsConfigured {
        key: "seclevel",
        context: 2,
    };
    let line = "+QSSLCFG: \"seclevel\",2,1";
    let found = ask(rig, &setting, "AT+QSSLCFG=\"seclevel\",2", &[line]).unwrap();
    assert_eq!(found.as_str(), "1");
    let authority = TlsConfigured {
        key: "cacert",
        context: 2,
    };
    let name = "n".repeat(80);
    let line = format!("+QSSLCFG: \"cacert\",2,\"{name}\"");
    let found = ask(rig, &authority, "AT+QSSLCFG=\"cacert\",2", &[&line]).unwrap();
    assert_eq!(found.as_str(), name);
    refuses(
        &setting,
        &["+QSSLCFG: \"seclevel\",1,1", "+QSSLCFG: \"seclevl\",2,1"],
    );
}

#[test]
fn echoes_are_waited_for() {
    for_every_cut(&config(), |rig| {
        let ping = Ping {
            context: 1,
            host: "meter.example",
            time_out: 4,
            count: 2,
        };
        let line = "AT+QPING=1,\"meter.example\",4,2";
        let echoes = "\r\n+QPING: 0,\"192.0.2.1\",32,310,255\r\n\r\n+QPING: 569\r\n";
        let said = format!("\r\nOK\r\n{echoes}\r\n+QPING: 0,2,1,1,310,310,310\r\n");
        let found = asked(rig, &ping, line, &said).unwrap();
        assert_eq!((found.sent, found.received, found.lost), (2, 1, 1));
        // Whether more comes, only the time says.
        rig.engine.ask(&ping, rig.now).unwrap();
        rig.exchange(line, "\r\nOK\r\n\r\n+QPING: 565\r\n");
        assert_eq!(rig.engine.outcome(), None);
        rig.pass(15_000);
        let failed = Err(Fault::Socket(SocketError::DnsFailed));
        assert_eq!(crate::outcome(rig, &ping), failed);
        let said = "\r\nOK\r\n\r\n+QPING: 0,2,1,1,310,310\r\n";
        assert_eq!(asked(rig, &ping, line, said), Err(Fault::Malformed));
        let refused = asked(rig, &ping, line, "\r\nERROR\r\n");
        assert_eq!(refused, Err(Fault::Refused));
        let never = Ping { count: 0, ..ping };
        assert_eq!(
            rig.engine.ask(&never, rig.now),
            Err(Fault::InvalidParameter)
        );
    });
}

#[test]
fn files_messages_and_places() {
    let mut rig = rig();
    let rig = &mut rig;
    let room = ask(rig, &Storage, "AT+QFLDS=\"UFS\"", &["+QFLDS: 3000,6144"]).unwrap();
    assert_eq!((room.free, room.total), (3000, 6144));
    let used = ask(rig, &StorageUsed, "AT+QFLDS", &["+QFLDS: 3144,2"]).unwrap();
    assert_eq!((used.bytes, used.files), (3144, 2));
    let lines = ["+QFLST: \"UFS:ca.pem\",1187", "+QFLST: \"a, b\",7"];
    let files = ask(rig, &Files, "AT+QFLST=\"*\"", &lines).unwrap();
    assert_eq!(files.as_slice()[0].name.as_str(), "ca.pem");
    assert_eq!((files.as_slice()[1].size, files.as_slice().len()), (7, 2));
    assert_eq!(
        ask(rig, &Files, "AT+QFLST=\"*\"", &[]).unwrap().as_slice(),
        []
    );
    let found = ask(rig, &FileNamed("a, b"), "AT+QFLST=\"a, b\"", &lines);
    assert_eq!(found, Ok(Some(7)));
    for (meant, listed) in [
        ("UFS:f", "f"),
        ("f", "UFS:f"),
        ("RAM:f", "f"),
        ("SD:f", "SD:f"),
    ] {
        let (line, said) = (
            format!("AT+QFLST=\"{meant}\""),
            format!("+QFLST: \"{listed}\",7"),
        );
        let found = ask(rig, &FileNamed(meant), &line, &[&said]);
        assert_eq!(found, Ok(Some(7)), "{meant} {listed}");
    }
    let found = ask(
        rig,
        &FileNamed("f"),
        "AT+QFLST=\"f\"",
        &["+QFLST: \"of\",7"],
    );
    assert_eq!(found, Ok(None));
    let garbled = Lines::new(b"+QFLST: \"a\",1\n+QFLST: \"b\",x\n");
    assert_eq!(Files.parse(garbled).unwrap_err(), Fault::Malformed);
    refuses(&Storage, &["+QFLDS: 1", "+QFLDS: 2,1"]);
    let state = MqttState { client: 0 };
    let found = ask(
        rig,
        &state,
        "AT+QMTCONN?",
        &["+QMTCONN: 1,1", "+QMTCONN: 0,3"],
    );
    assert_eq!(found, Ok(Some(MqttPhase::Connected)));
    // The result of a connect that nobody waited for.
    let lines = ["+QMTCONN: 0,0,0", "+QMTCONN: 0,3"];
    let found = ask(rig, &state, "AT+QMTCONN?", &lines);
    assert_eq!(found, Ok(Some(MqttPhase::Connected)));
    assert_eq!(ask(rig, &state, "AT+QMTCONN?", &[]), Ok(None));
    let line = "+QMTCFG: \"keepalive\",120";
    let found = ask(
        rig,
        &KeepAlive { client: 0 },
        "AT+QMTCFG=\"keepalive\",0",
        &[line],
    );
    assert_eq!(found, Ok(120));
    let line = "+QMTCFG: \"version\",4";
    let found = ask(
        rig,
        &MqttVersion { client: 0 },
        "AT+QMTCFG=\"version\",0",
        &[line],
    );
    assert_eq!(found, Ok(4));
    let line = "+QMTCFG: \"session\",1";
    let found = ask(
        rig,
        &CleanSession { client: 0 },
        "AT+QMTCFG=\"session\",0",
        &[line],
    );
    assert_eq!(found, Ok(true));
    assert_eq!(ask(rig, &GnssState, "AT+QGPS?", &["+QGPS: 1"]), Ok(true));
    let place = "38.46794,14.95438,0.7,62.2,3,0.00,0.0,0.0,271126,09";
    let line = format!("+QGPSLOC: 120000.000,{place}");
    let found = ask(rig, &Location, "AT+QGPSLOC=2", &[&line]).unwrap();
    assert_eq!((found.latitude, found.satellites), (38_467_940, 9));
    let none = asked(rig, &Location, "AT+QGPSLOC=2", "\r\n+CME ERROR: 516\r\n");
    assert_eq!(none, Err(Fault::Gnss(GnssError::NoFix)));
    refuses(
        &Location,
        &["+QGPSLOC: 120000.000,98.46794,14.95438,0.7,62.2,3,0,0,0,271126,09"],
    );
    let start = StartGnss {
        fix_time: 30,
        accuracy: 50,
        count: 0,
        interval: 1,
    };
    assert_eq!(ask(rig, &start, "AT+QGPS=1,30,50,0,1", &[]), Ok(()));
}
