//! Finds out what the cloud has, and plans every region.

use futures_util::StreamExt as _;
use futures_util::stream;
use xtask::model::target::Cloud;

use super::{Place, retry::Patience};
use crate::order::Order;
use crate::plan::{Observed, Plan, RegionPlan, SharingAndRetention, Work, decide};
use crate::store::{Failure, Kind, Store};

/// The plan for `orders` in all of `places`.
pub async fn survey<S: Store>(
    patience: &Patience,
    places: &[Place<S>],
    orders: &[Order],
    wish: &SharingAndRetention,
    cloud: Cloud,
) -> Plan {
    let regions = stream::iter(places).map(|place| async move {
        let work = match region(patience, place, orders, wish).await {
            Ok(layers) => Work::Layers(layers),
            Err(failure) if failure.kind == Kind::NotEnabled && place.region.opt_in && !place.named => {
                Work::NotEnabled(failure.message)
            }
            Err(failure) => Work::Failed(failure.message),
        };
        RegionPlan { region: place.region.name.clone(), work }
    });
    Plan {
        cloud,
        layers: orders.iter().map(Into::into).collect(),
        regions: regions.buffered(patience.at_once).collect().await,
    }
}

async fn region<S: Store>(
    patience: &Patience,
    place: &Place<S>,
    orders: &[Order],
    wish: &SharingAndRetention,
) -> Result<Vec<crate::plan::LayerPlan>, Failure> {
    let mut layers = Vec::new();
    for order in orders {
        layers.push(decide(order, &observe(patience, &place.store, order).await?, wish));
    }
    Ok(layers)
}

async fn observe<S: Store>(patience: &Patience, store: &S, order: &Order) -> Result<Observed, Failure> {
    let name = &order.name;
    let mut observed = Observed { versions: patience.retrying(|| store.versions(name)).await?, ..Observed::default() };
    for version in observed.versions.iter().filter(|version| version.claims() == Some(order.sha256)) {
        let details = match patience.retrying(|| store.read(name, version.number)).await {
            // Deleted since it was listed.
            Err(failure) if failure.kind == Kind::NotFound => continue,
            other => other?,
        };
        if details.sha256.is_some_and(|sha256| sha256 != order.sha256) {
            observed.pretenders.push(version.number);
            continue;
        }
        observed.grants = patience.retrying(|| store.grants(name, version.number)).await?;
        observed.present = Some(details);
        break;
    }
    Ok(observed)
}
