//! The eUICC through the modem: profiles, and a change of profile that finds its way back.

use embedded_hal_async::delay::DelayNs;
use embedded_io_async::{Read, Write};

use super::Modem;
use crate::engine::card::told;
use crate::engine::query;
use crate::engine::request::ask;
use crate::engine::state::State;
use crate::esim::apdu::StoreData;
use crate::esim::es10::{
    AnswerError, DeleteResult, DisableResult, EnableResult, MAX_REQUEST, ProfileId, Request, Search,
};
use crate::esim::{
    Aid, Eid, Iccid, ProfileState, Profiles, Subscription, Switch, Switched, es10, tag,
};
use crate::{Clock, Error, Fault};

/// Pause before a busy card is asked again, ms, and how often; modem scenario K8.
const BUSY_PAUSE: u32 = 2_000;
const BUSY_TIMES: usize = 3;
/// The card restarts in this time behind a change of profile, ms; modem scenario K6.
const REFRESH: u32 = 15_000;

impl<S: Read + Write, C: Clock + DelayNs, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// The number of the eUICC.
    ///
    /// # Errors
    ///
    /// [`Fault::NoEuicc`], [`Fault::NotSupported`], [`Fault::CardStatus`], [`Fault::CardAnswer`].
    pub async fn eid(&mut self) -> Result<Eid, Error<S::Error>> {
        let mut buffer = [0; 32];
        let answer = self.ask_card(Request::Eid, &mut buffer).await?;
        Ok(Eid::parse(answer).map_err(answered)?)
    }

    /// The profiles of the card, in a buffer of 1 KiB or more.
    ///
    /// # Errors
    ///
    /// As [`eid`](Self::eid).
    pub async fn profiles<'a>(
        &mut self,
        buffer: &'a mut [u8],
    ) -> Result<Profiles<'a>, Error<S::Error>> {
        let request = Request::Profiles {
            search: Search::All,
            tags: es10::PROFILE_TAGS,
        };
        let answer = self.ask_card(request, buffer).await?;
        Ok(Profiles::parse(answer).map_err(answered)?)
    }

    /// Disables a profile; the card restarts, so call [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// As [`eid`](Self::eid).
    pub async fn disable_profile(
        &mut self,
        iccid: Iccid,
    ) -> Result<DisableResult, Error<S::Error>> {
        let mut buffer = [0; 16];
        let request = Request::Disable {
            profile: ProfileId::Iccid(iccid),
            refresh: true,
        };
        let answer = self.ask_card(request, &mut buffer).await?;
        Ok(DisableResult::parse(answer).map_err(answered)?)
    }

    /// Deletes a profile that is disabled. There is no way back.
    ///
    /// # Errors
    ///
    /// As [`eid`](Self::eid).
    pub async fn delete_profile(&mut self, iccid: Iccid) -> Result<DeleteResult, Error<S::Error>> {
        let mut buffer = [0; 16];
        let request = Request::Delete {
            profile: ProfileId::Iccid(iccid),
        };
        let answer = self.ask_card(request, &mut buffer).await?;
        Ok(DeleteResult::parse(answer).map_err(answered)?)
    }

    /// Changes to another profile and starts with it; back to the old one if it does not come to a
    /// packet context in the time of [`Config::search_time`](crate::Config::search_time).
    ///
    /// Store `switch` before the call and forget it after. After a power cut in between, call
    /// `start`, whatever it returns, and then this again: it finds out how far it had come.
    ///
    /// # Errors
    ///
    /// Nothing was changed: [`Fault::Profile`] with the card's reason, and as [`eid`](Self::eid). If
    /// neither profile works, the error of the old one.
    pub async fn switch_profile(&mut self, switch: &Switch) -> Result<Switched, Error<S::Error>> {
        self.enable(switch.to.iccid).await?;
        match self.start_with(&switch.to).await {
            Ok(()) => Ok(Switched::Done),
            Err(error) => {
                let Some(fault) = error.fault() else {
                    return Err(error);
                };
                self.enable(switch.from.iccid).await?;
                self.start_with(&switch.from).await?;
                Ok(Switched::RolledBack(fault))
            }
        }
    }

    /// Sends a request to the card and puts its answer into `response`.
    ///
    /// # Errors
    ///
    /// As [`eid`](Self::eid); [`Fault::InvalidParameter`]: the buffer is too small.
    pub async fn ask_card<'a>(
        &mut self,
        request: Request<'_>,
        response: &'a mut [u8],
    ) -> Result<&'a [u8], Error<S::Error>> {
        let mut buffer = [0; MAX_REQUEST];
        let request = request.encode(&mut buffer);
        let request = request.map_err(|_| Fault::InvalidParameter)?;
        self.run(&mut |_, _| State::open_channel(Aid::ISD_R))
            .await?;
        let answer = self.exchange(request, &mut *response).await;
        // Behind a change of profile the channel is gone already: closing is no error.
        let closed = self.run(&mut |_, _| State::close_channel()).await;
        let length = answer?;
        closed?;
        Ok(response.get(..length).unwrap_or_default())
    }

    async fn exchange(
        &mut self,
        request: &[u8],
        response: &mut [u8],
    ) -> Result<usize, Error<S::Error>> {
        let channel = self.engine.channel();
        let exchange =
            StoreData::with_block_size(channel, State::<SOCKETS>::BLOCK, request, response);
        let mut exchange = exchange.map_err(told)?;
        while let Some(command) = exchange.next() {
            self.run(&mut |state, _| state.transmit_command(command))
                .await?;
            exchange.answer(self.engine.data()).map_err(told)?;
        }
        Ok(exchange.response().len())
    }

    /// Makes a profile the one in use, if it is not, and waits until the card has restarted.
    async fn enable(&mut self, iccid: Iccid) -> Result<(), Error<S::Error>> {
        let profile = ProfileId::Iccid(iccid);
        self.engine.expect_sim();
        if self.is_enabled(profile).await? {
            // Perhaps only the card knows: the power was cut before it restarted.
            return if self.uses(iccid).await? {
                Ok(())
            } else {
                self.card_restarts().await
            };
        }
        let mut buffer = [0; 16];
        for attempt in 0..=BUSY_TIMES {
            self.engine.expect_sim();
            let request = Request::Enable {
                profile,
                refresh: true,
            };
            let answer = self.ask_card(request, &mut buffer).await?;
            match EnableResult::parse(answer).map_err(answered)? {
                EnableResult::Enabled => return self.card_restarts().await,
                EnableResult::Busy if attempt < BUSY_TIMES => {
                    self.clock.delay_ms(BUSY_PAUSE).await;
                }
                result => return Err(Fault::Profile(result).into()),
            }
        }
        Err(Fault::LogicBug.into())
    }

    async fn is_enabled(&mut self, profile: ProfileId<'_>) -> Result<bool, Error<S::Error>> {
        let mut buffer = [0; 64];
        let request = Request::Profiles {
            search: Search::Id(profile),
            tags: &[tag::ICCID, tag::STATE],
        };
        let answer = self.ask_card(request, &mut buffer).await?;
        let mut profiles = Profiles::parse(answer).map_err(answered)?;
        let found = profiles.find(|found| match (found, profile) {
            (Ok(found), ProfileId::Iccid(iccid)) => found.iccid == Some(iccid),
            _ => false,
        });
        let missing = Fault::Profile(EnableResult::NotFound);
        let found = found.ok_or(missing)?.map_err(answered)?;
        Ok(found.state == Some(ProfileState::Enabled))
    }

    /// Waits until the card speaks of itself; if it does not, the radio is switched off and on.
    async fn card_restarts(&mut self) -> Result<(), Error<S::Error>> {
        let until = self.clock.now().plus(REFRESH);
        while !self.engine.has_sim_spoken() {
            if self.clock.now() >= until {
                return self
                    .run(&mut |_, _| ask(&query::RESTART_SIM))
                    .await
                    .map(drop);
            }
            self.turn(Some(until)).await?;
        }
        Ok(())
    }

    async fn start_with(&mut self, subscription: &Subscription) -> Result<(), Error<S::Error>> {
        let config = self.engine.config_mut();
        config.apn = subscription.apn.clone();
        config.user = subscription.user.clone();
        config.password = subscription.password.clone();
        self.start().await?;
        let is_used = self.uses(subscription.iccid).await?;
        is_used.then_some(()).ok_or(Error::Modem(Fault::CardAnswer))
    }

    /// Whether the modem knows the card by this profile.
    async fn uses(&mut self, iccid: Iccid) -> Result<bool, Error<S::Error>> {
        self.run(&mut |state, _| state.identity()).await?;
        let used = self.engine.identity().iccid;
        Ok(Iccid::from_digits(used.as_str()) == Some(iccid))
    }
}

/// An answer that does not say what was asked.
const fn answered(_: AnswerError) -> Fault {
    Fault::CardAnswer
}
