//! Parameters of requests: the meter in the path, numbers in the query.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;

use super::{Failure, State};
use crate::fleet::MeterState;
use crate::record::{Before, LATEST, MeterId};

/// The meter that a path names, and its state.
pub(super) struct Meter {
    pub(super) id: MeterId,
    pub(super) state: Arc<MeterState>,
}

impl FromRequestParts<State> for Meter {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Failure> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = path.map_err(|error| Failure::bad_request(error.to_string()))?;
        let Some(id) = MeterId::parse(&name) else {
            return Err(Failure::not_found(format!(
                "{name:?} is no meter: it must be 16 lower-case hex digits, /api/meters lists all"
            )));
        };
        let state = state.fleet.meter(id).ok_or_else(|| {
            Failure::not_found(format!("meter {id} was never heard; /api/meters lists all"))
        })?;
        Ok(Self { id, state })
    }
}

/// The query part of a request.
pub(super) struct Params(HashMap<String, String>);

impl Params {
    /// A whole number, `None` where it is absent or empty.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.0.get(name).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let number = text
            .parse()
            .map_err(|_| Failure::bad_request(format!("{name}={text:?} is not a whole number")))?;
        Ok(Some(number))
    }

    /// Where a page begins: at a time, or at an entry by its `time`, `seq` and `epoch`.
    pub(super) fn before(&self) -> Result<Before, Failure> {
        let Some(time) = self.number("before")? else {
            return Ok(Before::END);
        };
        let bound = Before::time(time);
        Ok(Before {
            seq: self.number("seq")?.unwrap_or(bound.seq),
            epoch: self.number("epoch")?.unwrap_or(bound.epoch),
            ..bound
        })
    }

    /// A number between 1 and `most`.
    pub(super) fn count(&self, name: &str, default: usize, most: usize) -> Result<usize, Failure> {
        let Some(number) = self.number(name)? else {
            return Ok(default);
        };
        usize::try_from(number)
            .ok()
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(|| {
                Failure::bad_request(format!("{name}={number} must be between 1 and {most}"))
            })
    }

    /// The span `from`..`to` in UTC seconds; the defaults where one is absent.
    pub(super) fn span(&self, default: (i64, i64)) -> Result<(i64, i64), Failure> {
        let from = self.number("from")?.unwrap_or(default.0);
        let to = self.number("to")?.unwrap_or(default.1);
        let in_range = |time: i64| (0..=LATEST).contains(&time);
        if !in_range(from) || !in_range(to) {
            return Err(Failure::bad_request(
                "from and to must be UTC seconds since 1970",
            ));
        }
        if from >= to {
            return Err(Failure::bad_request(format!(
                "from={from} must be before to={to}"
            )));
        }
        Ok((from, to))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let query = Query::from_request_parts(parts, state).await;
        let Query(pairs) = query.map_err(|error| Failure::bad_request(error.to_string()))?;
        Ok(Self(pairs))
    }
}
