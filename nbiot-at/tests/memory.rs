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
    use embedded_io_async::Read;
    /// What is measured lives no longer than that.
    macro_rules! size {
        ($future:expr) => {{
            let future = $future;
            size_of_val(&future)
        }};
    }
    use nbiot_at::esim::{Iccid, Subscription, Switch};
    use nbiot_at::http::{Progress, Url};
    use nbiot_at::query::identity::ModuleInformation;
    let bench = nbiot_at::sim::Bench::new(Model::new(Loopback::new(), 1));
    let apn = nbiot_at::Apn::parameter("iot.example").unwrap();
    let config = nbiot_at::Config::new(apn.clone());
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config);
    let iccid = Iccid::from_digits("8988211000000000001").unwrap();
    let subscription = Subscription::new(iccid, apn);
    let switch = Switch {
        from: subscription.clone(),
        to: subscription,
    };
    let url = Url::parse("http://meter.example/").unwrap();
    let mut buffer = [0; 64];
    let mut sizes = vec![
        ("start", size!(modem.start())),
        (
            "connect",
            size!(modem.connect("meter.example", 1883, Transport::Tcp)),
        ),
        ("wait", size!(modem.wait(nbiot_at::Instant::ZERO))),
        ("identity", size!(modem.identity())),
        ("resolve", size!(modem.resolve("meter.example"))),
        ("synchronise", size!(modem.synchronise("time.example"))),
        ("ask", size!(modem.ask(&ModuleInformation))),
        ("power_saving", size!(modem.power_saving())),
        ("power_down", size!(modem.power_down())),
        ("store_file", size!(modem.store_file("ca.pem", &[0]))),
        (
            "read_file",
            size!(modem.read_file("ca.pem", 0, &mut buffer)),
        ),
        ("eid", size!(modem.eid())),
        ("profiles", size!(modem.profiles(&mut buffer))),
        ("delete_profile", size!(modem.delete_profile(iccid))),
        ("switch_profile", size!(modem.switch_profile(&switch))),
    ];
    bench
        .run(async {
            modem.start().await.unwrap_err();
            bench.with(|model, now| model.power_on(now));
            modem.start().await.unwrap();
            let socket = modem
                .connect("meter.example", 1883, Transport::Tcp)
                .await
                .unwrap();
            sizes.push(("send", size!(modem.send(socket, &[0]))));
            sizes.push(("receive", size!(modem.receive(socket, &mut buffer))));
            sizes.push(("close", size!(modem.close(socket))));
            let mut stream = modem.socket(socket);
            sizes.push(("Socket::read", size!(stream.read(&mut buffer))));
            let mut download = modem.download(&url, Progress::new());
            sizes.push(("Download", size_of_val(&download)));
            sizes.push(("Download::read", size!(download.read(&mut buffer))));
        })
        .unwrap();
    for &(name, size) in &sizes {
        println!("{name}: {size} bytes");
    }
    let largest = sizes.iter().max_by_key(|(_, size)| *size).unwrap();
    assert!(largest.1 <= 1024, "{largest:?}");
}
