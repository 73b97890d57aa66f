//! What reached a server, so that a check can say what must have reached it.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long [`Log::settled`] waits for answers that are still under way.
const SETTLE: Duration = Duration::from_secs(5);

/// One request, and how much was sent in answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The connection it came on, counted from one over the life of the server.
    pub connection: u64,
    /// `GET` and the like.
    pub method: String,
    /// The request target as it came, byte for byte; lossy only in what is no UTF-8.
    pub target: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// The status it was answered with.
    pub status: u16,
    /// Bytes of the body that would have been sent to a client that takes all it asked for.
    pub asked: u64,
    /// Bytes of the body that were sent before the answer or the connection ended.
    pub sent: u64,
}

/// The requests of a server in the order in which they came.
#[derive(Debug, Default)]
pub struct Log {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    records: Vec<Record>,
    /// The numbers of those that are still being answered.
    under_way: BTreeSet<usize>,
}

impl Log {
    /// Notes a request before it is answered, so that no client can be ahead of the log.
    pub fn begin(&self, record: Record) -> usize {
        let mut state = self.lock();
        let number = state.records.len();
        state.records.push(record);
        state.under_way.insert(number);
        number
    }

    /// Notes how much was sent for the request that [`Log::begin`] gave this number.
    pub fn end(&self, number: usize, sent: u64) {
        let mut state = self.lock();
        if let Some(record) = state.records.get_mut(number) {
            record.sent = sent;
        }
        state.under_way.remove(&number);
        self.changed.notify_all();
    }

    /// The records that `wanted` picks, once none of them is being answered any more.
    pub fn settled(&self, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        let busy = |state: &mut State| state.under_way.iter().any(|&number| wanted(&state.records[number]));
        let waited = self.changed.wait_timeout_while(self.lock(), SETTLE, busy);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.records.iter().filter(|record| wanted(record)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
