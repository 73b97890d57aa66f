//! The order of work: every package as soon as what it needs is there, a few at once.
//!
//! Configuring uses one core and compiling all of them, so two packages at once keep the machine busy.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use anyhow::{Result, anyhow};

use super::package::Builder;
use crate::plan::{Key, Package, Plan};

/// What is known while packages are being built.
#[derive(Default)]
struct State {
    begun: Vec<Key>,
    ready: BTreeMap<Key, PathBuf>,
    failure: Option<anyhow::Error>,
}

/// Builds every package of `plan`; where each one's files are. The first failure stops what has not begun.
pub fn build_all(builder: &Builder<'_>, plan: &Plan) -> Result<BTreeMap<Key, PathBuf>> {
    let state = Mutex::new(State::default());
    let changed = Condvar::new();
    let work = || {
        let mut held = state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if held.failure.is_some() || held.begun.len() == plan.packages.len() {
                return;
            }
            let Some(package) = next(plan, &held) else {
                held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            held.begun.push(package.key);
            let ready = held.ready.clone();
            drop(held);
            let result = builder.build(package, &ready);
            held = state.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(files) => {
                    held.ready.insert(package.key, files);
                }
                Err(error) => {
                    if held.begun.len() > held.ready.len() + 1 {
                        builder.ui.note(format!("{} failed; waiting for the other build to end", package.label()));
                    }
                    held.failure.get_or_insert(error);
                }
            }
            changed.notify_all();
        }
    };
    thread::scope(|scope| {
        for _ in 0..builder.jobs.clamp(1, 2) {
            scope.spawn(work);
        }
    });
    let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match state.failure {
        Some(error) => Err(error),
        None if state.ready.len() == plan.packages.len() => Ok(state.ready),
        None => Err(anyhow!("not every package of the plan could be built")),
    }
}

/// The first package of the plan that has not begun and whose needs are there.
fn next<'p>(plan: &'p Plan, state: &State) -> Option<&'p Package> {
    plan.packages.iter().find(|package| {
        !state.begun.contains(&package.key)
            && package.needs.values().chain(package.tools.values()).all(|key| state.ready.contains_key(key))
    })
}
