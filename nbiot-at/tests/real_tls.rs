//! TLS of the model against a real TLS server on this machine: who is let in and who is not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use nbiot_at::sim::{Bench, Faults, Modem as Model, TcpNetwork};
use nbiot_at::{
    Apn, ClientIdentity, Clock, Config, Event, Fault, FileName, Instant, NameCheck, SocketError,
    Tls, TlsSetting, Transport, asynch,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

type Authority = CertifiedIssuer<'static, KeyPair>;

/// 2026-11-27, the time that the simulated network gives.
const TODAY: u64 = 1_795_780_800;
/// ECDHE-ECDSA-AES128-GCM-SHA256: the keys of this test are of the curve P-256.
const SUITE: u16 = 0xc02b;
const NAME: &str = "localhost";

fn authority() -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a name, of the years 2026 and 2027, and its key.
fn certificate(authority: &Authority, name: &str) -> (rcgen::Certificate, KeyPair) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

/// Sends back what it gets, to clients that the authority has signed if it is told so.
fn echo_server(authority: &Authority, name: &str, asks_for_certificate: bool) -> SocketAddr {
    let (certificate, key) = certificate(authority, name);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if asks_for_certificate {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(authority.der().to_vec()))
            .unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = builder.with_single_cert(vec![certificate.der().clone()], key);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, socket.unwrap());
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..count]).is_err() || stream.flush().is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

/// What differs from a client that is let in.
struct Case {
    authority: String,
    identity: Option<(String, String)>,
    name: &'static str,
    name_check: NameCheck,
    knows_names: bool,
    suite: u16,
    unix: Option<u64>,
}

impl Case {
    fn good(authority: &Authority) -> Self {
        Self {
            authority: authority.pem(),
            identity: None,
            name: NAME,
            name_check: NameCheck::Required,
            knows_names: true,
            suite: SUITE,
            unix: Some(TODAY),
        }
    }

    fn with_identity(mut self, authority: &Authority) -> Self {
        let (certificate, key) = certificate(authority, "meter-1");
        self.identity = Some((certificate.pem(), key.serialize_pem()));
        self
    }

    /// Opens a connection, sends `data` and returns what comes back.
    fn run(self, server: SocketAddr, data: &[u8], faults: Faults) -> Result<Vec<u8>, Fault> {
        let mut network = TcpNetwork::new();
        network.host = Some("127.0.0.1".into());
        let mut model = Model::new(network, 7);
        model.settings.unix = self.unix;
        model.settings.checks_names = self.knows_names;
        model.power_on(Instant::ZERO);
        let bench = Bench::new(model);
        let file = |name| FileName::parameter(name).unwrap();
        let mut tls = Tls::new(file("ca.pem"));
        tls.name_check = self.name_check;
        tls.cipher_suite = self.suite;
        tls.identity = self.identity.as_ref().map(|_| ClientIdentity {
            certificate: file("meter.pem"),
            key: file("meter.key"),
        });
        let mut config = Config::new(Apn::parameter("iot.example").unwrap());
        config.tls = Some(tls);
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config);
        let run = async {
            modem.start().await.unwrap();
            modem
                .store_file("ca.pem", self.authority.as_bytes())
                .await
                .unwrap();
            if let Some((certificate, key)) = &self.identity {
                modem
                    .store_file("meter.pem", certificate.as_bytes())
                    .await
                    .unwrap();
                modem.store_file("meter.key", key.as_bytes()).await.unwrap();
            }
            let port = server.port();
            let opened = modem.connect(self.name, port, Transport::Tls).await;
            let socket = opened.map_err(|error| error.fault().unwrap())?;
            bench.with(|model, _| model.faults = faults);
            let (mut sent, mut back, mut buffer) = (0, Vec::new(), [0; 1500]);
            while back.len() < data.len() {
                let next = &data[sent..data.len().min(sent + 1024)];
                if !next.is_empty() && sent - back.len() < 2048 {
                    sent += modem
                        .send(socket, next)
                        .await
                        .map_err(|e| e.fault().unwrap())?;
                }
                match modem.receive(socket, &mut buffer).await {
                    Ok(0) => {
                        let until = bench.clock().now() + Duration::from_secs(60);
                        match modem.wait(until).await.unwrap() {
                            Event::Closed(_) | Event::Deadline => return Err(Fault::Closed),
                            _ => {}
                        }
                    }
                    Ok(count) => back.extend_from_slice(&buffer[..count]),
                    Err(error) => return Err(error.fault().unwrap()),
                }
            }
            Ok(back)
        };
        bench.run(run).unwrap()
    }

    fn fault(self, server: SocketAddr) -> Fault {
        self.run(server, b"hello", Faults::NONE).unwrap_err()
    }
}

#[test]
fn only_the_right_server_is_talked_to() {
    let (ours, other) = (authority(), authority());
    let server = echo_server(&ours, NAME, false);
    let good = Case::good(&ours).run(server, b"hello", Faults::NONE);
    assert_eq!(good.unwrap(), b"hello");

    let refused = Fault::Tls(SocketError::ConnectFailed);
    assert_eq!(
        Case::good(&other).fault(server),
        refused,
        "another authority"
    );
    let mut case = Case::good(&ours);
    case.authority = "no certificate".into();
    assert_eq!(case.fault(server), refused, "no authority");
    let mut case = Case::good(&ours);
    case.name = "head-end.example";
    assert_eq!(case.fault(server), refused, "another name");
    let mut case = Case::good(&ours);
    case.unix = Some(TODAY + 3 * 365 * 86_400);
    assert_eq!(case.fault(server), refused, "expired");
    let mut case = Case::good(&ours);
    case.suite = 0xc02f;
    assert_eq!(
        case.fault(server),
        refused,
        "a suite that the server's key cannot do"
    );
    let mut case = Case::good(&ours);
    case.unix = None;
    assert_eq!(case.fault(server), Fault::TimeNotValid);
}

#[test]
fn modem_that_cannot_compare_names_takes_every_server_of_the_authority_or_none() {
    let ours = authority();
    let server = echo_server(&ours, "another.example", false);
    let mut case = Case::good(&ours);
    case.knows_names = false;
    let refused = Fault::TlsSetting(TlsSetting::NameCheck);
    assert_eq!(case.fault(server), refused);
    let mut case = Case::good(&ours);
    (case.knows_names, case.name_check) = (false, NameCheck::WhereSupported);
    assert!(case.run(server, b"hello", Faults::NONE).is_ok());
}

#[test]
fn server_lets_in_who_has_a_certificate() {
    let (ours, other) = (authority(), authority());
    let server = echo_server(&ours, NAME, true);
    let known = Case::good(&ours).with_identity(&ours);
    assert_eq!(known.run(server, b"hello", Faults::NONE).unwrap(), b"hello");
    let is_refused = |case: Case| case.run(server, b"hello", Faults::NONE).is_err();
    assert!(is_refused(Case::good(&ours)), "no certificate");
    let stranger = Case::good(&ours).with_identity(&other);
    assert!(is_refused(stranger), "certificate of another authority");
}

#[test]
fn much_data_keeps_its_order_both_ways_beside_awkward_lines_and_full_queues() {
    let ours = authority();
    let server = echo_server(&ours, NAME, false);
    let data: Vec<u8> = (0..200_000_u32)
        .map(|n| (n * 31 + (n >> 8)) as u8)
        .collect();
    let mut faults = Faults::light();
    faults.outage_every = Duration::ZERO;
    let back = Case::good(&ours).run(server, &data, faults).unwrap();
    assert!(back == data);
}
