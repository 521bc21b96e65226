//! What `meter-proto` takes and costs, beside what could be used in its place.

use std::process::Command;

use super::image::{emulated, of, symbols};
use super::{BOARD, Figure, NO_BUDGET, ROUNDS, bytes, callgrind, field, per_round};
use crate::boards;
use crate::embedded::Toolchain;
use crate::process::Log;
use crate::workspace::target_dir;

/// All figures of the crate.
pub(super) fn figures(log: &mut Log) -> Result<Vec<Figure>, String> {
    let toolchain = boards::one(log, &format!("examples/boards/{BOARD}"))?;
    let mut figures = memory(log, &toolchain)?;
    figures.extend(packets(log));
    figures.extend(meter_day(log));
    figures.extend(sealed(log, &toolchain));
    Ok(figures)
}

/// Flash, RAM and stack on a Cortex-M4F.
fn memory(log: &mut Log, toolchain: &Toolchain) -> Result<Vec<Figure>, String> {
    let session = of(
        &symbols(log, toolchain, "mqtt_client")?,
        "BYTES_OF_A_SESSION",
    )?;
    let flash = |log: &mut Log, image| boards::size(log, toolchain, image).map(|size| size.flash);
    let (empty, outbox) = (flash(log, "empty")?, flash(log, "proto_outbox")?);
    let without_qos_2 = flash(log, "mqtt_client")? - empty - session;
    let folder = format!("examples/boards/{BOARD}");
    let mut with_qos_2 = toolchain.cargo(&folder, "build");
    with_qos_2.args(["--release", "--features", "qos2"]);
    with_qos_2.args(["--bin", "mqtt_client", "--bin", "proto_stack"]);
    log.run(&mut with_qos_2)?;
    let client = flash(log, "mqtt_client")? - empty - session;
    let mut figures = vec![
        Figure {
            what: "meter-proto: flash, MQTT client, mqttrs writes CONNECT",
            budget: 12_288.0,
            unit: "B",
            found: bytes(without_qos_2),
        },
        Figure {
            what: "meter-proto: flash, the same with qos2",
            budget: NO_BUDGET,
            unit: "B",
            found: bytes(client),
        },
        Figure {
            what: "meter-proto: RAM, session with four in flight",
            budget: 256.0,
            unit: "B",
            found: bytes(session),
        },
        Figure {
            what: "meter-proto: flash, an outbox",
            budget: NO_BUDGET,
            unit: "B",
            found: bytes(outbox - empty),
        },
    ];
    let beside_an_outbox = [
        ("meter-proto: flash, commands", "proto_commands"),
        ("meter-proto: flash, notices", "proto_notices"),
        ("meter-proto: flash, signatures", "proto_signatures"),
        ("meter-proto: flash, update", "proto_update"),
        ("meter-proto: flash, all four", "proto_all"),
    ];
    for (what, image) in beside_an_outbox {
        figures.push(Figure {
            what,
            budget: NO_BUDGET,
            unit: "B beside an outbox",
            found: bytes(flash(log, image)? - outbox),
        });
    }
    figures.push(Figure {
        what: "meter-proto: deepest stack of the client",
        budget: NO_BUDGET,
        unit: "B",
        found: emulated(log, toolchain, "proto_stack", 0),
    });
    Ok(figures)
}

/// A PUBLISH of 249 bytes encoded and decoded, beside the two codecs that a client would use
/// otherwise.
fn packets(log: &mut Log) -> [Figure; 5] {
    // Inside a function: what surrounds the encoding is not counted.
    let mut inside = |name, function| -> Result<f64, String> {
        let mut count = |rounds| callgrind(log, Some(function), name, rounds);
        Ok((count(2 * ROUNDS)? - count(ROUNDS)?) / f64::from(ROUNDS))
    };
    let published = inside("publish", "*encoded_by_session*");
    let bare = inside("encode-mqttrs", "*encoded_by_mqttrs*");
    let theirs = inside("encode-rumqttc", "*encoded_by_rumqttc*");
    let answered = per_round(log, "publish");
    let figure = |what, budget: Result<f64, String>, found: &Result<f64, String>| Figure {
        what,
        budget: budget.unwrap_or(NO_BUDGET),
        unit: "instructions",
        found: found.clone(),
    };
    let decoded = per_round(log, "decode");
    let bare_decoded = per_round(log, "decode-mqttrs");
    let buffer = per_round(log, "buffer");
    let theirs_decoded = per_round(log, "decode-rumqttc").and_then(|all| Ok(all - buffer?));
    [
        figure(
            "meter-proto: a message encoded, beside mqttrs",
            bare,
            &published,
        ),
        figure("meter-proto: the same, beside rumqttc", theirs, &published),
        figure(
            "meter-proto: the same, sent and acknowledged",
            Ok(NO_BUDGET),
            &answered,
        ),
        figure(
            "meter-proto: a message decoded, beside mqttrs",
            bare_decoded,
            &decoded,
        ),
        figure(
            "meter-proto: the same, beside rumqttc",
            theirs_decoded,
            &decoded,
        ),
    ]
}

/// The bytes of 96 quarter hours of four registers: payload, and with the heads of MQTT.
fn meter_day(log: &mut Log) -> Vec<Figure> {
    let mut report = |what| {
        let mut command = Command::new(target_dir().join("release").join("figures"));
        log.capture(command.args(["meter-day", what]))
    };
    let (payload, with_mqtt) = (report("payload"), report("mqtt"));
    let rows = [
        ("meter-day: profile, one message", "profile", 640.0),
        ("meter-day: readings, 96 messages", "reading_96", NO_BUDGET),
        ("meter-day: JSON, one message", "json", NO_BUDGET),
        ("meter-day: JSON, 96 messages", "json_96", NO_BUDGET),
        (
            "meter-day: SenML JSON, one message",
            "senml_json",
            NO_BUDGET,
        ),
        (
            "meter-day: SenML JSON, 96 messages",
            "senml_json_96",
            NO_BUDGET,
        ),
        (
            "meter-day: SenML CBOR, one message",
            "senml_cbor",
            NO_BUDGET,
        ),
        (
            "meter-day: SenML CBOR, 96 messages",
            "senml_cbor_96",
            NO_BUDGET,
        ),
        (
            "meter-day: Sparkplug B, one message",
            "sparkplug",
            NO_BUDGET,
        ),
        (
            "meter-day: Sparkplug B, 96 messages",
            "sparkplug_96",
            NO_BUDGET,
        ),
    ];
    let number = |report: &Result<String, String>, name| match report {
        Ok(json) => field(json, name).ok_or_else(|| format!("figures does not report {name}")),
        Err(reason) => Err(format!("not measured: {reason}")),
    };
    let figures = rows.into_iter().flat_map(|(what, name, budget)| {
        [
            (&payload, "B", budget),
            (&with_mqtt, "B with the heads of MQTT", NO_BUDGET),
        ]
        .map(|(report, unit, budget)| Figure {
            what,
            budget,
            unit,
            found: number(report, name),
        })
    });
    figures.collect()
}

/// Commands and notices opened and a block hashed, here and in the lines that an image prints.
fn sealed(log: &mut Log, toolchain: &Toolchain) -> Vec<Figure> {
    let rows = [
        ("meter-proto: a command opened, COSE_Mac0", "mac0", 100),
        (
            "meter-proto: a command opened, COSE_Encrypt0",
            "encrypt0",
            100,
        ),
        ("meter-proto: a notice opened, Ed25519", "notice", 4),
        ("meter-proto: SHA-256 of 1 KiB", "sha256", 100),
    ];
    let figures = rows.into_iter().enumerate().flat_map(|(line, row)| {
        let (what, name, rounds) = row;
        let mut count = |rounds| callgrind(log, None, name, rounds);
        let here = count(rounds).and_then(|few| {
            let each = (count(2 * rounds)? - few) / f64::from(rounds);
            Ok(each.round())
        });
        let there = emulated(log, toolchain, "proto_crypto", line);
        [
            (here, "instructions, x86-64"),
            (there, "instructions, Cortex-M4"),
        ]
        .map(|(found, unit)| Figure {
            what,
            budget: NO_BUDGET,
            unit,
            found,
        })
    });
    figures.collect()
}
