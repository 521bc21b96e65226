//! What has no documented form is an error that says so, and nothing ever panics.

use nbiot_at::query::cell::{NetworkInformation, ServiceProvider, ServingCell};
use nbiot_at::query::context::*;
use nbiot_at::query::identity::*;
use nbiot_at::query::operator::{CurrentOperator, FindOperators};
use nbiot_at::query::power::*;
use nbiot_at::query::radio::*;
use nbiot_at::query::sim::*;
use nbiot_at::query::time::*;
use nbiot_at::query::{Lines, Query};
use nbiot_at::{EdrxAccess, Fault};
use proptest::prelude::*;

/// None of these lines is an answer.
#[track_caller]
pub(crate) fn refuses<Q: Query>(query: &Q, lines: &[&str])
where
    Q::Answer: core::fmt::Debug,
{
    for line in lines.iter().copied().chain(["", "+", "+XYZ: 1", "\u{e9}"]) {
        let data = if line.is_empty() {
            String::new()
        } else {
            format!("{line}\n")
        };
        let found = query.parse(Lines::new(data.as_bytes()));
        assert_eq!(found.err(), Some(Fault::Malformed), "{line:?}");
    }
}

#[test]
fn garbled_answers_are_none() {
    refuses(
        &Imei,
        &["86642503000000", "8664250300000011", "86642503000000A"],
    );
    refuses(
        &ModuleInformation,
        &["Quectel", "Quectel\nBG96", "Quectel\nBG96\nRev: x"],
    );
    refuses(
        &Functionality,
        &["+CFUN: 2", "+CFUN: ", "+CFUN 1", "+CFUX: 1"],
    );
    refuses(
        &Battery,
        &["+CBC: 0,78", "+CBC: 0,178,3812", "+CBC: 0,78,38120000"],
    );
    refuses(
        &Temperature,
        &["+QTEMP: 31,29", "+QTEMP: 31,,29", "+QTEMP: 31,29,200"],
    );
    refuses(
        &InputVoltage { input: 0 },
        &["+QADC: 1", "+QADC: 2,1187", "+QADC: 1,-1"],
    );
    refuses(&DataCounter, &["+QGDCNT: 1", "+QGDCNT: 4294967296,0"]);
    refuses(&ErrorForm, &["+CMEE: 3", "+CMEE:"]);
    // A report is no answer.
    refuses(
        &EpsRegistration,
        &[
            "+CEREG: 2,\"0A1B\",\"01C2D304\",9",
            "+CEREG: 5",
            "+CEREG: ,",
        ],
    );
    refuses(
        &SignalQuality,
        &[
            "+CSQ: 20",
            "+CSQ: 32,99",
            "+CSQ: 20,9",
            "+CSQ: 2x,99",
            "+CSQ: ,",
        ],
    );
    refuses(
        &ExtendedSignal,
        &[
            "+QCSQ: \"GSM\"",
            "+QCSQ: \"CAT-M1\",-71,-83,120",
            "+QCSQ: \"CAT-M1\",-71,-83,251,-12",
            "+QCSQ: \"CAT-M9\",-71,-83,120,-12",
            "+QCSQ: \"NOSERVICE",
        ],
    );
    refuses(&RadioConnection, &["+QCSCON:0", "+QCSCON:0,2"]);
    refuses(
        &NetworkInformation,
        &[
            "+QNWINFO: No Servic",
            "+QNWINFO: \"eMTC\",\"26201\",\"LTE BAND 20\"",
            "+QNWINFO: \"eMTC\",\"2620\",\"LTE BAND 20\",6352",
            "+QNWINFO: \"eMTC\",\"26201,\"LTE BAND 20\",6352",
        ],
    );
    refuses(
        &ServiceProvider,
        &[
            "+QSPN: \"a\",\"b\",\"c\",0",
            "+QSPN: \"a\",\"b\",c,0,\"26201\"",
        ],
    );
    refuses(
        &ServingCell,
        &[
            "+QENG: \"servingcell\",\"SEARC\"",
            "+QENG: \"servingcell\",\"NOCONN\",\"CAT-M\"",
            "+QENG: \"servingcell\",\"NOCONN\",\"CAT-M\",\"FDD\",262,01,1C2D304,600,6352,20,0,0",
            "+QENG: \"neighbourcell\",\"SEARCH\"",
        ],
    );
    refuses(
        &CurrentOperator,
        &[
            "+COPS: 3",
            "+COPS: 0,0",
            "+COPS: 0,7,\"a\"",
            "+COPS: 0,0,\"a",
        ],
    );
    refuses(
        &FindOperators,
        &[
            "+COPS: (2,\"A\",\"A\",\"00101\",8)",
            "+COPS: (2,\"A\",\"A\",\"00101\",8),,(0-4)",
            "+COPS: (2,\"A\",\"A\",\"0010\",8),,(0-4),(0-2)",
            "+COPS: (4,\"A\",\"A\",\"00101\",8),,(0-4),(0-2)",
            "+COPS: 0",
        ],
    );
}

#[test]
fn garbled_answers_of_sim_contexts_and_clocks_are_none() {
    refuses(
        &SimStatus,
        &[
            "+CPIN: REDY",
            "+CPIN: NOT READY",
            "+CPIN: SIM PIN3",
            "+CPIN:",
        ],
    );
    refuses(&Imsi, &["12345", "1234567890123456", "22299000000000A"]);
    refuses(
        &Iccid,
        &[
            "+QCCID: 89F",
            "+QCCID: 89882110000000000012F3",
            "8988211000000000001F",
        ],
    );
    refuses(
        &PinTries,
        &["+QPINC: \"SC\",3", "+QPINC: \"P2\",3,10", "+QPINC: 3,10"],
    );
    refuses(&PinLock, &["+CLCK: 2", "+CLCK: "]);
    refuses(&SimInitialisation, &["+QINISTAT: 8", "+QINISTAT: -1"]);
    refuses(
        &SimPresence,
        &["+QSIMSTAT: 1", "+QSIMSTAT: 1,3", "+QSIMSTAT: 2,1"],
    );
    let file = SimFile {
        command: SimCommand::ReadBinary,
        file: Some(0x6f07),
        parameters: [0; 3],
        data: &[],
    };
    let long = format!("+CRSM: 144,0,{}", "00".repeat(256));
    let lines = [
        "+CRSM: 144",
        "+CRSM: 144,0,\"082\"",
        "+CRSM: 144,0,\"0G\"",
        "+CRSM: 256,0",
    ];
    refuses(&file, &lines);
    refuses(&file, &[&long]);
    refuses(
        &Clock,
        &[
            "+CCLK: \"26/03/29\"",
            "+CCLK: \"26/03/29,01:59:59*04\"",
            "+CCLK: \"26/13/29,01:59:59+04\"",
            "+CCLK: \"26/03/29,01:69:59+04\"",
            "+CCLK: \"26/03/29,01:59:59+94\"",
            "+CCLK: \"\"",
        ],
    );
    refuses(&TimeZoneUpdate, &["+CTZU: 2", "+CTZU: on"]);
    let lines = [
        "+QLTS: 26",
        "+QLTS: \"2026/03/29,00:59:59+04,x\"",
        "+QLTS: \"2026/03/29 00:59\"",
    ];
    refuses(&TimeOfNetwork::Local, &lines);
    refuses(&PacketService, &["+CGATT: 2", "+CGATT:"]);
    refuses(
        &ContextSettings { context: 1 },
        &["+QICSGP: 4,\"a\",\"\",\"\",1", "+QICSGP: 1,\"a\""],
    );
    refuses(
        &NameServers { context: 1 },
        &[
            "+QIDNSCFG: 1,\"10.0.0\",\"0.0.0.0\"",
            "+QIDNSCFG: 2,\"\",\"\"",
        ],
    );
    refuses(
        &PsmSettings,
        &["+CPSMS: 2,,,,", "+CPSMS: 1,,,\"0000011\",\"00100001\""],
    );
    refuses(&PsmGranted, &["+QPSMS: 1,,,\"x\",\"20\"", "+QPSMS: ,,,,"]);
    refuses(
        &EdrxInUse,
        &[
            "+CEDRXRDP: 6",
            "+CEDRXRDP: 5,\"01\"",
            "+CEDRXRDP: 5,\"0101\",\"2101\"",
        ],
    );
}

/// An empty list is an answer; a line in it that cannot be read is none.
#[test]
fn garbled_line_spoils_the_list() {
    let lines = |text| Lines::new(text);
    let context = 2;
    let definition = ContextDefinition { context };
    for text in [
        "+CGDCONT: 1,\"IP\",\"a\",\"\",0,0\n+CGDCONT: 2,\"IPX\",\"b\"\n",
        "+CGDCONT: 1,\"IP\",\"a\",\"\",0,0\n+CGDCON: 2,\"IP\",\"b\"\n",
        "+CGDCONT: 1,\"IP\",\"a\",\"\",0,0\n+CGDCONT: 2,\"IP\",\"b\n",
    ] {
        let found = definition.parse(lines(text.as_bytes()));
        assert_eq!(found, Err(Fault::Malformed), "{text}");
    }
    let found = ContextState { context }.parse(lines(b"+CGACT: 1,1\n+CGACT: 2,3\n"));
    assert_eq!(found, Err(Fault::Malformed));
    let found = ContextAddress { context }.parse(lines(b"+CGPADDR: 2,10.2.3\n"));
    assert_eq!(found, Err(Fault::Malformed));
    let found = ActiveContext { context }.parse(lines(b"+QIACT: 2,1,5,\"10.2.3.4\"\n"));
    assert_eq!(found, Err(Fault::Malformed));
    let access = EdrxAccess::LteM;
    let found = EdrxSettings { access }.parse(lines(b"+CEDRXS: 4,\"011\"\n"));
    assert_eq!(found, Err(Fault::Malformed));
}

/// A command that sets something is answered with `OK` alone: a line means that it has become a
/// question on its way.
#[test]
fn setting_that_is_answered_is_not_obeyed() {
    let lines = Lines::new(b"+QGDCNT: 1,2\n");
    assert_eq!(CountTraffic::Reset.parse(lines), Err(Fault::Malformed));
}

fn parse_all(data: &[u8]) {
    let lines = Lines::new(data);
    macro_rules! parse {
        ($($query:expr),* $(,)?) => { $(let _ = $query.parse(lines);)* };
    }
    parse!(
        ModuleInformation,
        Model,
        Imei,
        Functionality,
        ActivityStatus,
        Battery,
        Temperature,
        DataCounter,
        ErrorForm,
        EpsRegistration,
        GprsRegistration,
        CircuitRegistration,
        SignalQuality,
        ExtendedSignal,
        RadioConnection,
        NetworkInformation,
        ServiceProvider,
        ServingCell,
        CurrentOperator,
        FindOperators,
        SimStatus,
        Imsi,
        Iccid,
        PinTries,
        PinLock,
        SimInitialisation,
        SimPresence,
        Clock,
        TimeZoneUpdate,
        TimeOfNetwork::Local,
        PacketService,
        ContextDefinition { context: 1 },
        ContextState { context: 1 },
        ContextAddress { context: 1 },
        ContextSettings { context: 1 },
        ActiveContext { context: 1 },
        NameServers { context: 1 },
        PsmSettings,
        PsmGranted,
        EdrxInUse,
        EdrxSettings {
            access: EdrxAccess::LteM
        },
    );
}

proptest! {
    #[test]
    fn parsers_take_anything(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse_all(&data);
    }

    /// The same behind the right name.
    #[test]
    fn parsers_take_anything_behind_a_name(
        name in "(\\+CSQ|\\+CGPADDR|\\+QIACT|\\+CRSM|\\+CCLK|\\+QLTS|\\+CPSMS|\\+CEDRXRDP|\\+QCSQ|\\+COPS|\\+QNWINFO|\\+QENG|\\+CEREG|\\+QSPN|\\+CBC)",
        rest in "[-0-9a-fA-F\",():. A-Z]{0,120}",
    ) {
        parse_all(format!("{name}: {rest}\n").as_bytes());
    }
}
