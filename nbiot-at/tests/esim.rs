//! The eUICC through the modem: modem scenarios K.

mod common;

use std::time::Duration;

use common::{Rig, config, for_every_cut};
use nbiot_at::esim::es10::{DeleteResult, EnableResult};
use nbiot_at::esim::{Aid, Iccid, ProfileState, Subscription, Switch, Switched};
use nbiot_at::sim::{Bench, Faults, Loopback, Modem as Model, Mood, Settings};
use nbiot_at::{
    Answer, Apn, Clock, CmeError, Config, Event, Fault, Instant, Request, Transport, asynch,
    blocking,
};

const HOME: &str = "8988211000000000001";
const ABROAD: &str = "8988211000000000002";

fn iccid(digits: &str) -> Iccid {
    Iccid::from_digits(digits).unwrap()
}

fn bench(change: impl FnOnce(&mut Settings)) -> Bench<Loopback> {
    let mut model = Model::new(Loopback::new(), 3);
    model.settings.is_euicc = true;
    change(&mut model.settings);
    model.power_on(Instant::ZERO);
    Bench::new(model)
}

fn quick() -> Config {
    let mut config = Config::new(Apn::parameter("home.example").unwrap());
    config.search_time = Duration::from_secs(120);
    config
}

fn subscription(digits: &str, apn: &str) -> Subscription {
    Subscription::new(iccid(digits), Apn::parameter(apn).unwrap())
}

fn switch() -> Switch {
    Switch {
        from: subscription(HOME, "home.example"),
        to: subscription(ABROAD, "abroad.example"),
    }
}

/// Every call, with both ways to the card and both shells.
macro_rules! script {
    ($modem:ident $(, $await:tt)?) => {{
        $modem.start()$(.$await)?.unwrap();
        let eid = $modem.eid()$(.$await)?.unwrap();
        assert_eq!(eid.to_string(), "89044045110000000000000000000019");
        let mut buffer = [0; 1024];
        let profiles = $modem.profiles(&mut buffer)$(.$await)?.unwrap();
        let found: Vec<_> = profiles.map(|p| p.unwrap()).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].iccid, Some(iccid(HOME)));
        assert_eq!(found[0].state, Some(ProfileState::Enabled));
        assert_eq!(found[1].name, Some("Abroad"));
        assert_eq!(found[1].state, Some(ProfileState::Disabled));
        let refused = $modem.delete_profile(iccid(HOME))$(.$await)?.unwrap();
        assert_eq!(refused, DeleteResult::NotDisabled);
        let done = $modem.switch_profile(&switch())$(.$await)?.unwrap();
        assert_eq!(done, Switched::Done);
        let identity = $modem.identity()$(.$await)?.unwrap();
        assert_eq!(identity.iccid.as_str(), ABROAD);
        // A power cut before the record was taken away: once more, and nothing changes.
        let again = $modem.switch_profile(&switch())$(.$await)?.unwrap();
        assert_eq!(again, Switched::Done);
        let deleted = $modem.delete_profile(iccid(HOME))$(.$await)?.unwrap();
        assert_eq!(deleted, DeleteResult::Deleted);
        let gone = $modem.switch_profile(&Switch { from: switch().to, to: switch().from })$(.$await)?;
        assert_eq!(gone.unwrap_err().fault(), Some(Fault::Profile(EnableResult::NotFound)));
        let socket = $modem.connect("meter.example", 1883, Transport::Tcp)$(.$await)?.unwrap();
        assert_eq!($modem.send(socket, b"hello")$(.$await)?.unwrap(), 5);
    }};
}

#[test]
fn k1_k2_k3_k5_profiles_are_listed_switched_and_deleted_over_both_ways_to_the_card() {
    for has_cgla in [true, false] {
        let bench = bench(|settings| settings.has_cgla = has_cgla);
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), quick());
        bench.run(async { script!(modem, await) }).unwrap();
    }
    let bench = bench(|_| {});
    let mut modem: blocking::Modem<_, _> =
        blocking::Modem::new(bench.port(), bench.blocking_clock(), quick());
    script!(modem);
}

#[test]
fn k1_k4_sim_or_modem_that_cannot_do_it_says_so() {
    for (cgla, csim, euicc, expected) in [
        (false, false, true, Fault::NotSupported),
        (true, true, false, Fault::NoEuicc),
        (false, true, false, Fault::NoEuicc),
    ] {
        let bench = bench(|settings| {
            (settings.has_cgla, settings.has_csim) = (cgla, csim);
            settings.is_euicc = euicc;
        });
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), quick());
        let run = async {
            modem.start().await.unwrap();
            // No channel is left open, so it is the same each time.
            for _ in 0..5 {
                assert_eq!(modem.eid().await.unwrap_err().fault(), Some(expected));
            }
            modem.eid().await.unwrap_err().fault()
        };
        assert_eq!(bench.run(run).unwrap(), Some(expected));
    }
}

/// The host lost its power with channels open: the modem knows them, and not even that.
#[test]
fn channels_that_an_earlier_program_left_open_are_closed() {
    for has_cgla in [true, false] {
        let bench = bench(|settings| settings.has_cgla = has_cgla);
        let run = async {
            for _ in 0..5 {
                let mut modem = asynch::Modem::new(bench.port(), bench.clock(), quick());
                modem.start().await.unwrap();
                let now = bench.clock().now();
                let aid = Aid::ISD_R;
                modem
                    .engine()
                    .begin(Request::OpenChannel { aid }, now)
                    .unwrap();
                let until = now + Duration::from_secs(20);
                // It is opened, and nobody closes it.
                let _ = modem.wait(until).await;
            }
            let mut modem = asynch::Modem::new(bench.port(), bench.clock(), quick());
            modem.start().await.unwrap();
            modem.eid().await.unwrap();
        };
        bench.run(run).unwrap();
    }
}

/// The card restarts and the context goes meanwhile, but that is over.
#[test]
fn switch_that_is_done_leaves_no_call_to_start() {
    let bench = bench(|_| {});
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), quick());
    let run = async {
        modem.start().await.unwrap();
        let done = modem.switch_profile(&switch()).await.unwrap();
        assert_eq!(done, Switched::Done);
        let connect = modem.connect("meter.example", 1883, Transport::Tcp);
        let socket = connect.await.unwrap();
        let soon = bench.clock().now() + Duration::from_secs(1);
        assert_eq!(modem.wait(soon).await.unwrap(), Event::Deadline);
        modem.send(socket, b"hello").await.unwrap()
    };
    assert_eq!(bench.run(run).unwrap(), 5);
}

#[test]
fn k6_card_that_does_not_restart_is_restarted_with_the_radio() {
    let bench = bench(|settings| settings.refreshes = false);
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), quick());
    let run = async {
        modem.start().await.unwrap();
        let before = bench.clock().now();
        let done = modem.switch_profile(&switch()).await.unwrap();
        assert!(bench.clock().now().since(before) >= Duration::from_secs(15));
        (done, modem.identity().await.unwrap().iccid)
    };
    let (done, used) = bench.run(run).unwrap();
    assert_eq!((done, used.as_str()), (Switched::Done, ABROAD));
}

#[test]
fn k7_profile_that_finds_no_network_is_changed_back() {
    for mood in [Mood::NoCell, Mood::Denied] {
        let bench = bench(|settings| settings.moods[1] = Some(mood));
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), quick());
        let run = async {
            modem.start().await.unwrap();
            let done = modem.switch_profile(&switch()).await.unwrap();
            assert!(matches!(done, Switched::RolledBack(_)), "{done:?}");
            assert_eq!(modem.engine().config_mut().apn.as_str(), "home.example");
            modem.identity().await.unwrap().iccid
        };
        assert_eq!(bench.run(run).unwrap().as_str(), HOME);
    }
}

/// The future is dropped after each of its polls, as a power cut of the host would: then the host
/// starts anew and finishes what it has stored.
#[test]
fn k9_change_that_was_cut_anywhere_is_finished() {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::Poll;
    for cut in (0..).step_by(7) {
        let bench = bench(|_| {});
        let run = async {
            let mut modem = asynch::Modem::new(bench.port(), bench.clock(), quick());
            modem.start().await.unwrap();
            let switch = switch();
            let ended = {
                let mut future = pin!(modem.switch_profile(&switch));
                let mut polls = 0;
                poll_fn(|context| {
                    polls += 1;
                    if polls > cut {
                        return Poll::Ready(None);
                    }
                    future.as_mut().poll(context).map(Some)
                })
                .await
            };
            let mut modem = asynch::Modem::new(bench.port(), bench.clock(), quick());
            let _ = modem.start().await;
            assert_eq!(modem.switch_profile(&switch).await.unwrap(), Switched::Done);
            assert_eq!(modem.identity().await.unwrap().iccid.as_str(), ABROAD);
            ended.is_some()
        };
        if bench
            .run(run)
            .unwrap_or_else(|_| panic!("stalled after {cut} polls"))
        {
            return;
        }
    }
}

#[test]
fn lines_lost_on_the_way_end_in_an_error_or_in_the_truth() {
    for seed in 0..40 {
        let mut model = Model::new(Loopback::new(), seed);
        model.settings.is_euicc = true;
        model.power_on(Instant::ZERO);
        let bench = Bench::new(model);
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), quick());
        let run = async {
            modem.start().await.unwrap();
            bench.with(|model, _| {
                model.faults = Faults::NONE;
                model.faults.drop_line = 50_000;
                model.faults.drop_byte = 1_000;
                model.faults.urc = 200_000;
            });
            let mut right = 0;
            for _ in 0..10 {
                if let Ok(eid) = modem.eid().await {
                    assert_eq!(eid.to_string(), "89044045110000000000000000000019");
                    right += 1;
                }
                let mut buffer = [0; 1024];
                if let Ok(profiles) = modem.profiles(&mut buffer).await {
                    assert_eq!(profiles.filter(Result::is_ok).count(), 2);
                }
            }
            bench.with(|model, _| model.faults = Faults::NONE);
            modem.eid().await.unwrap();
            right
        };
        assert!(bench.run(run).unwrap() > 0, "seed {seed}");
    }
}

#[test]
fn k8_busy_card_is_asked_again() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(Request::OpenChannel { aid: Aid::ISD_R });
        for session in 1..=3 {
            rig.exchange(&format!("AT+CCHC={session}"), "\r\nERROR\r\n");
        }
        let open = "AT+CCHO=\"A0000005591010FFFFFFFF8900000100\"";
        for _ in 0..3 {
            rig.exchange(open, "\r\n+CME ERROR: 14\r\n");
            rig.pass(1_999);
            assert_eq!(rig.sent(), "");
            rig.pass(1);
        }
        rig.exchange(open, "\r\n+CCHO: 2\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        let apdu = &[0x82, 0xe2, 0x91, 0x00, 0x03, 0xbf, 0x2d, 0x00, 0x00];
        rig.begin(Request::Transmit { apdu });
        let send = "AT+CGLA=2,18,\"82E2910003BF2D0000\"";
        rig.exchange(send, "\r\n+CME ERROR: 14\r\n");
        rig.pass(2_000);
        rig.exchange(send, "\r\n+CGLA: 4,\"6110\"\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(2)));
        assert_eq!(rig.engine.data(), [0x61, 0x10]);
        // A long line of something else does not take the place of what was sent.
        rig.begin(Request::Transmit { apdu });
        let operators = "(1,\"N\",\"N\",\"00101\",8),".repeat(30);
        let answer = format!("\r\n+COPS: {operators}\r\n\r\n+CME ERROR: 14\r\n");
        rig.exchange(send, answer);
        rig.pass(2_000);
        rig.exchange(send, "\r\n+CGLA: 4,\"9000\"\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(2)));
        // The longest answer there is comes in parts, beside lines that have nothing to do with it.
        rig.begin(Request::Transmit { apdu });
        let long = "AB".repeat(256) + "9000";
        rig.say("\r\n+QIND: \"csq\",20,99\r\n");
        let answer = format!(
            "\r\n+CGLA: {},\"{long}\"\r\n\r\n+QCSCON: 1,1\r\n\r\nOK\r\n",
            long.len()
        );
        rig.exchange(send, answer);
        assert_eq!(rig.done(), Ok(Answer::Count(258)));
        assert!(rig.engine.data()[..256].iter().all(|&byte| byte == 0xab));
        rig.begin(Request::CloseChannel);
        rig.exchange("AT+CCHC=2", "\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        rig.begin(Request::OpenChannel { aid: Aid::ISD_R });
        for session in 1..=3 {
            rig.exchange(&format!("AT+CCHC={session}"), "\r\nERROR\r\n");
        }
        for _ in 0..4 {
            rig.exchange(open, "\r\n+CME ERROR: 14\r\n");
            rig.pass(2_000);
        }
        // Busy for good: the other way to the card is tried, and is as busy.
        rig.exchange("AT+CSIM=10,\"0070000001\"", "\r\n+CME ERROR: 13\r\n");
        assert!(matches!(
            rig.done(),
            Err(Fault::NotSupported | Fault::Cme(CmeError::SimBusy))
        ));
    });
}

#[test]
fn channel_whose_selection_is_refused_is_closed() {
    let mut rig = Rig::new(config(), 0);
    rig.start();
    rig.begin(Request::OpenChannel { aid: Aid::ISD_R });
    for stale in 1..=3 {
        rig.exchange(&format!("AT+CCHC={stale}"), "\r\nERROR\r\n");
    }
    assert!(rig.sent().starts_with("AT+CCHO="));
    rig.say("\r\nERROR\r\n");
    rig.exchange(
        "AT+CSIM=10,\"0070000001\"",
        "\r\n+CSIM: 6,\"019000\"\r\n\r\nOK\r\n",
    );
    assert!(rig.sent().starts_with("AT+CSIM=42,\"01A40400"));
    rig.say("\r\n+CME ERROR: 13\r\n");
    let closed = rig.sent();
    if closed.is_empty() {
        rig.done().unwrap_err();
        rig.begin(Request::CloseChannel);
        assert_eq!(rig.sent(), "AT+CSIM=10,\"0070800100\"\r");
    } else {
        assert_eq!(closed, "AT+CSIM=10,\"0070800100\"\r");
    }
}
