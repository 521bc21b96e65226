//! Runs one meter for a day against a broker at 127.0.0.1:1883 and says what it did.
//!
//! `cargo run --release -p simulator --example one_meter [kind 0-2] [none|light|heavy] [port]`
use simulator::flash::Flash;
use simulator::kind::Kind;
use simulator::meter::Meter;
use simulator::spec::Spec;
use simulator::trouble::Faults;

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let kind: usize = arguments
        .next()
        .and_then(|kind| kind.parse().ok())
        .unwrap_or(0);
    let faults = match arguments.next().as_deref() {
        Some("heavy") => Faults::Heavy,
        Some("light") => Faults::Light,
        _ => Faults::None,
    };
    let port = arguments
        .next()
        .and_then(|port| port.parse().ok())
        .unwrap_or(1883);
    let spec = Spec {
        number: 0,
        kind: Kind::ALL[kind % 3],
        seed: 1,
        start: 1_767_225_600,
        solar_w: 0,
        broker: ("127.0.0.1".into(), port),
        credentials: None,
        profile: firmware::config::Profile::default(),
        reading_period: 0,
        keep_alive: 3_600,
        faults,
    };
    let began = std::time::Instant::now();
    let mut meter = Meter::new(spec, Flash::in_memory());
    for hour in 1..=24 {
        meter.run(1_767_225_600 + hour * 3_600)?;
    }
    let values = meter.monitor().values();
    println!("{:?}", values.sample.phases());
    println!(
        "link {:?}, waiting {}",
        meter.monitor().link(),
        meter.monitor().waiting()
    );
    println!(
        "registers {:?}, must be {:?}",
        values.energy.import,
        meter.truth().registers()
    );
    println!(
        "error {:.1} ppm",
        meter.drawn().error_ppm(meter.truth().import_uws())
    );
    println!(
        "traffic {:?}, lives {}, {:?}",
        meter.traffic(),
        meter.lives(),
        began.elapsed()
    );
    Ok(())
}
