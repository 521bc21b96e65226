//! A connection with TLS, whatever its settings.

use nbiot_at::{Answer, Request, SocketId, Transport};

use super::Rig;

/// A TLS connection.
pub fn secured(rig: &mut Rig) -> SocketId {
    rig.start();
    let transport = Transport::Tls;
    rig.begin(Request::Connect {
        host: "a.example",
        port: 443,
        transport,
    });
    for _ in 0..60 {
        let sent = rig.sent();
        if sent.starts_with("AT+QSSLOPEN") {
            rig.say("\r\nOK\r\n\r\n+QSSLOPEN: 0,0\r\n");
            break;
        }
        let fields: Vec<&str> = sent.trim().split(',').collect();
        if sent.starts_with("AT+CCLK?") {
            rig.say("\r\n+CCLK: \"26/03/29,01:59:59+00\"\r\n\r\nOK\r\n");
        } else if sent.starts_with("AT+QSSLCFG") && fields.len() == 2 {
            let key = fields[0].trim_start_matches("AT+QSSLCFG=");
            let value = match key {
                "\"cacert\"" => "\"ca.pem\"",
                "\"sslversion\"" => "3",
                "\"ciphersuite\"" => "0XC02F",
                "\"seclevel\"" => "1",
                "\"ignorelocaltime\"" => "0",
                "\"sni\"" | "\"checkhost\"" => "1",
                other => panic!("{other}"),
            };
            rig.say(format!("\r\n+QSSLCFG: {key},1,{value}\r\n\r\nOK\r\n"));
        } else {
            rig.say("\r\nOK\r\n");
        }
    }
    match rig.done() {
        Ok(Answer::Socket(socket)) => socket,
        other => panic!("{other:?}"),
    }
}
