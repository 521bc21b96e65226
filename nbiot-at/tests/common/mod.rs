//! A scripted modem: the test writes what it says, in bytes of the AT reference.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part of this module"
)]

pub mod mqtt;
pub mod tls;

use std::time::Duration;

use nbiot_at::{Answer, Apn, Config, Engine, Event, Fault, Instant, Request, SocketId, Transport};

/// Sizes of the pieces in which the modem's bytes arrive; 0 is all at once.
const CUTS: [usize; 6] = [0, 1, 2, 3, 7, 64];

/// Runs a scenario once for each way of cutting the modem's bytes.
pub fn for_every_cut(config: &Config, scenario: impl Fn(&mut Rig)) {
    for cut in CUTS {
        scenario(&mut Rig::new(config.clone(), cut));
    }
}

pub const CONNECT: Request<'static> = Request::Connect {
    host: "meter.example",
    port: 1883,
    transport: Transport::Tcp,
};

pub fn config() -> Config {
    Config::new(Apn::parameter("iot.example").unwrap())
}

pub struct Rig {
    pub engine: Engine<2>,
    pub now: Instant,
    cut: usize,
    /// The modem echoes, as it does after a restart.
    pub echoes: bool,
}

impl Rig {
    pub fn new(config: Config, cut: usize) -> Self {
        Self {
            engine: Engine::new(config),
            now: Instant::from_millis(1_000),
            cut,
            echoes: true,
        }
    }

    /// What the client has sent since the last call.
    pub fn sent(&mut self) -> String {
        let mut sent = Vec::new();
        while let Some(bytes) = self.engine.transmit() {
            let count = bytes.len();
            sent.extend_from_slice(bytes);
            self.engine.transmitted(count);
        }
        String::from_utf8_lossy(&sent).into_owned()
    }

    /// The modem says these bytes.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        let size = if self.cut == 0 { bytes.len() } else { self.cut };
        for piece in bytes.chunks(size.max(1)) {
            self.engine.receive(piece, self.now);
        }
    }

    /// The client must have sent `command` (without its CR); the modem answers.
    #[track_caller]
    pub fn exchange(&mut self, command: &str, answer: impl AsRef<[u8]>) {
        assert_eq!(self.sent(), format!("{command}\r"));
        self.say(answer);
    }

    /// Time passes; every deadline on the way is kept.
    pub fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(at) = self.engine.deadline().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.engine.handle_timeout(self.now);
            if self.engine.deadline() == Some(at) {
                break;
            }
        }
        self.now = end;
        self.engine.handle_timeout(self.now);
    }

    pub fn begin(&mut self, request: Request<'_>) {
        self.engine.begin(request, self.now).unwrap();
    }

    pub fn begin_send(&mut self, socket: SocketId, data: &[u8]) {
        self.begin(Request::Send { socket, data });
    }

    /// `SEND OK`, and so many bytes since the first socket was opened.
    #[track_caller]
    pub fn taken(&mut self, total: u32) {
        self.say("\r\nSEND OK\r\n");
        let count = format!("\r\n+QISEND: {total},0,{total}\r\n\r\nOK\r\n");
        self.exchange("AT+QISEND=0,0", count);
    }

    #[track_caller]
    pub fn begin_err(&mut self, request: Request<'_>, fault: Fault) {
        assert_eq!(self.engine.begin(request, self.now), Err(fault));
        assert_eq!(self.sent(), "");
    }

    #[track_caller]
    pub fn done(&mut self) -> Result<Answer, Fault> {
        self.engine.outcome().expect("the request has not ended")
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.engine.event()).collect()
    }

    /// Boot up to the SIM query, which is left unanswered.
    #[track_caller]
    pub fn boot(&mut self) {
        self.begin(Request::Start);
        let (at, off) = if self.echoes {
            ("AT\r", "ATE0\r")
        } else {
            ("", "")
        };
        self.exchange("AT", format!("{at}\r\nOK\r\n"));
        self.exchange("ATE0", format!("{off}\r\nOK\r\n"));
        self.echoes = false;
        self.exchange("ATV1", "\r\nOK\r\n");
        self.exchange("ATQ0", "\r\nOK\r\n");
        self.exchange("AT+CMEE=1", "\r\nOK\r\n");
        self.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
        self.exchange("AT+QISDE=0", "\r\nOK\r\n");
        let port = "\r\n+QURCCFG: \"urcport\",\"uart1\"\r\n\r\nOK\r\n";
        self.exchange("AT+QURCCFG=\"urcport\"", port);
    }

    /// The way back after a time-out.
    #[track_caller]
    pub fn resynchronise(&mut self) {
        self.exchange("AT", "\r\nOK\r\n");
        self.checked();
    }

    /// Nothing of a payload is left in front of this.
    #[track_caller]
    pub fn checked(&mut self) {
        self.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
    }

    /// SIM and radio settings up to the registration query, which is left unanswered.
    #[track_caller]
    pub fn sim_and_settings(&mut self) {
        self.exchange("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n");
        self.settings();
    }

    #[track_caller]
    pub fn settings(&mut self) {
        self.exchange("AT+QICSGP=1,1,\"iot.example\",\"\",\"\",1", "\r\nOK\r\n");
        self.exchange("AT+CFUN=1", "\r\nOK\r\n");
        self.exchange("AT+CEREG=1", "\r\nOK\r\n");
        self.exchange("AT+CEREG=2", "\r\nOK\r\n");
        self.exchange("AT+CEREG=4", "\r\nOK\r\n");
        self.exchange("AT+CEREG=5", "\r\nERROR\r\n");
        self.exchange("AT+CGREG=2", "\r\nOK\r\n");
        self.exchange("AT+CGEREP=2,1", "\r\nOK\r\n");
        self.exchange("AT+CTZU?", "\r\n+CTZU: 1\r\n\r\nOK\r\n");
    }

    /// From the context query to the end, the context being active.
    #[track_caller]
    pub fn context(&mut self) {
        self.exchange("AT+QIACT?", "\r\n+QIACT: 1,1,1,\"10.2.3.4\"\r\n\r\nOK\r\n");
        self.exchange("AT+QISTATE?", "\r\nOK\r\n");
        self.exchange("AT+QSSLSTATE", "\r\nOK\r\n");
        assert_eq!(self.done(), Ok(Answer::Done));
    }

    /// The registration query: at home.
    #[track_caller]
    pub fn registered(&mut self) {
        let place = "\"0A1B\",\"01C2D304\",9";
        let answer = format!("\r\n+CEREG: 4,1,{place}\r\n\r\nOK\r\n");
        self.exchange("AT+CEREG?", answer);
    }

    #[track_caller]
    pub fn start(&mut self) {
        self.boot();
        self.sim_and_settings();
        self.registered();
        self.context();
    }

    #[track_caller]
    pub fn connect(&mut self) -> SocketId {
        self.open(0)
    }

    /// Asks for a connection, whose id must be this.
    #[track_caller]
    pub fn begin_connect(&mut self, id: u8) {
        self.begin(CONNECT);
        let open = format!("AT+QIOPEN=1,{id},\"TCP\",\"meter.example\",1883,0,0\r");
        assert_eq!(self.sent(), open);
    }

    /// Opens the connection of this id.
    #[track_caller]
    pub fn open(&mut self, id: u8) -> SocketId {
        self.begin_connect(id);
        self.say(format!("\r\nOK\r\n\r\n+QIOPEN: {id},0\r\n"));
        match self.done() {
            Ok(Answer::Socket(socket)) => socket,
            other => panic!("{other:?}"),
        }
    }

    /// A command, no answer in `millis`, and none to the probes that follow.
    #[track_caller]
    pub fn fall_silent(&mut self, command: &str, millis: u64) {
        assert_eq!(self.sent(), format!("{command}\r"));
        self.pass(millis);
        for _ in 0..3 {
            assert_eq!(self.sent(), "AT\r");
            self.pass(500);
        }
    }

    #[track_caller]
    pub fn connected(&mut self) -> SocketId {
        self.start();
        self.connect()
    }

    /// Takes everything that is buffered for a socket.
    pub fn take(&mut self, socket: SocketId) -> Vec<u8> {
        let mut all = Vec::new();
        let mut buffer = [0xa5; 37];
        while let Ok(count @ 1..) = self.engine.take(socket, &mut buffer) {
            all.extend_from_slice(&buffer[..count]);
        }
        all
    }
}

/// Answers the way back, or says what else was sent.
pub fn guards(rig: &mut Rig) -> String {
    for _ in 0..40 {
        let sent = rig.sent();
        if sent == "AT\r" {
            rig.say("\r\nOK\r\n");
        } else if sent == "AT+CMEE?\r" {
            rig.say("\r\n+CMEE: 1\r\n\r\nOK\r\n");
        } else if !sent.is_empty() {
            return sent;
        } else if rig.engine.is_idle() && rig.engine.deadline().is_none() {
            return String::new();
        } else {
            rig.pass(250);
        }
    }
    String::new()
}
