//! Every query against the model, over both shells.

use std::time::Duration;

use nbiot_at::query::cell::{NeighbourCells, NetworkInformation, ServiceProvider, ServingCell};
use nbiot_at::query::context::*;
use nbiot_at::query::file::*;
use nbiot_at::query::gnss::*;
use nbiot_at::query::http::{Setting, *};
use nbiot_at::query::identity::*;
use nbiot_at::query::mqtt::*;
use nbiot_at::query::operator::{CurrentOperator, FindOperators, OperatorFormat, SelectOperator};
use nbiot_at::query::power::*;
use nbiot_at::query::radio::*;
use nbiot_at::query::setting::*;
use nbiot_at::query::sim::*;
use nbiot_at::query::socket::*;
use nbiot_at::query::time::*;
use nbiot_at::query::uart::*;
use nbiot_at::query::{self, Line, Lines, Query};
use nbiot_at::sim::{Bench, Loopback, Loss, Modem as Model};
use nbiot_at::{
    Apn, Clock as _, Config, EdrxAccess, ErrorKind, Event, Fault, Instant, asynch, blocking,
};

/// A model that is on.
pub(crate) fn bench() -> Bench<Loopback> {
    let mut model = Model::new(Loopback::new(), 1);
    model.power_on(Instant::ZERO);
    Bench::new(model)
}

pub(crate) fn config() -> Config {
    Config::new(Apn::parameter("iot.example").unwrap())
}

/// A command that no modem knows.
struct Unknown;

impl Query for Unknown {
    type Answer = ();
    const TIME_OUT: Duration = Duration::from_secs(1);
    const EXPECTED: &'static str = "OK";

    fn write(&self, line: &mut Line) {
        line.text("AT+NONE");
    }

    fn parse(&self, lines: Lines<'_>) -> Result<(), Fault> {
        lines.none()
    }
}

/// One that the model answers, and whose answer is taken for something else.
struct Misread;

impl Query for Misread {
    type Answer = ();
    const TIME_OUT: Duration = Duration::from_secs(1);
    const EXPECTED: &'static str = "OK";

    fn write(&self, line: &mut Line) {
        line.text("AT+CSQ");
    }

    fn parse(&self, lines: Lines<'_>) -> Result<(), Fault> {
        lines.none()
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const SPAN: Duration = Duration::from_secs(20);

/// Settings that can be written back as they are.
const KEYS: [Key; 12] = [
    Key::ScanMode,
    Key::IotMode,
    Key::ServiceDomain,
    Key::Roaming,
    Key::PsmReports,
    Key::PsmEntry,
    Key::DuplicateApn,
    Key::UrcDelay,
    Key::UrcChannel,
    Key::LedMode,
    Key::Msc,
    Key::Sgsn,
];

/// The file of the subscriber number.
const IMSI: SimFile<'_> = SimFile {
    command: SimCommand::ReadBinary,
    file: Some(0x6f07),
    parameters: [0, 0, 9],
    data: &[],
};

/// Each query in one order: its name, and the answer as text.
macro_rules! script {
    ($modem:ident, $bench:ident, $log:ident $(, $await:tt)?) => {{
        macro_rules! ask {
            ($query:expr) => {{
                let answer = $modem.ask(&$query)$(.$await)?;
                assert!(answer.is_ok(), "{}: {answer:?}", stringify!($query));
                $log.push(format!("{}: {answer:?}", stringify!($query)));
            }};
        }
        macro_rules! refused {
            ($query:expr) => {{
                let error = $modem.ask(&$query)$(.$await)?.unwrap_err();
                $log.push(format!("{}: {error:?}", stringify!($query)));
            }};
        }
        refused!(Unknown);
        $log.push(format!("{:?}", $modem.start()$(.$await)?));
        refused!(Unknown);
        ask!(ModuleInformation);
        ask!(Manufacturer);
        ask!(Model);
        ask!(BaseRevision);
        ask!(FirmwareRevision);
        ask!(ApplicationVersion);
        ask!(Imei);
        ask!(Functionality);
        ask!(ActivityStatus);
        ask!(Battery);
        ask!(Temperature);
        ask!(InputVoltage { input: 0 });
        refused!(InputVoltage { input: 1 });
        refused!(InputVoltage { input: 2 });
        ask!(DataCounter);
        ask!(CountTraffic::Reset);
        ask!(CountTraffic::Save);
        ask!(DataCounter);
        ask!(ErrorForm);
        ask!(EpsRegistration);
        ask!(GprsRegistration);
        ask!(CircuitRegistration);
        ask!(SignalQuality);
        ask!(ExtendedSignal);
        ask!(RadioConnection);
        ask!(ReportConnection(true));
        ask!(RadioConnection);
        ask!(NetworkInformation);
        ask!(ServiceProvider);
        ask!(ServingCell);
        ask!(NeighbourCells);
        ask!(CurrentOperator);
        ask!(OperatorFormat::Numeric);
        ask!(CurrentOperator);
        ask!(FindOperators);
        ask!(SelectOperator::Automatic);
        ask!(SimStatus);
        ask!(Imsi);
        ask!(Iccid);
        ask!(PinTries);
        ask!(PinLock);
        ask!(SimInitialisation);
        ask!(ReportSim(true));
        ask!(SimPresence);
        ask!(DetectSim { is_enabled: true, is_high: true });
        ask!(IMSI);
        ask!(SimFile { file: Some(0x2fe2), ..IMSI });
        ask!(SimFile { command: SimCommand::Status, file: None, ..IMSI });
        refused!(EnterPuk { puk: "12345678", new_pin: "4321" });
        ask!(Clock);
        ask!(TimeZoneUpdate);
        ask!(ClockUpdate::Off);
        ask!(TimeZoneUpdate);
        refused!(ClockUpdate::WithRtc);
        ask!(ReportTimeZone::ZoneAndTime);
        ask!(TimeOfNetwork::Last);
        ask!(TimeOfNetwork::Universal);
        ask!(TimeOfNetwork::Local);
        ask!(PacketService);
        ask!(DefineContext { context: 2, kind: ContextKind::V4V6, apn: "ims" });
        ask!(ContextDefinition { context: 1 });
        ask!(ContextDefinition { context: 2 });
        ask!(ContextState { context: 1 });
        ask!(ContextState { context: 2 });
        ask!(ContextAddress { context: 1 });
        ask!(ContextAddress { context: 2 });
        ask!(DeleteContext { context: 2 });
        ask!(ContextDefinition { context: 2 });
        ask!(ContextAddress { context: 3 });
        ask!(ContextSettings { context: 1 });
        ask!(ContextSettings { context: 3 });
        ask!(ActiveContext { context: 1 });
        ask!(ActiveContext { context: 2 });
        ask!(NameServers { context: 1 });
        ask!(SetNameServer { context: 1, address: "10.0.0.54" });
        ask!(NameServers { context: 1 });
        refused!(ActivateContext { context: 3, is_active: true });
        ask!(PsmSettings);
        ask!(PsmGranted);
        ask!(PsmThreshold { seconds: 60, modes: 15 });
        refused!(PsmThreshold { seconds: 20, modes: 15 });
        ask!(EdrxSettings { access: EdrxAccess::NbIot });
        ask!(EdrxInUse);
        ask!(AllowSleep(false));
        ask!(PsmExtended { option: 0, scans: 5, duration: 60, randomise: 10, most: 1, early: 1 });
        ask!(Rate(115_200));
        ask!(FlowControl { receive: true, transmit: true });
        ask!(Retransmission { count: 12, time: 120 });
        ask!(TcpKeepAlive::On { idle: 29, interval: 60, count: 3 });
        ask!(TcpKeepAlive::Off);
        refused!(SelectOperator::Manual("a\"b"));
        for key in KEYS {
            let read = $modem.ask(&Read(key))$(.$await)?.unwrap();
            $modem.ask(&Write { key, value: read })$(.$await)?.unwrap();
            $log.push(format!("{key:?} is {read}"));
        }
        ask!(Write { key: Key::PsmEntry, value: 1 });
        ask!(Read(Key::PsmEntry));
        ask!(Read(Key::CoverageLevel));
        refused!(Write { key: Key::Roaming, value: 3 });
        ask!(ScanSequence);
        ask!(Bands);
        ask!(Ims);
        ask!(RingLine);
        ask!(RingSignal::Physical);
        ask!(RingLine);
        ask!(HostReadiness);
        ask!(HostReady { is_enabled: true, is_high: true, interval: 100 });
        ask!(HostReadiness);
        ask!(RingIndicator::Other);
        ask!(SetRingIndicator { kind: RingIndicator::Other, is_on: true });
        ask!(RingIndicator::Other);
        ask!(SetBandPriority(&[20]));
        refused!(RestoreFactory);
        ask!(UrcPort);
        ask!(Indicate { kind: Indication::Signal, is_on: false, is_kept: false });
        ask!(SocketState { id: 0 });
        let socket = $modem.connect("192.0.2.1", 1883, nbiot_at::Transport::Tcp)$(.$await)?.unwrap();
        $modem.send(socket, b"a line")$(.$await)?.unwrap();
        ask!(SocketState { id: 0 });
        ask!(TlsSocketState { id: 0 });
        ask!(BytesSent { id: 0 });
        ask!(BytesReceived { id: 0 });
        $modem.close(socket)$(.$await)?.unwrap();
        refused!(BytesSent { id: 0 });
        ask!(LastSocketError);
        ask!(TlsConfigured { key: "seclevel", context: 0 });
        ask!(Ping { context: 1, host: "192.0.2.1", time_out: 4, count: 3 });
        let lose = |model: &mut Model<_>, now| model.lose_network(now, SPAN, Loss::Silent);
        $bench.with(lose);
        refused!(Ping {
            context: 1,
            host: "192.0.2.1",
            time_out: 1,
            count: 1
        });
        let end = $bench.clock().now() + MINUTE;
        while $modem.wait(end)$(.$await)?.unwrap() != Event::Deadline {}
        refused!(Ping { context: 2, host: "192.0.2.1", time_out: 4, count: 3 });
        ask!(Storage);
        ask!(StorageUsed);
        ask!(Files);
        ask!(FileNamed("none"));
        ask!(MqttState { client: 0 });
        ask!(KeepAlive { client: 0 });
        ask!(MqttVersion { client: 0 });
        ask!(CleanSession { client: 0 });
        ask!(GnssState);
        refused!(Location);
        refused!(SetUrl(""));
        refused!(Get { response_time: MINUTE });
        ask!(Setting::Context(1));
        ask!(Setting::ContentType(ContentType::Octets));
        refused!(Setting::TlsContext(6));
        ask!(SetUrl("http://meter.example/tariff"));
        ask!(HasUrl("http://meter.example/tariff"));
        refused!(ReadToFile { name: "tariff", wait: MINUTE, time: MINUTE });
        refused!(Get { response_time: MINUTE });
        $bench.with(|model, _| model.serve(200, &[0xa5; 700], false));
        ask!(Get { response_time: MINUTE });
        ask!(ReadToFile { name: "tariff", wait: MINUTE, time: MINUTE });
        refused!(ReadToFile { name: "tariff", wait: MINUTE, time: MINUTE });
        $log.push(format!("{:?}", $modem.file_size("tariff")$(.$await)?));
        $bench.with(|model, _| model.serve(404, b"no", true));
        ask!(Get { response_time: MINUTE });
        ask!(ReadToFile { name: "chunked", wait: MINUTE, time: MINUTE });
        $log.push(format!("{:?}", $modem.file_size("chunked")$(.$await)?));
        refused!(GetWith { request: b"GET", response_time: MINUTE });
        ask!(Setting::RequestHeader(true));
        ask!(GetWith { request: b"GET /OK HTTP/1.1\r\n\r\n", response_time: MINUTE });
        ask!(Post { body: b"\r\nOK\r\n", response_time: MINUTE });
        $log.push(format!("{:?}", $bench.with(|model, _| model.posted().to_vec())));
        ask!(PostFile { name: "tariff", response_time: MINUTE });
        refused!(PostFile { name: "none", response_time: MINUTE });
        refused!(Misread);
    }};
}

#[test]
fn shells_give_the_same_answers_and_the_model_gives_documented_ones() {
    let (mut async_log, mut blocking_log) = (Vec::new(), Vec::new());
    let async_bench = bench();
    let mut modem = asynch::Modem::new(async_bench.port(), async_bench.clock(), config());
    async_bench
        .run(async { script!(modem, async_bench, async_log, await) })
        .unwrap();
    let blocking_bench = bench();
    let port = blocking_bench.port();
    let mut modem = blocking::Modem::new(port, blocking_bench.blocking_clock(), config());
    script!(modem, blocking_bench, blocking_log);
    assert_eq!(async_log, blocking_log);
    let log = async_log
        .join("\n")
        .replace(" : ", ": ")
        .replace(" :: ", "::");
    for part in [
        // It is off, and then does not know it.
        "Unknown: Modem(Modem(Silent))",
        "Unknown: Modem(Modem(Refused))",
        "Modem(Modem(InvalidParameter))",
        "Misread: Unexpected(Unexpected { expected: \"OK\", received: \"+CSQ: 20,99\" })",
        "model: \"BG96\", revision: \"BG96MAR02A08M1G\"",
        "Imei: Ok(\"866425030000001\")",
        "DataCounter: Ok(Traffic { sent: 0, received: 0 })",
        "SignalQuality: Ok(Quality { rssi: 20, error_rate: 99 })",
        "Connection { reports: true,",
        "mccmnc: \"22299\", band: \"LTE BAND 20\", channel: 6352",
        "operator: Some(\"Isole Eolie Mobile\")",
        "operator: Some(\"22299\")",
        "SimStatus: Ok(Ready)",
        "Imsi: Ok(\"222990000000001\")",
        "Iccid: Ok(\"8988211000000000001\")",
        "Presence { reports: true, inserted: Some(true) }",
        "status: 27266",
        "Modem(Modem(Cme(IncorrectPassword)))",
        "TimeZoneUpdate: Ok(On)",
        "TimeZoneUpdate: Ok(Off)",
        "Definition { kind: V4, apn: \"iot.example\" }",
        "Definition { kind: V4V6, apn: \"ims\" }",
        "ContextState { context: 1 }: Ok(Some(true))",
        "ContextState { context: 2 }: Ok(Some(false))",
        "ContextAddress { context: 1 }: Ok(Some(10.64.12.7))",
        "ContextAddress { context: 2 }: Ok(None)",
        "ContextDefinition { context: 2 }: Ok(None)",
        "Ok([Some(10.0.0.54), None])",
        "Modem(Modem(Cme(UnspecifiedGprsError)))",
        "HasUrl(\"http://meter.example/tariff\"): Ok(true)",
        "Modem(Modem(HttpModule(EmptyUrl)))",
        "Modem(Modem(HttpModule(NoRequest)))",
        "Modem(Modem(HttpModule(ConnectFailed)))",
        "Modem(Modem(HttpModule(InvalidParameter)))",
        "Response { status: 200, length: Some(700) }",
        "Ok(Some(700))",
        "Response { status: 404, length: None }",
        "Ok(Some(2))",
        "[13, 10, 79, 75, 13, 10]",
        "ServiceDomain is 1",
        "Read(Key::PsmEntry): Ok(1)",
        "Sequence { accesses: [Some(2), Some(3), Some(1)] }",
        "lte_m: 275046602911",
        "RingLine: Ok(Physical)",
        "HostReady { is_enabled: true, is_high: true, interval: 100 }",
        "RingIndicator::Other: Ok(\"pulse\")",
        "SocketState { id: 0 }: Ok(None)",
        "phase: Connected",
        "Sent { total: 6,",
        "Modem(Modem(Socket(TimedOut)))",
        "Echoes { sent: 3, received: 3, lost: 0,",
        "Room { free: 6144, total: 6144 }",
        "Modem(Modem(Gnss(NotActive)))",
        "name: \"Stromboli (I), 7\", mccmnc: \"22217\"",
    ] {
        assert!(log.contains(part), "no {part} in\n{log}");
    }
}

#[test]
fn error_says_what_came_and_what_should_have_come() {
    let bench = bench();
    let mut modem = blocking::Modem::new(bench.port(), bench.blocking_clock(), config());
    modem.start().unwrap();
    let error = modem.ask(&Misread).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected \"OK\", received \"+CSQ: 20,99\""
    );
    assert_eq!(
        (error.kind(), error.fault()),
        (ErrorKind::Retry, Some(Fault::Malformed))
    );
    let error = modem.ask(&Unknown).unwrap_err();
    assert_eq!(
        error,
        query::Error::Modem(nbiot_at::Error::Modem(Fault::Refused))
    );
}

/// No service is an answer, and no error.
#[test]
fn without_a_network_the_answers_say_so() {
    let bench = bench();
    bench.with(|model, _| model.settings.mood = nbiot_at::sim::Mood::NoCell);
    let mut modem = blocking::Modem::new(bench.port(), bench.blocking_clock(), config());
    modem.start().unwrap_err();
    assert_eq!(modem.ask(&NetworkInformation), Ok(None));
    assert_eq!(modem.ask(&ExtendedSignal), Ok(None));
    assert_eq!(modem.ask(&SignalQuality).unwrap().dbm(), None);
    assert_eq!(modem.ask(&CurrentOperator).unwrap().operator, None);
    let until = bench.clock().now() + Duration::from_secs(1);
    assert_eq!(modem.wait(until), Ok(Event::Deadline));
}
