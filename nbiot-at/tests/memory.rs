//! What the client costs in RAM.

use nbiot_at::sim::{BlockingClock, Loopback, Modem as Model, Port, VirtualClock};
use nbiot_at::{Engine, Transport, asynch, blocking};

#[test]
fn one_socket_with_its_buffers_fits_four_kibibytes() {
    type AsyncModem = asynch::Modem<Port<'static, Loopback>, &'static VirtualClock>;
    type BlockingModem = blocking::Modem<Port<'static, Loopback>, BlockingClock<'static, Loopback>>;
    let sizes = [
        ("Engine<1>", size_of::<Engine<1>>(), 4096),
        ("Engine<2>", size_of::<Engine<2>>(), 6144),
        ("asynch::Modem", size_of::<AsyncModem>(), 4096),
        ("blocking::Modem", size_of::<BlockingModem>(), 4096),
    ];
    println!("model of the modem: {} bytes", size_of::<Model<Loopback>>());
    for (name, size, limit) in sizes {
        println!("{name}: {size} bytes");
        assert!(size <= limit, "{name} takes {size} bytes");
    }
}

#[test]
fn futures_fit_one_kibibyte() {
    let bench = nbiot_at::sim::Bench::new(Model::new(Loopback::new(), 1));
    let apn = nbiot_at::Apn::parameter("iot.example").unwrap();
    let config = nbiot_at::Config::new(apn);
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config);
    let start = size_of_val(&modem.start());
    let connect = size_of_val(&modem.connect("meter.example", 1883, Transport::Tcp));
    let wait = size_of_val(&modem.wait(nbiot_at::Instant::ZERO));
    println!("futures: start {start}, connect {connect}, wait {wait} bytes");
    assert!(start.max(connect).max(wait) <= 1024);
}
