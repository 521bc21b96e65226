//! The documented forms of SIM, contexts, time and power saving.

use std::net::IpAddr;
use std::time::Duration;

use nbiot_at::query::context::*;
use nbiot_at::query::power::*;
use nbiot_at::query::sim::*;
use nbiot_at::query::time::*;
use nbiot_at::{CmeError, EdrxAccess, Fault};

use crate::common::{config, for_every_cut};
use crate::{ask, asked, rig};

#[test]
fn sim_asks_for_each_of_its_codes() {
    let mut rig = rig();
    for (code, expected) in [
        ("READY", Code::Ready),
        ("SIM PIN", Code::Pin),
        ("SIM PUK", Code::Puk),
        ("SIM PIN2", Code::Pin2),
        ("SIM PUK2", Code::Puk2),
        ("PH-NET PIN", Code::NetworkPin),
        ("PH-NET PUK", Code::NetworkPuk),
        ("PH-NETSUB PIN", Code::SubsetPin),
        ("PH-NETSUB PUK", Code::SubsetPuk),
        ("PH-SP PIN", Code::ProviderPin),
        ("PH-SP PUK", Code::ProviderPuk),
        ("PH-CORP PIN", Code::CorporatePin),
        ("PH-CORP PUK", Code::CorporatePuk),
    ] {
        let line = format!("+CPIN: {code}");
        assert_eq!(
            ask(&mut rig, &SimStatus, "AT+CPIN?", &[&line]),
            Ok(expected)
        );
    }
    for (code, expected) in [
        (10, CmeError::SimNotInserted),
        (13, CmeError::SimFailure),
        (14, CmeError::SimBusy),
        (15, CmeError::SimWrong),
    ] {
        let said = format!("\r\n+CME ERROR: {code}\r\n");
        let found = asked(&mut rig, &SimStatus, "AT+CPIN?", &said);
        assert_eq!(found, Err(Fault::Cme(expected)));
    }
}

#[test]
fn sim_tells_who_it_is() {
    for_every_cut(&config(), |rig| {
        let imsi = ask(rig, &Imsi, "AT+CIMI", &["222990000000001"]).unwrap();
        assert_eq!(imsi.as_str(), "222990000000001");
        for line in [
            "+QCCID: 8988211000000000001F",
            "+QCCID: 8988211000000000001",
            "+ICCID: \"8988211000000000001f\"",
        ] {
            let iccid = ask(rig, &Iccid, "AT+QCCID", &[line]).unwrap();
            assert_eq!(iccid.as_str(), "8988211000000000001");
        }
        let line = "+QPINC: \"SC\",3,10";
        let tries = ask(rig, &PinTries, "AT+QPINC=\"SC\"", &[line]).unwrap();
        assert_eq!((tries.pin, tries.puk), (3, 10));
        let lock = ask(rig, &PinLock, "AT+CLCK=\"SC\",2", &["+CLCK: 1"]);
        assert_eq!(lock, Ok(true));
        let state = ask(rig, &SimInitialisation, "AT+QINISTAT", &["+QINISTAT: 3"]).unwrap();
        assert!(state.pin && state.messages && !state.phone_book);
        for (line, inserted) in [
            ("+QSIMSTAT: 0,0", Some(false)),
            ("+QSIMSTAT: 0,1", Some(true)),
            ("+QSIMSTAT: 0,2", None),
        ] {
            let found = ask(rig, &SimPresence, "AT+QSIMSTAT?", &[line]).unwrap();
            assert_eq!((found.reports, found.inserted), (false, inserted));
        }
    });
}

#[test]
fn sim_is_told() {
    let mut rig = rig();
    let rig = &mut rig;
    assert_eq!(ask(rig, &EnterPin("1234"), "AT+CPIN=\"1234\"", &[]), Ok(()));
    let puk = EnterPuk {
        puk: "12345678",
        new_pin: "4321",
    };
    assert_eq!(ask(rig, &puk, "AT+CPIN=\"12345678\",\"4321\"", &[]), Ok(()));
    let said = "\r\n+CME ERROR: 16\r\n";
    let wrong = asked(rig, &EnterPin("1235"), "AT+CPIN=\"1235\"", said);
    assert_eq!(wrong, Err(Fault::Cme(CmeError::IncorrectPassword)));
    assert_eq!(ask(rig, &ReportSim(true), "AT+QSIMSTAT=1", &[]), Ok(()));
    let detect = DetectSim {
        is_enabled: true,
        is_high: false,
    };
    assert_eq!(ask(rig, &detect, "AT+QSIMDET=1,0", &[]), Ok(()));
}

#[test]
fn file_of_the_sim_longer_than_a_line() {
    for_every_cut(&config(), |rig| {
        let mut file = SimFile {
            command: SimCommand::ReadBinary,
            file: Some(0x6f07),
            parameters: [0, 0, 9],
            data: &[],
        };
        let line = "+CRSM: 144,0,\"082922990000000010\"";
        let found = ask(rig, &file, "AT+CRSM=176,28423,0,0,9", &[line]).unwrap();
        assert_eq!((found.status, found.data.as_slice()[1]), (0x9000, 0x29));
        let line = format!("+CRSM: 144,0,{}", "A5".repeat(255));
        let found = ask(rig, &file, "AT+CRSM=176,28423,0,0,9", &[&line]).unwrap();
        assert_eq!(found.data.as_slice(), [0xa5; 255]);
        file.command = SimCommand::UpdateBinary;
        file.data = &[0x0a, 0xff];
        let sent = "AT+CRSM=214,28423,0,0,9,\"0AFF\"";
        let found = ask(rig, &file, sent, &["+CRSM: 106,130"]).unwrap();
        assert_eq!((found.status, found.data.as_slice().len()), (0x6a82, 0));
    });
}

#[test]
fn contexts_are_found_among_the_others() {
    for_every_cut(&config(), |rig| {
        let lines = [
            "+CGDCONT: 1,\"IP\",\"iot.example\",\"0.0.0.0\",0,0,0,0",
            "+CGDCONT: 2,\"IPV4V6\",\"ims\",\"\",0,0",
        ];
        let query = |context| ContextDefinition { context };
        let second = ask(rig, &query(2), "AT+CGDCONT?", &lines).unwrap().unwrap();
        assert_eq!(
            (second.kind, second.apn.as_str()),
            (ContextKind::V4V6, "ims")
        );
        assert_eq!(ask(rig, &query(3), "AT+CGDCONT?", &lines), Ok(None));
        assert_eq!(ask(rig, &query(3), "AT+CGDCONT?", &[]), Ok(None));
        let lines = ["+CGACT: 1,1", "+CGACT: 2,0"];
        for (context, expected) in [(1, Some(true)), (2, Some(false)), (3, None)] {
            let found = ask(rig, &ContextState { context }, "AT+CGACT?", &lines);
            assert_eq!(found, Ok(expected));
        }
        let v6 = "+CGPADDR: 1,\"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.7\"";
        for (line, address) in [
            ("+CGPADDR: 1,10.2.3.4", Some("10.2.3.4")),
            ("+CGPADDR: 1,\"10.2.3.4\"", Some("10.2.3.4")),
            (v6, Some("2001:db8::7")),
            ("+CGPADDR: 1,\"0.0.0.0\"", None),
            ("+CGPADDR: 1", None),
        ] {
            let query = ContextAddress { context: 1 };
            let found = ask(rig, &query, "AT+CGPADDR=1", &[line]);
            assert_eq!(
                found,
                Ok(address.map(|text| text.parse::<IpAddr>().unwrap()))
            );
        }
        for (line, expected) in [
            ("+QIACT: 1,1,1,\"10.2.3.4\"", Some(true)),
            ("+QIACT: 1,1,1", Some(false)),
            ("+QIACT: 1,0,1", None),
            ("+QIACT: 2,1,1,\"10.2.3.4\"", None),
        ] {
            let found = ask(rig, &ActiveContext { context: 1 }, "AT+QIACT?", &[line]).unwrap();
            assert_eq!(
                found.map(|active| active.address.is_some()),
                expected,
                "{line}"
            );
        }
    });
}

#[test]
fn contexts_and_servers_are_set() {
    let mut rig = rig();
    let rig = &mut rig;
    assert_eq!(
        ask(rig, &PacketService, "AT+CGATT?", &["+CGATT: 1"]),
        Ok(true)
    );
    assert_eq!(ask(rig, &Attach(false), "AT+CGATT=0", &[]), Ok(()));
    let define = DefineContext {
        context: 2,
        kind: ContextKind::V6,
        apn: "iot",
    };
    assert_eq!(
        ask(rig, &define, "AT+CGDCONT=2,\"IPV6\",\"iot\"", &[]),
        Ok(())
    );
    assert_eq!(
        ask(rig, &DeleteContext { context: 2 }, "AT+CGDCONT=2", &[]),
        Ok(())
    );
    let activate = ActivateContext {
        context: 2,
        is_active: true,
    };
    assert_eq!(ask(rig, &activate, "AT+CGACT=1,2", &[]), Ok(()));
    let line = "+QICSGP: 1,\"iot.example\",\"me\",\"secret\",1";
    let found = ask(rig, &ContextSettings { context: 1 }, "AT+QICSGP=1", &[line]).unwrap();
    assert_eq!(
        (found.kind, found.apn.as_str(), found.user.as_str()),
        (1, "iot.example", "me")
    );
    let line = "+QIDNSCFG: 1,\"10.0.0.53\",\"0.0.0.0\"";
    let found = ask(rig, &NameServers { context: 1 }, "AT+QIDNSCFG=1", &[line]);
    assert_eq!(found, Ok([Some("10.0.0.53".parse().unwrap()), None]));
    let set = SetNameServer {
        context: 1,
        address: "10.0.0.53",
    };
    assert_eq!(ask(rig, &set, "AT+QIDNSCFG=1,\"10.0.0.53\"", &[]), Ok(()));
}

#[test]
fn clocks() {
    let mut rig = rig();
    let rig = &mut rig;
    let line = "+CCLK: \"26/03/29,01:59:59+04\"";
    let time = ask(rig, &Clock, "AT+CCLK?", &[line]).unwrap().unwrap();
    // From `date -u -d 2026-03-29T00:59:59Z +%s`.
    assert_eq!((time.unix, time.zone), (1_774_745_999, Some(4)));
    for unset in [
        "80/01/06,00:00:11+00",
        "1970/01/01,00:00:11+00",
        "04/01/01,00:00:11-32",
    ] {
        let line = format!("+CCLK: \"{unset}\"");
        assert_eq!(ask(rig, &Clock, "AT+CCLK?", &[&line]), Ok(None));
    }
    for (line, expected) in [
        ("+CTZU: 0", ClockUpdate::Off),
        ("+CTZU: 1", ClockUpdate::On),
        ("+CTZU: 3", ClockUpdate::WithRtc),
    ] {
        assert_eq!(ask(rig, &TimeZoneUpdate, "AT+CTZU?", &[line]), Ok(expected));
    }
    assert_eq!(ask(rig, &ClockUpdate::On, "AT+CTZU=1", &[]), Ok(()));
    assert_eq!(
        ask(rig, &ReportTimeZone::ZoneAndTime, "AT+CTZR=2", &[]),
        Ok(())
    );
    for line in [
        "+QLTS: \"2026/03/29,00:59:59+04,1\"",
        "+QLTS: \"26/03/29,00:59:59+04\",1",
    ] {
        let found = ask(rig, &TimeOfNetwork::Universal, "AT+QLTS=1", &[line]);
        let found = found.unwrap().unwrap();
        assert_eq!(
            (found.time.unix, found.daylight_saving),
            (1_774_745_999, Some(1))
        );
    }
    let line = "+QLTS: \"2026/03/29,01:59:59+04\"";
    let found = ask(rig, &TimeOfNetwork::Local, "AT+QLTS=2", &[line])
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.time.unix, found.daylight_saving),
        (1_774_745_999, None)
    );
    assert_eq!(
        ask(rig, &TimeOfNetwork::Last, "AT+QLTS=0", &["+QLTS: \"\""]),
        Ok(None)
    );
}

#[test]
fn power_saving_asked_and_granted() {
    let mut rig = rig();
    let rig = &mut rig;
    let line = "+CPSMS: 1,,,\"00000110\",\"00100001\"";
    let found = ask(rig, &PsmSettings, "AT+CPSMS?", &[line]).unwrap();
    assert_eq!(
        found.periodic.unwrap().duration(),
        Some(Duration::from_secs(3600))
    );
    let found = ask(rig, &PsmSettings, "AT+CPSMS?", &["+CPSMS: 0,,,,"]).unwrap();
    assert!(!found.is_on && found.periodic.is_none() && found.active.is_none());
    let line = "+QPSMS: 1,,,\"86400\",\"20\"";
    let found = ask(rig, &PsmGranted, "AT+QPSMS?", &[line]).unwrap();
    assert_eq!(found.active, Some(Duration::from_secs(20)));
    let lines = ["+CEDRXS: 4,\"0010\"", "+CEDRXS: 5,\"0101\""];
    let query = EdrxSettings {
        access: EdrxAccess::NbIot,
    };
    let cycle = ask(rig, &query, "AT+CEDRXS?", &lines).unwrap().unwrap();
    assert_eq!(
        cycle.duration(EdrxAccess::NbIot),
        Duration::from_millis(81_920)
    );
    assert_eq!(ask(rig, &query, "AT+CEDRXS?", &[]), Ok(None));
    let line = "+CEDRXRDP: 5,\"0101\",\"0101\",\"0011\"";
    let found = ask(rig, &EdrxInUse, "AT+CEDRXRDP", &[line])
        .unwrap()
        .unwrap();
    assert_eq!(found.granted, Some(found.asked));
    assert_eq!(
        ask(rig, &EdrxInUse, "AT+CEDRXRDP", &["+CEDRXRDP: 0"]),
        Ok(None)
    );
    let threshold = PsmThreshold {
        seconds: 120,
        modes: 15,
    };
    assert_eq!(ask(rig, &threshold, "AT+QPSMCFG=120,15", &[]), Ok(()));
    assert_eq!(ask(rig, &AllowSleep(false), "AT+QSCLK=0", &[]), Ok(()));
}
