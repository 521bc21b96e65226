//! All that a meter does with commands, with their memory in flash.

use core::convert::Infallible;
use core::hint::black_box;

use meter_core::units::UtcSeconds;
use meter_proto::command::{
    Key, KeyId, MAX_BODY, MAX_COMMAND, Now, Outcome, Policy, Received, Response, Role, Store,
    StoreError,
};
use meter_proto::topic::MeterId;

use crate::flash::Flash;

type Error = StoreError<Infallible>;

pub async fn all() -> Result<(), Error> {
    let mut flash = Flash;
    let meter = black_box(MeterId(*b"MTR\x00\x00\x00\x00\x2a"));
    let opened = Store::open(&mut flash, black_box(0..0x4000), meter, Policy::default());
    let (mut store, found) = opened.await?;
    black_box(found);
    let id = black_box(KeyId {
        role: Role::Operations,
        generation: 1,
    });
    let key = Key::new(black_box([7; 32]));
    store.provision(&mut flash, id, key).await?;
    let time = black_box(UtcSeconds::new(1_767_225_600));
    let now = Now {
        clock: Some(time),
        random: black_box(4),
    };
    let mut buffer = [0; MAX_COMMAND];
    let message = black_box(&[0xD1, 0x84]);
    let received = store.receive(&mut flash, message, &mut buffer, now).await?;
    answer(&mut store, received).await?;
    black_box(store.deadline());
    let mut arguments = [0; MAX_BODY];
    if let Some(received) = store.due(&mut flash, time, &mut arguments).await? {
        answer(&mut store, received).await?;
    }
    Ok(())
}

async fn answer(store: &mut Store, received: Received<'_>) -> Result<(), Error> {
    let answer = match received {
        Received::Ignored(reason) => {
            black_box(reason);
            return Ok(());
        }
        Received::Answer(answer) => answer,
        Received::Run(order) => {
            let response = Response {
                time: None,
                counter: order.command.counter,
                outcome: black_box(Outcome::Done),
                body: None,
            };
            store.finish(&mut Flash, order.ticket, &response).await?
        }
    };
    let mut sealed = [0; 160];
    black_box(store.seal(&answer, &mut sealed).is_ok());
    black_box(sealed);
    Ok(())
}
