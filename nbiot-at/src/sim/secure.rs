//! The TLS of the model, on the host.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use std::{boxed::Box, vec::Vec};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, StreamOwned,
};

use crate::sim::network::TlsPeer;
use crate::sim::tcp::Wire;

/// Longest handshake in real time.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A client that does as the modem was told.
#[derive(Debug)]
pub(super) struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Client {
    /// `None` if a file does not hold what it should.
    pub(super) fn new(host: &str, tls: &TlsPeer<'_>) -> Option<Self> {
        let mut provider = rustls::crypto::ring::default_provider();
        if tls.cipher_suite != u16::MAX {
            let wanted = tls.cipher_suite;
            provider
                .cipher_suites
                .retain(|s| u16::from(s.suite()) == wanted);
        }
        let provider = Arc::new(provider);
        let verifier = Verifier::new(tls, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS12])
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match tls.identity {
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_slice(key).ok()?;
                let chain = certificates(certificate)?;
                builder.with_client_auth_cert(chain, key).ok()?
            }
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = tls.tells_name;
        let name = ServerName::try_from(host).ok()?.to_owned();
        let config = Arc::new(config);
        Some(Self { config, name })
    }

    /// Blocks until the handshake is over; `None` if it failed.
    pub(super) fn handshake(self, mut socket: TcpStream) -> Option<Wire> {
        let mut connection = ClientConnection::new(self.config, self.name).ok()?;
        socket.set_read_timeout(Some(HANDSHAKE)).ok()?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket).ok()?;
        }
        socket.set_nonblocking(true).ok()?;
        let stream = Stream(StreamOwned::new(connection, socket));
        Some(Wire::Secure(Box::new(stream)))
    }
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Stream(StreamOwned<ClientConnection, TcpStream>);

impl Stream {
    pub(super) fn has_plaintext(&mut self) -> bool {
        let state = self.0.conn.process_new_packets();
        state.is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
    }

    pub(super) const fn socket(&mut self) -> &mut TcpStream {
        &mut self.0.sock
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(out)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // What an earlier write left here goes first.
        if self.0.conn.wants_write() {
            self.0.flush()?;
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.ok().filter(|all| !all.is_empty())
}

/// Verifies what the modem was told to verify, and no more.
#[derive(Debug)]
struct Verifier {
    /// `None`: every server will do.
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    checks_name: bool,
    unix: Option<u64>,
}

impl Verifier {
    fn new(tls: &TlsPeer<'_>, provider: &Arc<CryptoProvider>) -> Option<Self> {
        let inner = match tls.authority {
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(pem)? {
                    roots.add(certificate).ok()?;
                }
                let builder = WebPkiServerVerifier::builder_with_provider(
                    Arc::new(roots),
                    Arc::clone(provider),
                );
                Some(builder.build().ok()?)
            }
            None => None,
        };
        Some(Self {
            inner,
            provider: Arc::clone(provider),
            checks_name: tls.checks_name,
            unix: tls.unix,
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(inner) = &self.inner else {
            return Ok(ServerCertVerified::assertion());
        };
        let now = self.unix.map_or(now, |unix| {
            UnixTime::since_unix_epoch(Duration::from_secs(unix))
        });
        let result =
            inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match result {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("the modem has no TLS 1.3".into()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
