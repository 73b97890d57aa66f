//! How often a request is sent, and how long to wait before it is sent again.

use std::time::Duration;

use crate::store::Failure;

/// How often and how long.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How often a request is sent at most.
    pub attempts: u32,
    /// The pause after the first failure. Each further one is twice as long, up to [`Patience::LONGEST`].
    pub first_pause: Duration,
    /// How long after a request was last alive what it made may still turn up.
    pub settle: Duration,
    /// How many regions are worked on at once.
    pub at_once: usize,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            attempts: 7,
            first_pause: Duration::from_millis(500),
            settle: Duration::from_secs(10),
            // More than there are regions in any partition. Nearly all of the time is spent waiting.
            at_once: 48,
        }
    }
}

impl Patience {
    /// No pause is longer.
    const LONGEST: Duration = Duration::from_secs(20);

    /// Waits before the request that follows number `attempt`. Half of the pause is chance, so that regions that were
    /// refused together do not come back together.
    pub async fn pause(&self, attempt: u32) {
        let whole = self.first_pause.saturating_mul(1 << (attempt - 1).min(10)).min(Patience::LONGEST);
        tokio::time::sleep(whole.mul_f64(0.5 + 0.5 * fastrand::f64())).await;
    }

    /// Sends a request that may be sent any number of times until it is answered.
    ///
    /// # Errors
    /// The first failure that will not pass, or the last one.
    pub async fn retrying<T>(&self, mut send: impl AsyncFnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        let mut attempt = 1;
        loop {
            match send().await {
                Err(failure) if failure.is_passing() && attempt < self.attempts => {
                    self.pause(attempt).await;
                    attempt += 1;
                }
                Err(failure) if failure.is_passing() => {
                    return Err(Failure::new(failure.kind, format!("{} (tried {attempt} times)", failure.message)));
                }
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Kind;

    fn patience() -> Patience {
        Patience { attempts: 3, first_pause: Duration::from_millis(1), ..Patience::default() }
    }

    #[tokio::test]
    async fn what_passes_is_tried_again_and_what_does_not_is_not() {
        let mut sent = 0;
        let result = patience()
            .retrying(async || {
                sent += 1;
                if sent < 3 { Err(Failure::new(Kind::Throttled, "slow down")) } else { Ok(sent) }
            })
            .await;
        assert_eq!(result, Ok(3));

        let mut sent = 0;
        let result: Result<(), _> = patience()
            .retrying(async || {
                sent += 1;
                Err(Failure::new(Kind::Refused, "no"))
            })
            .await;
        assert_eq!((result.expect_err("refused").message.as_str(), sent), ("no", 1));
    }

    #[tokio::test]
    async fn it_gives_up_and_says_so() {
        let result: Result<(), _> =
            patience().retrying(async || Err(Failure::new(Kind::Unknown, "the connection broke"))).await;
        assert_eq!(result.expect_err("failed").message, "the connection broke (tried 3 times)");
    }
}
