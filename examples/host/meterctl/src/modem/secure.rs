//! The words for TLS, and the files that the modem needs for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use nbiot_at::{ClientIdentity, Config, FileName, NameCheck, Tls, Transport};

use super::{Client, explain};

/// Names of the files in the modem.
const AUTHORITY: &str = "meterctl.ca";
const CERTIFICATE: &str = "meterctl.crt";
const KEY: &str = "meterctl.key";

#[derive(Args)]
pub(super) struct Security {
    /// Use TLS, and verify the server by this authority (PEM); it is stored in the modem
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Certificate of the client (PEM), for servers that ask for one
    #[arg(long, value_name = "FILE", requires_all = ["tls_ca", "tls_key"])]
    tls_cert: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// IANA number of the only cipher suite to offer; 65535 for all that the modem has
    #[arg(long, default_value_t = 0xc02f, requires = "tls_ca")]
    tls_suite: u16,
    /// Go on where the modem cannot compare the server's name: every certificate of the authority
    /// is taken then
    #[arg(long, requires = "tls_ca")]
    tls_any_name: bool,
    /// UTC to set the modem's clock to, in seconds since 1970, where the network gives no time
    #[arg(long, value_name = "SECONDS")]
    time: Option<u64>,
}

impl Security {
    pub(super) fn transport(&self) -> Transport {
        match self.tls_ca {
            Some(_) => Transport::Tls,
            None => Transport::Tcp,
        }
    }

    pub(super) fn apply(&self, config: &mut Config) -> Result<()> {
        if self.tls_ca.is_none() {
            return Ok(());
        }
        let mut tls = Tls::new(name(AUTHORITY)?);
        tls.cipher_suite = self.tls_suite;
        if self.tls_any_name {
            tls.name_check = NameCheck::WhereSupported;
        }
        if self.tls_cert.is_some() {
            tls.identity = Some(ClientIdentity {
                certificate: name(CERTIFICATE)?,
                key: name(KEY)?,
            });
        }
        config.tls = Some(tls);
        Ok(())
    }

    /// Puts the files into the modem, and sets its clock.
    pub(super) fn prepare(&self, modem: &mut Client) -> Result<()> {
        if let Some(unix) = self.time {
            modem.set_clock(unix).map_err(explain)?;
        }
        for (path, name) in [
            (&self.tls_ca, AUTHORITY),
            (&self.tls_cert, CERTIFICATE),
            (&self.tls_key, KEY),
        ] {
            if let Some(path) = path {
                store(modem, path, name)?;
            }
        }
        Ok(())
    }
}

fn store(modem: &mut Client, path: &Path, name: &str) -> Result<()> {
    let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    modem.store_file(name, &data).map_err(explain)
}

fn name(text: &str) -> Result<FileName> {
    FileName::parameter(text).context("a name of a file in the modem")
}
