//! Sockets of the blocking shell that tell whether a read would wait.

use embedded_hal::delay::DelayNs;
use embedded_io::{Read, ReadReady};
use nbiot_at::sim::{Bench, Loopback, Modem as Model};
use nbiot_at::{Apn, Config, Instant, Transport, blocking};

#[test]
fn socket_tells_whether_a_read_would_wait() {
    let mut model = Model::new(Loopback::new(), 1);
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let config = Config::new(Apn::parameter("iot.example").unwrap());
    let mut modem: blocking::Modem<_, _> =
        blocking::Modem::new(bench.port(), bench.blocking_clock(), config);
    modem.start().unwrap();
    let id = modem
        .connect("meter.example", 1883, Transport::Tcp)
        .unwrap();
    let mut socket = modem.socket(id);
    assert!(!socket.read_ready().unwrap());
    bench.with(|model, _| model.network().push(id.connect_id(), b"hello"));
    let mut clock = bench.blocking_clock();
    // It takes its time on the air.
    let mut is_ready = || {
        clock.delay_ms(200);
        socket.read_ready().unwrap()
    };
    assert!((0..5).any(|_| is_ready()));
    let mut buffer = [0; 16];
    assert_eq!(socket.read(&mut buffer).unwrap(), 5);
    assert!(!socket.read_ready().unwrap());
    bench.with(|model, _| model.network().hang_up(id.connect_id()));
    let mut is_ready = || {
        clock.delay_ms(200);
        socket.read_ready().unwrap()
    };
    assert!((0..5).any(|_| is_ready()));
    assert_eq!(socket.read(&mut buffer).unwrap(), 0);
}
