//! The program, over the modem's model, with real peers on this machine: Mosquitto, in the clear and
//! with TLS and client certificates, and nginx.
//!
//! Without them these tests say that they were left out; with `SMART_METER_FULL_TESTS=1` they fail
//! instead.

mod common;

use std::fs;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use nbiot_at::sim::{Modem, TcpNetwork};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

/// ECDHE-ECDSA-AES128-GCM-SHA256, for keys of the curve P-256.
const SUITE: &str = "49195";

fn modem() -> String {
    common::modem(10, || {
        let mut network = TcpNetwork::new();
        network.host = Some("127.0.0.1".into());
        let mut modem = Modem::new(network, 1);
        modem.settings.checks_names = true;
        modem.settings.is_euicc = true;
        // 2026-11-27
        modem.settings.unix = Some(1_795_780_800);
        modem
    })
}

fn meterctl(words: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_meterctl"))
        .args(["modem", "--port", &modem()])
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn text(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&all).into_owned()
}

/// A server that is stopped at the end.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a program with a configuration that names the address; `None` if it is not here.
fn server(
    name: &str,
    arguments: &[&str],
    folder: &Path,
    conf: impl Fn(SocketAddr) -> String,
) -> Option<Server> {
    let places = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    let program = places.iter().map(|place| Path::new(place).join(name));
    let Some(program) = program.into_iter().find(|program| program.exists()) else {
        let is_must = std::env::var_os("SMART_METER_FULL_TESTS").is_some();
        assert!(!is_must, "no {name} on this machine");
        println!("left out: no {name} on this machine");
        return None;
    };
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let path = folder.join("conf");
    fs::write(&path, conf(address)).unwrap();
    let process = Command::new(program)
        .args(arguments)
        .arg("-c")
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server { process, address };
    for _ in 0..100 {
        if TcpStream::connect(address).is_ok() {
            return Some(server);
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{name} does not answer");
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "authority");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes certificate and key of a name.
fn identity(authority: &Authority, name: &str, folder: &Path) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    fs::write(folder.join(format!("{name}.crt")), certificate.pem()).unwrap();
    fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

fn broker(folder: &Path, security: &str) -> Option<Server> {
    let security = security.to_owned();
    server("mosquitto", &[], folder, move |address| {
        let port = address.port();
        format!("listener {port} 127.0.0.1\nallow_anonymous true\n{security}")
    })
}

/// One `sub` and one `pub` at the same broker; what `sub` printed.
fn pass_a_message(broker: &Server, security: &[&str]) {
    let port = broker.address.port().to_string();
    let common = ["mqtt", "--host", "localhost", "--broker-port", &port];
    let words = |more: &[&'static str]| -> Vec<String> {
        let all = common.iter().chain(security).chain(more);
        all.map(|word| (*word).to_owned()).collect()
    };
    let run = |more: &[&'static str]| {
        let words = words(more);
        meterctl(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let receiver = run(&["--client-id", "reader", "sub", "m/+/t", "--count", "2"]);
    // The session is kept, so the order of the two does not matter once it has subscribed.
    thread::sleep(Duration::from_secs(4));
    let first = run(&[
        "--client-id",
        "writer",
        "pub",
        "m/1/t",
        "with quotes \" and >",
    ]);
    let first = first.wait_with_output().unwrap();
    assert!(first.status.success(), "{}", text(&first));
    assert!(
        text(&first).contains("the broker has it"),
        "{}",
        text(&first)
    );
    let second = run(&[
        "--client-id",
        "writer",
        "pub",
        "m/2/t",
        "second",
        "--qos",
        "0",
    ]);
    assert!(second.wait_with_output().unwrap().status.success());
    let output = receiver.wait_with_output().unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("m/1/t with quotes \" and >\n"), "{text}");
    assert!(text.contains("m/2/t second\n"), "{text}");
}

#[test]
fn messages_pass_a_broker() {
    let folder = TempDir::new().unwrap();
    if let Some(broker) = broker(folder.path(), "") {
        pass_a_message(&broker, &[]);
    }
}

#[test]
fn messages_pass_a_broker_that_asks_for_certificates() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let ours = authority();
    fs::write(path("ca.pem"), ours.pem()).unwrap();
    fs::write(path("other.pem"), authority().pem()).unwrap();
    identity(&ours, "localhost", folder.path());
    identity(&ours, "meter-1", folder.path());
    let (ca, certificate, key) = (path("ca.pem"), path("localhost.crt"), path("localhost.key"));
    let security =
        format!("cafile {ca}\ncertfile {certificate}\nkeyfile {key}\nrequire_certificate true\n");
    let Some(broker) = broker(folder.path(), &security) else {
        return;
    };
    let (certificate, key) = (path("meter-1.crt"), path("meter-1.key"));
    let identity = [
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "--tls-suite",
        SUITE,
    ];
    let with = |ca: &'static str| [&["--tls-ca", ca], &identity[..]].concat();
    let ca: &'static str = ca.leak();
    pass_a_message(&broker, &with(ca));

    let port = broker.address.port().to_string();
    let refused = |security: &[&str], host: &str| {
        let words = ["mqtt", "--host", host, "--broker-port", &port];
        let all = [&words[..], security, &["pub", "m/1/t", "x"]].concat();
        let output = meterctl(&all).wait_with_output().unwrap();
        assert!(!output.status.success(), "{}", text(&output));
        text(&output)
    };
    let other: &'static str = path("other.pem").leak();
    let told = refused(&with(other), "localhost");
    assert!(
        told.contains("TLS connection not opened"),
        "another authority: {told}"
    );
    let told = refused(&with(ca), "head-end.example");
    assert!(
        told.contains("TLS connection not opened"),
        "another name: {told}"
    );
    // Without a certificate the broker ends the connection, at the latest at the first byte.
    refused(&["--tls-ca", ca, "--tls-suite", SUITE], "localhost");
}

#[test]
fn file_of_a_web_server_is_read() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().display().to_string();
    fs::create_dir(folder.path().join("www")).unwrap();
    let file: Vec<u8> = (0..50_000_u32).map(|n| (n * 7 + (n >> 8)) as u8).collect();
    fs::write(folder.path().join("www/image.bin"), &file).unwrap();
    let conf = |address: SocketAddr| {
        format!(
            "daemon off;\nmaster_process off;\npid {root}/pid;\nerror_log {root}/error;\n\
             events {{ }}\nhttp {{\n access_log off;\n client_body_temp_path {root}/a;\n\
             proxy_temp_path {root}/b;\n fastcgi_temp_path {root}/c;\n uwsgi_temp_path {root}/d;\n\
             scgi_temp_path {root}/e;\n server {{ listen {address}; root {root}/www; }}\n}}\n"
        )
    };
    let log = format!("{root}/error");
    let Some(server) = server("nginx", &["-e", &log], folder.path(), conf) else {
        return;
    };
    let url = format!("http://{}/image.bin", server.address);
    let output = folder.path().join("got");
    fs::write(&output, vec![0; 60_000]).unwrap();
    let words = ["http", "get", &url, "-o", output.to_str().unwrap()];
    let told = meterctl(&words).wait_with_output().unwrap();
    assert!(told.status.success(), "{}", text(&told));
    assert!(
        fs::read(&output).unwrap() == file,
        "a longer file before is cut"
    );
    let words = ["http", "get", &url.replace("image", "other")];
    let told = meterctl(&words).wait_with_output().unwrap();
    assert!(
        !told.status.success() && text(&told).contains("status 404"),
        "{}",
        text(&told)
    );
}

#[test]
fn profiles_are_listed_and_changed() {
    let told = meterctl(&["esim", "list"]).wait_with_output().unwrap();
    let list = text(&told);
    assert!(told.status.success(), "{list}");
    assert!(
        list.contains("EID       89044045110000000000000000000019"),
        "{list}"
    );
    assert!(
        list.contains("8988211000000000001   in use  Home"),
        "{list}"
    );
    let words = [
        "esim",
        "enable",
        "8988211000000000002",
        "--new-apn",
        "b.example",
    ];
    let told = meterctl(&words).wait_with_output().unwrap();
    assert!(
        text(&told).contains("8988211000000000002 is in use"),
        "{}",
        text(&told)
    );
}
