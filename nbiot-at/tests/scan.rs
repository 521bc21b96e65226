//! Where the modem looks for a network.

mod common;

use common::{Rig, for_every_cut};
use nbiot_at::sim::{Bench, Loopback, Modem as Model};
use nbiot_at::{Access, Answer, Config, ErrorKind, Fault, Instant, Scan, asynch};

fn config() -> Config {
    let mut config = common::config();
    let scan = Scan::new(&[Access::NbIot, Access::LteM]);
    config.scan = scan.and_then(|scan| scan.within(&[8, 20]));
    config
}

const SHOWN: [(&str, &str); 4] = [
    ("nwscanmode", "3"),
    ("iotopmode", "2"),
    ("nwscanseq", "302"),
    ("band", "0xf,0x80080,0x80080"),
];

/// Queries of which `differs` gets another answer than it should.
#[track_caller]
fn scan(rig: &mut Rig, differs: Option<&str>) {
    for (key, shown) in SHOWN {
        let is_right = differs != Some(key);
        let shown = if is_right { shown } else { "1" };
        let answer = format!("\r\n+QCFG: \"{key}\",{shown}\r\n\r\nOK\r\n");
        rig.exchange(&format!("AT+QCFG=\"{key}\""), answer);
        if !is_right {
            break;
        }
    }
}

#[test]
fn what_is_set_is_not_written() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n");
        scan(rig, None);
        rig.settings();
        rig.registered();
        rig.context();
    });
}

#[test]
fn what_differs_is_written_and_the_radio_restarted_once() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n");
        scan(rig, Some("band"));
        rig.exchange("AT+QCFG=\"band\",0,80080,80080", "\r\nOK\r\n");
        rig.exchange("AT+CFUN=0", "\r\n+CPIN: NOT READY\r\n\r\nOK\r\n");
        rig.exchange("AT+CFUN=1", "\r\nOK\r\n");
        // Whether it was taken or not: it was tried.
        rig.sim_and_settings();
        rig.registered();
        rig.context();
    });
}

#[test]
fn firmware_that_does_not_know_a_setting_is_used_as_it_is() {
    let mut rig = Rig::new(config(), 0);
    rig.boot();
    rig.exchange("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n");
    scan(&mut rig, Some("nwscanmode"));
    rig.exchange("AT+QCFG=\"nwscanmode\",3", "\r\nERROR\r\n");
    for (key, _) in &SHOWN[1..] {
        rig.exchange(&format!("AT+QCFG=\"{key}\""), "\r\nERROR\r\n");
    }
    rig.settings();
    rig.registered();
    rig.context();
}

/// Starts the model as it comes from the factory, twice; how often it was written to.
fn start(config: Config) -> (Result<(), ErrorKind>, u32) {
    let mut model = Model::new(Loopback::new(), 1);
    model.reset_scan();
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config);
    let mut result = Ok(());
    for _ in 0..2 {
        result = bench.run(modem.start()).unwrap().map_err(|e| e.kind());
        bench.with(|model, now| model.restart(now, 0));
    }
    (result, bench.with(|model, _| model.scan_writes()))
}

#[test]
fn modem_from_the_factory_finds_the_network_only_where_it_is_told_to_look() {
    assert_eq!(start(config()), (Ok(()), 4));
    assert_eq!(start(common::config()), (Err(ErrorKind::Wait), 0));
    let mut elsewhere = config();
    elsewhere.scan = Scan::new(&[Access::NbIot]).and_then(|scan| scan.within(&[8]));
    assert_eq!(start(elsewhere).0, Err(ErrorKind::Wait));
    let mut other = config();
    other.scan = Scan::new(&[Access::LteM]);
    assert_eq!(start(other).0, Err(ErrorKind::Wait));
}

#[test]
fn a_start_that_restarts_looks_again() {
    let mut rig = Rig::new(config(), 0);
    rig.boot();
    rig.exchange("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n");
    assert_eq!(rig.sent(), "AT+QCFG=\"nwscanmode\"\r");
    rig.say("\r\nRDY\r\n\r\nAPP RDY\r\n");
    rig.exchange("AT", "AT\r\r\nOK\r\n");
    rig.exchange("ATE0", "ATE0\r\r\nOK\r\n");
    rig.exchange("ATV1", "\r\nOK\r\n");
    rig.exchange("ATQ0", "\r\nOK\r\n");
    rig.exchange("AT+CMEE=1", "\r\nOK\r\n");
    rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
    rig.exchange("AT+QISDE=0", "\r\nOK\r\n");
    rig.exchange("AT+QURCCFG=\"urcport\"", "\r\nERROR\r\n");
    rig.exchange("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n");
    scan(&mut rig, None);
    rig.settings();
    rig.registered();
    rig.exchange("AT+QIACT?", "\r\n+QIACT: 1,1,1,\"10.2.3.4\"\r\n\r\nOK\r\n");
    rig.exchange("AT+QISTATE?", "\r\nOK\r\n");
    rig.exchange("AT+QSSLSTATE", "\r\nOK\r\n");
    assert_eq!(rig.done(), Ok::<_, Fault>(Answer::Done));
}
