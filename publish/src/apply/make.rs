//! Making a version exactly once, though no cloud has a request for that.
//!
//! If the answer to such a request is lost, the version may exist nevertheless, and the same request sent again would
//! make a second one. So after a lost answer we first look for the version, for as long as it may still appear. If this
//! run is killed, the next one does so.

use std::time::{Duration, Instant};

use super::journal::Entry;
use super::{Engine, Place};
use crate::model::Version;
use crate::order::Order;
use crate::store::{Failure, Kind, Store};

/// Makes a version of `order`.
pub async fn make<S: Store>(engine: &Engine<'_>, place: &Place<S>, order: &Order) -> Result<Version, Failure> {
    let (store, patience, region) = (&place.store, &engine.patience, &place.region);
    if let Some(rest) = engine.journal.unsettled(region, order, patience.settle) {
        engine.ui.note(format!(
            "{region}: an earlier run was interrupted here; waiting for the version that it may have made"
        ));
        if let Some(version) = appears(engine, store, order, rest).await? {
            engine.journal.forget(region, order);
            return Ok(version);
        }
    }
    for attempt in 1.. {
        let entry =
            engine.journal.begin(region, order).map_err(|error| Failure::new(Kind::Refused, format!("{error:#}")))?;
        let failure = match beating(&entry, store.create(order)).await {
            Ok(version) => {
                engine.journal.forget(region, order);
                return Ok(version);
            }
            Err(failure) => failure,
        };
        if failure.kind == Kind::Unknown {
            if let Some(version) = appears(engine, store, order, patience.settle).await? {
                engine.ui.note(format!("{region}: {} was published, though the answer was lost", order.name));
                engine.journal.forget(region, order);
                return Ok(version);
            }
        } else if failure.is_passing() && attempt < patience.attempts {
            patience.pause(attempt).await;
        }
        engine.journal.forget(region, order);
        if !failure.is_passing() {
            return Err(failure);
        }
        if attempt == patience.attempts {
            return Err(Failure::new(failure.kind, format!("{} (tried {attempt} times)", failure.message)));
        }
    }
    Err(Failure::new(Kind::Refused, "no request may be sent even once"))
}

/// Waits for `future`, and notes every second that it is alive.
async fn beating<T>(entry: &Entry, future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    loop {
        match tokio::time::timeout(Duration::from_secs(1), &mut future).await {
            Ok(result) => return result,
            Err(_) => entry.beat(),
        }
    }
}

/// The version that holds the zip of `order`, if one turns up within `limit`.
async fn appears<S: Store>(
    engine: &Engine<'_>,
    store: &S,
    order: &Order,
    limit: Duration,
) -> Result<Option<Version>, Failure> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        let versions = engine.patience.retrying(|| store.versions(&order.name)).await?;
        if let Some(version) = versions.into_iter().find(|version| version.claims() == Some(order.sha256)) {
            return Ok(Some(version));
        }
        let rest = limit.saturating_sub(begun.elapsed());
        if rest.is_zero() {
            return Ok(None);
        }
        tokio::time::sleep(pause.min(rest)).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}
