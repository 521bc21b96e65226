//! Packet contexts, AT reference section 9.

use core::net::Ipv4Addr;

use crate::command::Spec;
use crate::command::line::Line;
use crate::field::{Fields, trim, which};

pub(crate) static CONTEXT_SETTINGS: Spec = Spec::written(|line, known, _| {
    let config = &known.config;
    line.text("AT+QICSGP=1,1,").quoted(config.apn.as_str());
    line.text(",").quoted(config.user.as_str());
    line.text(",").quoted(config.password.as_str()).text(",1");
})
.hidden();
pub(crate) static CONTEXTS: Spec = Spec::new("AT+QIACT?").lists("+QIACT", |line, known, _| {
    known.heard.active |= active(line) == Some(true);
    true
});
pub(crate) static ACTIVATE: Spec = Spec::new("AT+QIACT=1").within(150_000);
pub(crate) static DEACTIVATE: Spec = Spec::new("AT+QIDEACT=1").within(40_000);

pub(crate) static NAME_SERVERS: Spec =
    Spec::new("AT+QIDNSCFG=1").lists("+QIDNSCFG", |line, known, _| {
        known.heard.is_set = names_server(line);
        true
    });
pub(crate) static SET_NAME_SERVERS: Spec = Spec::written(|line, known, _| {
    line.text("AT+QIDNSCFG=1");
    for server in known.config.name_servers.iter().flatten() {
        if !server.is_unspecified() {
            line.text(",\"");
            address(line, *server);
            line.text("\"");
        }
    }
});

fn address(line: &mut Line<'_>, address: Ipv4Addr) {
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            line.text(".");
        }
        line.number(octet.into());
    }
}

/// `+QIDNSCFG: <ctx>,"<ip>","<ip>"`: whether one of them is an address of a server, and not empty or
/// all zeros. The parser of the standard library would cost 3 KiB of flash here.
fn names_server(line: &[u8]) -> bool {
    let Some(mut fields) = Fields::of(line, "+QIDNSCFG") else {
        return false;
    };
    fields.next();
    let is_zero = |byte: &u8| matches!(byte, b'0' | b'.' | b':');
    let mut is_server = || !fields.next().text.iter().all(is_zero);
    is_server() || is_server()
}

/// The context this client uses.
pub(crate) const CONTEXT: u8 = 1;

/// `+CGEV: NW DETACH`, `+CGEV: ME DETACH` and `+CGEV: NW PDN DEACT <cid>`: contexts are gone.
pub(crate) fn is_detached(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"+CGEV:") else {
        return false;
    };
    const GONE: [&str; 3] = ["NW DETACH", "ME DETACH", "NW PDN DEACT 1"];
    which(&GONE, trim(rest)).is_some()
}

/// `+QIACT: <ctx>,<state>,…`: whether it says that our context is active.
fn active(line: &[u8]) -> Option<bool> {
    let mut fields = Fields::of(line, "+QIACT")?;
    Some(fields.number() == Some(CONTEXT) && fields.number() == Some(1_u8))
}
