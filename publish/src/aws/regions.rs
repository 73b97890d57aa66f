//! The regions that an account sees.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use aws_sdk_account::types::RegionOptStatus;

use super::failure::failure;
use crate::store::Pages;

/// Every region of the account's partition, and whether the account must ask for it.
///
/// # Errors
/// If the account may not list them; that needs `account:ListRegions`.
pub async fn seen(session: &super::Session, region: &str) -> Result<BTreeMap<String, bool>> {
    let client = aws_sdk_account::Client::new(&session.config(region));
    let mut seen = BTreeMap::new();
    let (mut token, mut pages) = (None, Pages::new());
    loop {
        let page = client.list_regions().max_results(50).set_next_token(token).send().await;
        let page = page.map_err(|error| anyhow!("cannot list regions: {}", failure(error).message))?;
        for region in page.regions() {
            let opt_in = region.region_opt_status() != Some(&RegionOptStatus::EnabledByDefault);
            seen.extend(region.region_name().map(|name| (name.to_owned(), opt_in)));
        }
        let Some(next) = page.next_token() else { return Ok(seen) };
        token = Some(pages.turn(next.to_owned()).map_err(|failure| anyhow!("cannot list regions: {failure}"))?);
    }
}
