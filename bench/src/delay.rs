//! A long line, as arithmetic: when a packet that enters one end leaves the other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How much may wait for its turn before packets are dropped, as routers do. At 400 Mbit/s this is 20 ms.
const BACKLOG: Duration = Duration::from_millis(20);

/// One direction of a line: a rate, and a delay that has nothing to do with it.
#[derive(Debug)]
pub struct Line {
    delay: Duration,
    bits_per_second: u64,
    /// When the last packet accepted is through the narrow end.
    free: Option<Instant>,
    packets: VecDeque<(Instant, Vec<u8>)>,
}

impl Line {
    /// A line without packets on it.
    pub fn new(delay: Duration, bits_per_second: u64) -> Line {
        Line { delay, bits_per_second, free: None, packets: VecDeque::new() }
    }

    /// Puts a packet on the line; false if it was dropped, as too many were waiting.
    pub fn offer(&mut self, now: Instant, packet: Vec<u8>) -> bool {
        let begin = self.free.map_or(now, |free| free.max(now));
        if begin.duration_since(now) > BACKLOG {
            return false;
        }
        let nanos = packet.len() as u64 * 8 * 1_000_000_000 / self.bits_per_second;
        let through = begin + Duration::from_nanos(nanos);
        self.free = Some(through);
        self.packets.push_back((through + self.delay, packet));
        true
    }

    /// When the next packet arrives.
    pub fn next(&self) -> Option<Instant> {
        self.packets.front().map(|(due, _)| *due)
    }

    /// The next packet, if it has arrived.
    pub fn take(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.next().filter(|due| *due <= now).and_then(|_| self.packets.pop_front()).map(|(_, packet)| packet)
    }

    /// Changes the delay of what is offered from now on. Packets keep their order, so the line should be empty.
    pub fn set_delay(&mut self, delay: Duration) {
        self.delay = delay;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A packet that takes one millisecond at 8 Mbit/s.
    fn packet() -> Vec<u8> {
        vec![0; 1000]
    }

    #[test]
    fn packets_take_the_delay_and_their_length() {
        let (now, mut line) = (Instant::now(), Line::new(MS * 40, 8_000_000));
        assert!(line.offer(now, packet()) && line.offer(now, packet()));
        assert_eq!(line.next(), Some(now + MS * 41));
        assert!(line.take(now + MS * 40).is_none());
        assert!(line.take(now + MS * 41).is_some());
        assert!(line.take(now + MS * 41).is_none());
        assert!(line.take(now + MS * 42).is_some());
        assert_eq!(line.next(), None);
    }

    #[test]
    fn a_line_that_was_idle_owes_nothing() {
        let (now, mut line) = (Instant::now(), Line::new(Duration::ZERO, 8_000_000));
        line.offer(now, packet());
        line.take(now + MS);
        line.offer(now + MS * 100, packet());
        assert_eq!(line.next(), Some(now + MS * 101));
    }

    #[test]
    fn what_is_too_much_is_dropped() {
        let (now, mut line) = (Instant::now(), Line::new(MS * 10, 8_000_000));
        let accepted = (0..100).filter(|_| line.offer(now, packet())).count();
        assert_eq!(accepted, 21);
    }
}
