//! The documented forms.

use nbiot_at::query::cell::{
    CellState, LastFailure, NeighbourCells, NetworkInformation, ServiceProvider, ServingCell,
};
use nbiot_at::query::identity::*;
use nbiot_at::query::operator::{
    Availability, CurrentOperator, FindOperators, OperatorFormat, SelectOperator, Selection,
};
use nbiot_at::query::radio::*;
use nbiot_at::{Access, CmeError, Fault, RegistrationStatus};

use crate::common::{config, for_every_cut};
use crate::{ask, asked, rig};

#[test]
fn identity_is_what_bears_no_name() {
    for_every_cut(&config(), |rig| {
        let lines = ["Quectel", "BG96", "Revision: BG96MAR02A07M1G"];
        let information = ask(rig, &ModuleInformation, "ATI", &lines).unwrap();
        assert_eq!(information.model.as_str(), "BG96");
        assert_eq!(information.revision.as_str(), "BG96MAR02A07M1G");
        let model = ask(rig, &Model, "AT+CGMM", &["BG95-M3"]).unwrap();
        assert_eq!(model.as_str(), "BG95-M3");
        let maker = ask(rig, &Manufacturer, "AT+CGMI", &["RING", "Quectel"]).unwrap();
        assert_eq!(maker.as_str(), "Quectel");
        let revision = "BG95M3LAR02A03_01.012.01.012";
        for line in ["AT+QGMR", "AT+CGMR", "AT+QAPPVER"] {
            let found = match line {
                "AT+QGMR" => ask(rig, &FirmwareRevision, line, &[revision]),
                "AT+CGMR" => ask(rig, &BaseRevision, line, &[revision]),
                _ => ask(rig, &ApplicationVersion, line, &[revision]),
            };
            assert_eq!(found.unwrap().as_str(), revision);
        }
        // `APP RDY` in the middle is no serial number.
        let imei = ask(rig, &Imei, "AT+CGSN", &["866425030000001"]).unwrap();
        assert_eq!(imei.as_str(), "866425030000001");
    });
}

#[test]
fn state_of_the_module() {
    let mut rig = rig();
    let rig = &mut rig;
    for (line, expected) in [
        ("+CFUN: 0", Function::Minimum),
        ("+CFUN: 1", Function::Full),
        ("+CFUN:4", Function::RadioOff),
    ] {
        assert_eq!(ask(rig, &Functionality, "AT+CFUN?", &[line]), Ok(expected));
    }
    let pas = ask(rig, &ActivityStatus, "AT+CPAS", &["+CPAS: 4"]);
    assert_eq!(pas, Ok(Activity::InCall));
    let battery = ask(rig, &Battery, "AT+CBC", &["+CBC: 0,78,3812"]).unwrap();
    assert_eq!((battery.percent, battery.millivolts), (78, 3812));
    let found = ask(rig, &Temperature, "AT+QTEMP", &["+QTEMP: 31,29,-4"]).unwrap();
    assert_eq!(
        (found.pmic, found.oscillator, found.amplifier),
        (31, 29, -4)
    );
    let input = InputVoltage { input: 1 };
    assert_eq!(ask(rig, &input, "AT+QADC=1", &["+QADC: 1,1187"]), Ok(1187));
    let refused = ask(rig, &input, "AT+QADC=1", &["+QADC: 0,0"]);
    assert_eq!(refused, Err(Fault::Refused));
    let line = "+QGDCNT: 4294967295,3724";
    let traffic = ask(rig, &DataCounter, "AT+QGDCNT?", &[line]).unwrap();
    assert_eq!((traffic.sent, traffic.received), (u32::MAX, 3724));
    assert_eq!(ask(rig, &CountTraffic::Reset, "AT+QGDCNT=0", &[]), Ok(()));
    assert_eq!(ask(rig, &ErrorForm, "AT+CMEE?", &["+CMEE: 1"]), Ok(1));
    let refused = asked(rig, &Temperature, "AT+QTEMP", "\r\n+CME ERROR: 4\r\n");
    assert_eq!(refused, Err(Fault::Cme(CmeError::OperationNotSupported)));
}

#[test]
fn registration_is_the_answer_and_no_report() {
    for_every_cut(&config(), |rig| {
        let lines = [
            "+CEREG: 2,\"0A1B\",\"01C2D304\",9",
            "+CEREG: 4,5,\"0A1B\",\"01C2D304\",9,,,\"00100001\",\"00000110\"",
        ];
        let found = ask(rig, &EpsRegistration, "AT+CEREG?", &lines).unwrap();
        assert_eq!(found.status, RegistrationStatus::Roaming);
        assert_eq!(
            (found.access, found.tracking_area),
            (Some(Access::NbIot), Some(0x0a1b))
        );
        let found = ask(rig, &GprsRegistration, "AT+CGREG?", &["+CGREG: 2,4"]).unwrap();
        assert_eq!(found.status, RegistrationStatus::Unknown);
        let line = "+CREG: 2,1,\"FFFE\",\"01C2D304\",8";
        let found = ask(rig, &CircuitRegistration, "AT+CREG?", &[line]).unwrap();
        assert_eq!(found.tracking_area, Some(0xfffe));
    });
}

#[test]
fn signal_and_its_edges() {
    let mut rig = rig();
    let rig = &mut rig;
    for (line, dbm) in [
        ("+CSQ: 0,0", Some(-113)),
        ("+CSQ: 31,7", Some(-51)),
        ("+CSQ: 20,99", Some(-73)),
        ("+CSQ: 99,99", None),
    ] {
        assert_eq!(
            ask(rig, &SignalQuality, "AT+CSQ", &[line]).unwrap().dbm(),
            dbm
        );
    }
    let mut extended = |line: &str| ask(rig, &ExtendedSignal, "AT+QCSQ", &[line]).unwrap();
    assert_eq!(extended("+QCSQ: \"NOSERVICE\""), None);
    let gsm = extended("+QCSQ: \"GSM\",-71").unwrap();
    assert_eq!(
        (gsm.access, gsm.signal.rssi, gsm.signal.rsrp),
        (Access::Gsm, Some(-71), None)
    );
    for (mode, access) in [
        ("CAT-M1", Access::LteM),
        ("eMTC", Access::LteM),
        ("CAT-NB1", Access::NbIot),
        ("NBIoT", Access::NbIot),
    ] {
        let found = extended(&format!("+QCSQ: \"{mode}\",-71,-83,120,-12")).unwrap();
        assert_eq!(found.access, access);
        assert_eq!(
            (found.signal.sinr, found.signal.rsrq),
            (Some(40), Some(-12))
        );
    }
    let found = ask(rig, &RadioConnection, "AT+QCSCON?", &["+QCSCON:0,1"]).unwrap();
    assert!(!found.reports && found.is_connected);
    assert_eq!(
        ask(rig, &ReportConnection(true), "AT+QCSCON=1", &[]),
        Ok(())
    );
}

#[test]
fn network_bare_and_quoted() {
    for_every_cut(&config(), |rig| {
        let none = ask(
            rig,
            &NetworkInformation,
            "AT+QNWINFO",
            &["+QNWINFO: No Service"],
        );
        assert_eq!(none, Ok(None));
        for (name, access) in [
            ("CAT-NB1", Access::NbIot),
            ("eMTC", Access::LteM),
            ("EDGE", Access::Gsm),
        ] {
            let line = format!("+QNWINFO: \"{name}\",\"26201\",\"LTE BAND 20\",6352");
            let found = ask(rig, &NetworkInformation, "AT+QNWINFO", &[&line]);
            let found = found.unwrap().unwrap();
            assert_eq!((found.access, found.channel), (access, 6352));
            assert_eq!(
                (found.mccmnc.as_str(), found.band.as_str()),
                ("26201", "LTE BAND 20")
            );
        }
        let line = "+QSPN: \"Netz (Ost), A\",\"Netz\",\"Stadt\u{fc}\",0,\"26201\"";
        let found = ask(rig, &ServiceProvider, "AT+QSPN", &[line]).unwrap();
        assert_eq!(found.full.as_str(), "Netz (Ost), A");
        assert_eq!(found.provider.as_str(), "Stadt");
        let cause = ask(rig, &LastFailure, "AT+CEER", &["+CEER: EMM detached"]).unwrap();
        assert_eq!(cause.as_str(), "EMM detached");
        let line = "+CEER: No cause, information: available";
        let cause = ask(rig, &LastFailure, "AT+CEER", &[line]).unwrap();
        assert_eq!(cause.as_str(), "No cause, information: available");
    });
}

#[test]
fn serving_cell_in_each_state() {
    let mut rig = rig();
    let line = "AT+QENG=\"servingcell\"";
    let mut serving = |said: &str| ask(&mut rig, &ServingCell, line, &[said]).unwrap();
    let found = serving("+QENG: \"servingcell\",\"SEARCH\"");
    assert_eq!(
        (found.state, found.access, found.lte),
        (CellState::Searching, None, None)
    );
    let head = "+QENG: \"servingcell\",\"CONNECT\",\"CAT-NB\",\"FDD\"";
    let found = serving(&format!(
        "{head},262,01,1C2D304,211,6352,20,0,5,A1B,-83,-12,-71,24,-"
    ));
    let cell = found.lte.unwrap();
    assert_eq!(
        (found.state, found.access),
        (CellState::Connected, Some(Access::NbIot))
    );
    assert_eq!(
        (cell.mcc, cell.mnc, cell.cell),
        (Some(262), Some(1), Some(0x01c2_d304))
    );
    assert_eq!(
        (cell.bandwidth, cell.tracking_area),
        ([Some(14), Some(200)], Some(0xa1b))
    );
    assert_eq!(
        (cell.rsrp, cell.sinr, cell.level),
        (Some(-83), Some(24), None)
    );
    let found = serving("+QENG: \"servingcell\",\"NOCONN\",\"GSM\",262,01,2A,3F,17,62,0,-71,1,2");
    assert_eq!((found.access, found.lte), (Some(Access::Gsm), None));
    let found = serving("+QENG: \"servingcell\",\"LIMSRV\"");
    assert_eq!((found.state, found.access), (CellState::Limited, None));
    let head = "+QENG: \"servingcell\",\"LIMSRV\",\"-\",\"-\"";
    let found = serving(&format!("{head},-,-,-,-,-,-,-,-,-,-,-,-,-,-"));
    assert_eq!((found.access, found.lte.unwrap().is_tdd), (None, None));
    let cells = [
        "+QENG: \"neighbourcell intra\",\"CAT-M\",6400",
        "+QENG: \"neighbourcell\",1",
    ];
    let neighbours = "AT+QENG=\"neighbourcell\"";
    assert_eq!(ask(&mut rig, &NeighbourCells, neighbours, &cells), Ok(2));
    assert_eq!(ask(&mut rig, &NeighbourCells, neighbours, &[]), Ok(0));
    // 100 bytes each, a line feed included: ten of them fit behind the command.
    let cell = format!("+QENG: \"neighbourcell\",{}", "7".repeat(76));
    let cells = [cell.as_str(); 30];
    assert_eq!(ask(&mut rig, &NeighbourCells, neighbours, &cells), Ok(10));
    let lines = [cell.as_str(), "+QENG: \"neighbourcell\",\u{1}"];
    let damaged = ask(&mut rig, &NeighbourCells, neighbours, &lines);
    assert_eq!(damaged, Err(Fault::Malformed));
}

#[test]
fn operator_now() {
    let mut rig = rig();
    let mut now = |said: &str| ask(&mut rig, &CurrentOperator, "AT+COPS?", &[said]).unwrap();
    assert_eq!(now("+COPS: 0").operator, None);
    assert_eq!(now("+COPS: 2").selection, Selection::Deregistered);
    let found = now("+COPS: 1,0,\"Net (A), one Net (A), one\",8");
    assert_eq!(
        found.operator.unwrap().as_str(),
        "Net (A), one Net (A), one"
    );
    assert_eq!(
        (found.selection, found.access),
        (Selection::Manual, Some(Access::LteM))
    );
    assert_eq!(now("+COPS: 0,2,\"26201\"").access, None);
    assert_eq!(
        ask(&mut rig, &OperatorFormat::Numeric, "AT+COPS=3,2", &[]),
        Ok(())
    );
    let manual = SelectOperator::Manual("26201");
    assert_eq!(ask(&mut rig, &manual, "AT+COPS=1,2,\"26201\"", &[]), Ok(()));
    let refused = asked(
        &mut rig,
        &SelectOperator::Automatic,
        "AT+COPS=0",
        "\r\n+CME ERROR: 30\r\n",
    );
    assert_eq!(refused, Err(Fault::Cme(CmeError::NoNetworkService)));
}

/// The answer is longer than a line of anything else, and comes in parts.
#[test]
fn operators_that_were_found() {
    for_every_cut(&config(), |rig| {
        let line = "+COPS: (2,\"Net (A), one\",\"NA\",\"00101\",8),(1,\"B\",\"B\",\"00102\",9),,(0-4),(0-2)";
        let found = ask(rig, &FindOperators, "AT+COPS=?", &[line]).unwrap();
        let [first, second] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(first.name.as_str(), "Net (A), one");
        assert_eq!(
            (first.availability, first.access),
            (Availability::Current, Some(Access::LteM))
        );
        assert_eq!(second.mccmnc.as_str(), "00102");
        let none = ask(rig, &FindOperators, "AT+COPS=?", &["+COPS: ,,(0-4),(0-2)"]).unwrap();
        assert_eq!(none.as_slice(), []);
        let network = |n| format!("(1,\"Operator number {n}\",\"Operator\",\"2620{n}\",8)");
        let networks: Vec<_> = (10..24).map(network).collect();
        let line = format!("+COPS: {},,(0-4),(0-2)", networks.join(","));
        assert!(line.len() > 512);
        let found = ask(rig, &FindOperators, "AT+COPS=?", &[&line]).unwrap();
        assert_eq!((found.as_slice().len(), found.is_cut()), (12, true));
        assert_eq!(found.as_slice()[11].name.as_str(), "Operator number 21");
        // Longer than all the room there is.
        let networks: Vec<_> = (10..60).map(network).collect();
        let line = format!("+COPS: {},,(0-4),(0-2)", networks.join(","));
        let found = ask(rig, &FindOperators, "AT+COPS=?", &[&line]);
        assert_eq!(found, Err(Fault::Malformed));
        let csq = ask(rig, &SignalQuality, "AT+CSQ", &["+CSQ: 20,99"]).unwrap();
        assert_eq!(csq.rssi, 20);
    });
}
