//! What has no documented form is an error that says so, and nothing ever panics.

use nbiot_at::Fault;
use nbiot_at::query::cell::{NetworkInformation, ServiceProvider, ServingCell};
use nbiot_at::query::identity::*;
use nbiot_at::query::operator::{CurrentOperator, FindOperators};
use nbiot_at::query::radio::*;
use nbiot_at::query::{Lines, Query};
use proptest::prelude::*;

/// None of these lines is an answer.
#[track_caller]
fn refuses<Q: Query>(query: &Q, lines: &[&str])
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
        name in "(\\+CSQ|\\+QCSQ|\\+COPS|\\+QNWINFO|\\+QENG|\\+CEREG|\\+QSPN|\\+CBC)",
        rest in "[-0-9a-fA-F\",():. A-Z]{0,120}",
    ) {
        parse_all(format!("{name}: {rest}\n").as_bytes());
    }
}
